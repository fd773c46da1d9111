import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

/** The gateway's own key, which signs people's tokens for the subgraphs. The only private key outside of the signer. */

export interface OwnKey {
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/** Makes a key for a gateway that runs in one process with its subgraphs: nobody else ever has it. */
export function makeOwnKey(): OwnKey {
  return generateKeyPairSync('ed25519');
}

/** Reads the key of a gateway in its own process, PEM (PKCS #8). Throws unless it is of Ed25519. */
export function parseOwnKey(pem: string): OwnKey {
  const privateKey = createPrivateKey(pem);
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error('not a key of Ed25519');
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
