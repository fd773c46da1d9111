import { readFileSync } from 'node:fs';
import type { Transaction } from '../../db/client.ts';
import { type Envelope, type EventPayload, sha256 } from '../kernel/events/events.ts';
import { Rejection, receiveOnce } from '../kernel/events/outbox-store.ts';
import { type DeliverEvent, deliverBy, type Relay, type SendEvent, startRelay } from '../kernel/events/relay.ts';
import type { ParserPool } from '../kernel/foreign/pool.ts';
import { FILE_INPUT } from '../kernel/graphql/inputs.ts';
import { type Subgraph, subgraphSchema } from '../kernel/http/serve.ts';
import { startLoop } from '../kernel/loop.ts';
import { maskCodes } from '../kernel/privacy/mask.ts';
import { buildHandOver } from '../kernel/privacy/reading.ts';
import { addReading } from '../kernel/privacy/reading-store.ts';
import { Refusal } from '../kernel/refusal.ts';
import { hasSalt } from '../kernel/salt.ts';
import type { RecordReceipt } from '../kernel/sealing/sign.ts';
import { rememberOrgans } from '../kernel/sealing/signing-workflow.ts';
import { toOneLine } from '../kernel/text.ts';
import { type IssueDependencies, resumeActs } from './act/issue-workflow.ts';
import { messages, receiveBlanks } from './act/ledger-store.ts';
import { renderSealable } from './document/render.ts';
import { addEvidenceRoutes } from './evidence/routes.ts';
import { type EvidenceDependencies, renewProofs } from './evidence/workflow.ts';
import { findSealedFile, placeChanges } from './library/feed-store.ts';
import type { LibraryClient, LibraryDelivery } from './library/library-client.ts';
import { receiveOrder } from './order/workflow.ts';
import { closeDuty, dutyIds, openDuty, readLicenseSubject } from './paper/duty-store.ts';
import { listBlankNumbers } from './paper/paper.ts';
import { lockBlank } from './paper/store.ts';
import type { PARSERS } from './parsers.ts';
import { LICENSE_OUTPUTS } from './reading/outputs.ts';
import { addFileRoutes } from './reading/routes.ts';
import { reading } from './reading/tables.ts';
import { licenseResolvers } from './resolvers.ts';
import { storeSealFact } from './seal/store.ts';
import { openTask } from './task/store.ts';
import { addVerificationRoutes } from './verification/routes.ts';

export interface LicensesDependencies extends Omit<IssueDependencies, 'render'>, EvidenceDependencies {
  /** Parses what strangers send. */
  parsers: ParserPool;
  /** The city library's client, or null if none is connected. Collection then waits. */
  library: LibraryClient | null;
  /** The port of seals that writes the library's receipts to the transparency log. */
  record: RecordReceipt;
  send: { cases: SendEvent };
  pollMs?: number;
}

export interface Licenses extends Subgraph {
  /**
   * Renews the proof of licenses whose newest timestamp is old. Returns how many it renewed.
   * The hub also calls this itself while it runs.
   */
  renewProofs(): Promise<number>;
  /** Takes blanks into an organ's stock from a seed. Does nothing if the first blank of the range already exists. */
  receiveBlanks(organ: string, range: { prefix: string; from: number; to: number }): Promise<void>;
}

/** The relay's name for the city library. */
const LIBRARY = 'library';
const RESUME_POLL_MS = 1_000;
/** Proofs last for years, so a check every ten minutes renews them long before they expire. */
const RENEW_POLL_MS = 600_000;

/** Creates the licenses subgraph (电子证照): documents and paper in lock-step, and their delivery to the city library. */
export function createLicenses(dependencies: LicensesDependencies): Licenses {
  const parse = dependencies.parsers.open<typeof PARSERS>(new URL('parsers.ts', import.meta.url));
  const personSigning = rememberOrgans(dependencies.personSigning);
  const deps = { ...dependencies, parse, personSigning, render: renderSealable };
  const { db } = deps;
  let stopJobs: (() => Promise<void>) | null = null;
  return {
    name: 'licenses',
    schema: subgraphSchema(
      readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
      licenseResolvers(deps),
      LICENSE_OUTPUTS,
      { 'VerifyLicenseInput.document': FILE_INPUT, 'VerifyLicenseInput.signature': FILE_INPUT },
    ),
    receive: (producer, event) => receive(deps, producer, event),
    start() {
      stopJobs ??= startJobs(deps);
    },
    stop: async () => stopJobs?.(),
    routes: (app, options) => {
      addEvidenceRoutes(app, deps, options);
      addFileRoutes(app, deps, options);
      addVerificationRoutes(app, deps);
    },
    renewProofs: () => renewProofs(deps),
    receiveBlanks: (organ, { prefix, from, to }) =>
      db.transaction(async (tx) => {
        const numbers = listBlankNumbers(prefix, from, to);
        if (numbers[0] !== undefined && (await lockBlank(tx, numbers[0]))) return;
        await receiveBlanks(tx, numbers, organ, { actor: '初始化', at: deps.now() });
      }),
  };
}

/**
 * Starts the relays to cases and library, the resumer of acts that were left prepared, and the renewal of proofs.
 * Returns a function that stops them.
 */
function startJobs(deps: LicensesDependencies & IssueDependencies): () => Promise<void> {
  const { db, send, library, onError = () => {}, pollMs } = deps;
  const relays: Relay[] = [
    startRelay({ db, tables: messages, consumer: 'cases', deliver: deliverBy(send.cases), onError, pollMs }),
  ];
  if (library) {
    const deliver: DeliverEvent = (event, signal) => deliverToLibrary(deps, library, event, signal);
    const onSettled = (tx: Transaction, event: Envelope, rejection: Rejection | null) =>
      updateCollectionDuty(deps, tx, event, rejection);
    relays.push(startRelay({ db, tables: messages, consumer: LIBRARY, deliver, onSettled, onError, pollMs }));
  }
  const resume = async () => {
    await resumeActs(deps, onError);
    return false;
  };
  const renew = async () => {
    await renewProofs(deps);
    return false;
  };
  // Events that an earlier release wrote after this one had prepared the database.
  const place = async () => {
    await db.transaction((tx) => placeChanges(tx, null));
    return false;
  };
  const jobs = [
    ...relays,
    startLoop(resume, { pollMs: RESUME_POLL_MS, isDelayed: true, onError }),
    startLoop(place, { pollMs: RENEW_POLL_MS, onError }),
    startLoop(renew, { pollMs: RENEW_POLL_MS, isDelayed: true, onError }),
  ];
  return async () => {
    await Promise.all(jobs.map((job) => job.stop()));
  };
}

/**
 * Sends one change with its files to the city library. Returns the library's receipt, which the relay stores.
 * The receipt is in the log before the delivery counts as done. If logging fails, the change is sent again, and the
 * library returns the same receipt.
 */
async function deliverToLibrary(
  deps: LicensesDependencies,
  library: LibraryClient,
  event: Envelope,
  signal: AbortSignal,
): Promise<string> {
  if (event.type !== 'LicenseChanged') throw new Rejection(`the library takes no ${event.type}`);
  const change: EventPayload<'LicenseChanged'> = event.payload;
  const { act, identifier, number, version, state, changedAt, documentDigest } = change;
  const sealedFile = await findSealedFile(deps.db, change);
  // A PDF of this release contains its signature. A statement, or a PDF of an earlier release, has a detached one.
  if (!sealedFile || (!sealedFile.signature && sealedFile.file.mediaType !== 'application/pdf'))
    throw new Error(`files of ${identifier} are missing`);
  const { file, signature, record } = sealedFile;
  const { stream, revision } = event;
  const delivery: LibraryDelivery = {
    stream,
    revision,
    act,
    identifier,
    number,
    version,
    state,
    changedAt,
    record,
    documentDigest,
    document: file.bytes,
    mediaType: file.mediaType === 'application/pdf' ? 'application/pdf' : 'application/json',
    signature,
  };
  const { code: holderCode } = change.license.holder;
  const handOver = buildHandOver(
    { readerId: LIBRARY, reader: '市电子证照库', organ: null, purpose: 'COLLECTION' },
    { subject: number, number, holderCode },
    { object: 'COLLECTION', objectId: identifier, at: deps.now() },
    `${LIBRARY} ${stream} ${revision}`,
  );
  await addReading(deps.db, reading, handOver);
  const receipt = await library.deliver(delivery, signal);
  const receiptEntry = {
    stream,
    revision,
    identifier,
    documentDigest,
    digest: sha256(receipt),
    isSalted: hasSalt(record),
  };
  await deps.record({ from: LIBRARY, ...receiptEntry, isSigned: library.isSigned });
  return receipt;
}

/** Opens a duty if the library refused a license for good, and closes it when the license is collected. */
async function updateCollectionDuty(
  { now }: IssueDependencies,
  tx: Transaction,
  event: Envelope,
  rejection: Rejection | null,
): Promise<void> {
  if (event.type !== 'LicenseChanged') return;
  const { number } = event.payload;
  const id = dutyIds.collection(number);
  if (rejection === null) return closeDuty(tx, id, now());
  const subject = await readLicenseSubject(tx, number);
  await openDuty(tx, {
    id,
    kind: 'COLLECTION_REFUSED',
    reason: maskCodes(toOneLine(rejection.message)),
    at: now(),
    ...subject,
  });
}

/** Receives events of cases and seals: a certificate task opens, a supervisor orders, the state of a seal changes. */
function receive({ db, now }: IssueDependencies, producer: string, event: Envelope): Promise<void> {
  return db.transaction((tx) =>
    receiveOnce(tx, messages, producer, event, async () => {
      switch (event.type) {
        case 'CaseGranted':
          return openTask(tx, event.payload);
        case 'SupervisionOrdered':
          return receiveOrder(tx, event.payload, now());
        case 'SealChanged':
          return storeSealFact(tx, event.payload);
        default:
          throw new Refusal('FIELD_MALFORMED', 'type', event.type);
      }
    }),
  );
}
