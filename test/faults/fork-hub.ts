import { type ChildProcess, fork } from 'node:child_process';
import type { ServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { tokenKeys } from '../support/actors.ts';
import type { TestHub } from '../support/hub.ts';
import { encodePrivateKey } from '../support/services.ts';

/** Keys of a hub in its own process. Two hubs of one database have the same. */
export interface ForkedKeys {
  /** Hex. */
  keyEncryptionKey: string;
  derivationKey: string;
  serviceKeys: ServiceKeys;
}

/**
 * Starts another hub on the database of a test hub, in its own process. It kills itself at step `crashAt`, if any.
 * Throws if it ends before it listens.
 */
export function forkHub(
  { databaseUrls }: Pick<TestHub, 'databaseUrls'>,
  { serviceKeys, ...hexKeys }: ForkedKeys,
  crashAt: string | null,
): Promise<{ child: ChildProcess; url: string }> {
  const config = { databaseUrls, publicUrl: 'http://127.0.0.1:4000', library: null, pollMs: 20 };
  const tokenKeyPem = tokenKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const { cases, licenses } = serviceKeys.identities;
  const keys = { ...hexKeys, cases: encodePrivateKey(cases), licenses: encodePrivateKey(licenses) };
  return new Promise((resolve, reject) => {
    const child = fork(new URL('hub.ts', import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.once('message', (message) => resolve({ child, url: (message as { url: string }).url }));
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`the hub ended: ${code ?? signal}`)));
    child.send({ config, tokenKeyPem, keys, crashAt });
  });
}
