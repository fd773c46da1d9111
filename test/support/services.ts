import type { Service } from '../../subgraphs/kernel/sealing/service-keys.ts';
import {
  generateServiceKeys,
  type ServiceCheck,
  type ServiceIdentity,
  type ServiceReceiver,
} from '../../subgraphs/kernel/sealing/service-token.ts';

/** Key pairs of the processes of a hub in tests. */
const keys = generateServiceKeys();

export const identities: Readonly<Record<Service, ServiceIdentity>> = keys.identities;
export const servicePublicKeys: ReturnType<typeof generateServiceKeys>['publicKeys'] = keys.publicKeys;

/** What a process of these tests knows the others by. */
export function servicesOf<Receiver extends ServiceReceiver>(
  receiver: Receiver,
): ServiceCheck & { receiver: Receiver } {
  return { receiver, publicKeys: servicePublicKeys };
}

/** A process with a key that nobody knows. */
export function forgeIdentity(service: Service): ServiceIdentity {
  return generateServiceKeys().identities[service];
}

/** The private key of a process as its environment has it. */
export function encodePrivateKey({ privateKey }: ServiceIdentity): string {
  return privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
}
