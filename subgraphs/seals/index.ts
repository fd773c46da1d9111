import { readFileSync } from 'node:fs';
import type { Database } from '../../db/client.ts';
import type { AuthorisationKeys } from '../kernel/actor.ts';
import type { Clock } from '../kernel/day.ts';
import type { Envelope } from '../kernel/events.ts';
import { type Relay, startRelay } from '../kernel/outbox.ts';
import { type Subgraph, subgraphSchema } from '../kernel/serve.ts';
import type { Attest, ReadMaterial, ReadPicture, Sign, SignCode, Stamp } from '../kernel/sign.ts';
import { authorityOf, prepare, readMaterial } from './certification.ts';
import { sealResolvers } from './resolvers.ts';
import { publicRoutes } from './routes.ts';
import { createSigner } from './signer.ts';
import { findAuthorities, messages } from './store.ts';
import { attest, makeSeal, type NewSeal, pictureFor, sign, signCode, stamp } from './workflow.ts';

export interface SealsDependencies {
  db: Database;
  now: Clock;
  /** 32 bytes, kept outside the database. */
  keyEncryptionKey: Uint8Array;
  authorisationKeys: AuthorisationKeys;
  send: { licenses: (event: Envelope) => Promise<void> };
  onError?: (error: unknown) => void;
  pollMs?: number;
}

export interface Seals extends Subgraph {
  /** The ports that licenses call, and cases the first two; see the functions of their names in workflow.ts. */
  sign: Sign;
  picture: ReadPicture;
  signCode: SignCode;
  attest: Attest;
  stamp: Stamp;
  material: ReadMaterial;
  /** The test PKI's root certificate, PEM. */
  rootCertificate(): Promise<string>;
  makeSeal(made: NewSeal): Promise<string>;
  /** Makes what is missing of the test PKI. */
  prepare(): Promise<void>;
}

/** The seals subgraph (电子印章): seals, the authority to use them, and the ledger of every use. */
export function createSeals(dependencies: SealsDependencies): Seals {
  const { db, now, keyEncryptionKey, authorisationKeys, send, onError, pollMs } = dependencies;
  const deps = { db, now, authorisationKeys, signer: createSigner(keyEncryptionKey) };
  let relay: Relay | null = null;
  return {
    name: 'seals',
    schema: subgraphSchema(readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'), sealResolvers(deps)),
    receive: async (producer, event) => {
      throw new Error(`seals take no ${event.type} from ${producer}`);
    },
    start() {
      const deliver = async (event: Envelope) => {
        await send.licenses(event);
        return null;
      };
      relay ??= startRelay({ db, tables: messages, consumer: 'licenses', deliver, onError, pollMs });
    },
    stop: async () => relay?.stop(),
    routes: (app) => publicRoutes(app, deps),
    sign: (request) => sign(deps, request),
    picture: (request) => pictureFor(deps, request),
    signCode: (request) => signCode(deps, request),
    attest: (request) => attest(deps, request),
    stamp: (digest) => stamp(deps, digest),
    material: (codes) => readMaterial(deps, codes),
    makeSeal: (made) => makeSeal(deps, made),
    prepare: () => prepare(deps),
    rootCertificate: async () => authorityOf(await findAuthorities(db), 'root').certificatePem,
  };
}
