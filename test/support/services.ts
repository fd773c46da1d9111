import {
  generateServiceKeys,
  type Service,
  type ServiceIdentity,
} from '../../subgraphs/kernel/sealing/service-keys.ts';
import type { ServiceCheck, ServiceReceiver } from '../../subgraphs/kernel/sealing/service-token.ts';

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
