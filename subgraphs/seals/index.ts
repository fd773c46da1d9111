import { readFileSync } from 'node:fs';
import type { Database } from '../../db/client.ts';
import type { Clock } from '../kernel/day.ts';
import { deliverBy, type SendEvent, startRelay } from '../kernel/events/relay.ts';
import type { ParserPool } from '../kernel/foreign/pool.ts';
import { FILE_INPUT } from '../kernel/graphql/inputs.ts';
import { createHalt, type Halt } from '../kernel/halt.ts';
import { type Subgraph, subgraphSchema } from '../kernel/http/serve.ts';
import type { Loop } from '../kernel/loop.ts';
import type { ReadPersonSigning } from '../kernel/sealing/person-signature.ts';
import type {
  Attest,
  AttestActs,
  ReadEvidenceMaterial,
  ReadPicture,
  RecordReceipt,
  Sign,
  SignCode,
  Stamp,
} from '../kernel/sealing/sign.ts';
import { writeKey } from '../kernel/tlog/note.ts';
import { type NeededSeals, provideSeals } from './application/provide-workflow.ts';
import { announceOldApplications } from './application/store.ts';
import { attest, attestActs } from './attestation/workflow.ts';
import { findAuthorities } from './certification/authority-store.ts';
import { getAuthority, preparePki, readMaterial } from './certification/certification-workflow.ts';
import { addMissingCodeKeys, makeSeal, type NewSeal } from './certification/generation-workflow.ts';
import type { VerifierFile } from './log/leaf.ts';
import { prepareFolder } from './log/publication/publish-workflow.ts';
import { addLogRoutes } from './log/publication/routes.ts';
import { startSequencer } from './log/sequence-workflow.ts';
import { createLogWatch } from './log/watch-store.ts';
import { startWitnesses, type WitnessAddress } from './log/witness-client.ts';
import { prepareLog, proveUse, readLogKey, recordReceipt, recordVerifier } from './log/workflow.ts';
import { SEAL_OUTPUTS } from './outputs.ts';
import type { PARSERS } from './parsers.ts';
import { sealResolvers } from './resolvers.ts';
import { addPublicRoutes } from './routes.ts';
import type { Signer } from './signer/signer.ts';
import { messages } from './store.ts';
import { sign, signCode } from './use/workflow.ts';
import { readPictureFor, stamp } from './workflow.ts';

export interface SealsDependencies {
  db: Database;
  now: Clock;
  /** The only component with private keys, in this process or another. */
  signer: Signer;
  /** Parses what strangers send. */
  parsers: ParserPool;
  send: { licenses: SendEvent; cases: SendEvent };
  /** Authorities whose seal certificates the hub accepts (受信任的电子认证服务机构), PEM. None if left out. */
  trustedAuthorities?: readonly string[];
  /** The transparency log (透明日志). */
  log?: LogSettings;
  /** Halts the hub if the log's database was set back. */
  halt?: Halt;
  onError?: (error: unknown) => void;
  pollMs?: number;
  /** Longest time that the answer of a mutation waits for other subgraphs. */
  eventWaitMs?: number | undefined;
}

export interface LogSettings {
  /**
   * The log's name: the address under which it is published, without a scheme. It cannot change after the first start.
   */
  origin?: string;
  /** Folder of its static files. Without one, another copy of the hub publishes them. */
  folder?: string | null;
  witnesses?: readonly WitnessAddress[];
  /** The offline verifier that the hub hands out. Without one it hands out none. */
  verifier?: VerifierFile | null;
  /** Called after a checkpoint is committed and before it is published. */
  onCommitted?: () => void;
}

const LOG_ORIGIN = 'tongquan.test/yudu/seals';

export interface Seals extends Subgraph {
  /**
   * Ports that licenses call; cases call the first three. The functions of the same names in workflow.ts describe them.
   */
  sign: Sign;
  picture: ReadPicture;
  /** What persons sign with, and where their signature is needed. Asks the signer. */
  personSigning: ReadPersonSigning;
  signCode: SignCode;
  attest: Attest;
  attestActs: AttestActs;
  stamp: Stamp;
  material: ReadEvidenceMaterial;
  record: RecordReceipt;
  /** The test PKI's root certificate, PEM. */
  rootCertificate(): Promise<string>;
  makeSeal(newSeal: NewSeal): Promise<string>;
  /** Provides the seals that an organ needs, at the start. */
  provideSeals(needed: NeededSeals): Promise<number>;
  /** The key that verifies the log's checkpoints, as text. */
  logKey(): Promise<string>;
  /** Creates what is missing of the test PKI and of the log. Throws SetBack if the database is older than the log. */
  prepare(): Promise<void>;
}

function startRelays({ db, send, onError, pollMs, eventWaitMs }: SealsDependencies): Loop[] {
  const options = { db, tables: messages, onError, pollMs, eventWaitMs };
  return Object.entries(send).map(([consumer, to]) => startRelay({ ...options, consumer, deliver: deliverBy(to) }));
}

/** The seals subgraph (电子印章): seals, the authority to use them, and the ledger of every use. */
export function createSeals(dependencies: SealsDependencies): Seals {
  const { db, now, signer, onError, pollMs, trustedAuthorities = [], halt = createHalt() } = dependencies;
  const watch = createLogWatch();
  const parse = dependencies.parsers.open<typeof PARSERS>(new URL('parsers.ts', import.meta.url));
  const deps = { db, now, signer, trustedAuthorities, watch, halt, parse };
  const { origin = LOG_ORIGIN, folder = null, witnesses = [], verifier = null, onCommitted } = dependencies.log ?? {};
  const log = {
    ...{ ...deps, origin, folder, verifier, onError, pollMs, onCommitted },
    witnesses: witnesses.map((witness) => witness.vkey),
  };
  let loops: Loop[] = [];
  return {
    name: 'seals',
    schema: subgraphSchema(
      readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
      sealResolvers(deps),
      SEAL_OUTPUTS,
      { 'SealPictureInput.picture': FILE_INPUT, 'SealCertificateInput.certificates': FILE_INPUT },
    ),
    receive: async (producer, event) => {
      throw new Error(`seals take no ${event.type} from ${producer}`);
    },
    start() {
      if (loops.length > 0) return;
      loops = [
        ...startRelays(dependencies),
        startSequencer(log),
        startWitnesses({ db, witnesses, parse, halt, onError, pollMs }),
      ];
    },
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
    routes: (app, options) => {
      addPublicRoutes(app, deps);
      addLogRoutes(app, log, options);
    },
    halt,
    sign: (request) => sign(deps, request),
    picture: (request) => readPictureFor(deps, request),
    personSigning: (request) => signer.personSigning(request),
    signCode: (request) => signCode(deps, request),
    attest: (request) => attest(deps, request),
    attestActs: (request) => attestActs(deps, request),
    stamp: async (digest) => {
      halt.requireActing();
      return stamp(deps, digest);
    },
    material: async ({ codes, use }) => ({ ...(await readMaterial(deps, codes)), ...(await proveUse(log, use)) }),
    makeSeal: (newSeal) => makeSeal(deps, newSeal),
    provideSeals: (needed) => provideSeals(deps, needed),
    record: (receipt) => recordReceipt(log, receipt),
    logKey: async () => writeKey(await readLogKey(db)),
    prepare: async () => {
      if (folder !== null) await prepareFolder(db, folder);
      await preparePki(deps);
      await addMissingCodeKeys(deps);
      await prepareLog(log);
      if (verifier) await recordVerifier(log, verifier);
      await announceOldApplications(db);
    },
    rootCertificate: async () => getAuthority(await findAuthorities(db), 'root').certificatePem,
  };
}
