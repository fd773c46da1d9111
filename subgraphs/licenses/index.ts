import { readFileSync } from 'node:fs';
import { parseEnvironment } from '../kernel/environment/parse.ts';
import type { Envelope } from '../kernel/events/events.ts';
import { receiveOnce } from '../kernel/events/outbox-store.ts';
import { deliverBy, type Relay, type SendEvent, startRelay } from '../kernel/events/relay.ts';
import type { ParserPool } from '../kernel/foreign/pool.ts';
import { FILE_INPUT } from '../kernel/graphql/inputs.ts';
import { type Subgraph, subgraphSchema } from '../kernel/http/serve.ts';
import { startLoop } from '../kernel/loop.ts';
import { putOrganFact } from '../kernel/organ/organ-store.ts';
import { Refusal } from '../kernel/refusal.ts';
import type { RecordReceipt } from '../kernel/sealing/sign.ts';
import { rememberOrgans } from '../kernel/sealing/signing-workflow.ts';
import { messages } from './act/event-store.ts';
import { type IssueDependencies, resumeActs } from './act/issue-workflow.ts';
import { renderSealable } from './document/render.ts';
import { addEvidenceRoutes } from './evidence/routes.ts';
import { type EvidenceDependencies, renewProofs } from './evidence/workflow.ts';
import { startLibraryRelays } from './library/delivery-workflow.ts';
import { placeChanges } from './library/feed-store.ts';
import type { LibraryClient } from './library/library-client.ts';
import { LICENSE_INPUTS } from './list/inputs.ts';
import { receiveOrder } from './order/workflow.ts';
import { lockBlank, receiveBox } from './paper/blank-store.ts';
import { type BlankRange, listBlankNumbers, SEED_ACTOR } from './paper/paper.ts';
import type { PARSERS } from './parsers.ts';
import { LICENSE_OUTPUTS } from './reading/outputs.ts';
import { addFileRoutes } from './reading/routes.ts';
import { type EntryDependencies, enterNextBatch } from './registration/entry-workflow.ts';
import { putMatterFact } from './registration/store.ts';
import { licenseResolvers } from './resolvers.ts';
import { storeSealFact } from './seal/store.ts';
import { organFact } from './tables.ts';
import { openTask } from './task/store.ts';
import { putLicenseType } from './type/store.ts';
import { putRenewal } from './validity/renewal-store.ts';
import { sweepEnded } from './validity/sweep-workflow.ts';
import { addVerificationRoutes } from './verification/routes.ts';

export interface LicensesDependencies
  extends Omit<IssueDependencies, 'render'>,
    EvidenceDependencies,
    Omit<EntryDependencies, 'now'> {
  /** Parses what strangers send. */
  parsers: ParserPool;
  /** The city library's client, or null if none is connected. Collection then waits. */
  library: LibraryClient | null;
  /** The port of seals that writes the library's receipts to the transparency log. */
  record: RecordReceipt;
  send: { cases: SendEvent };
  /** Searches of one person by a code that find nothing, within 24 hours. */
  holderChecks?: number | undefined;
  pollMs?: number;
  /** Longest time that the answer of a mutation waits for other subgraphs. */
  eventWaitMs?: number | undefined;
}

export interface Licenses extends Subgraph {
  /**
   * Renews the proof of licenses whose newest timestamp is old. Returns how many it renewed.
   * The hub also calls this itself while it runs.
   */
  renewProofs(): Promise<number>;
  /**
   * Enters the end of every license whose last day has passed. Returns how many. Throws SweepHeld if the clock seems to
   * have jumped. The hub also calls this itself while it runs.
   */
  sweepEnded(): Promise<number>;
  /** Takes blanks into an organ's stock from a seed. Does nothing if the first blank of the range already exists. */
  receiveBlanks(organ: string, range: BlankRange): Promise<void>;
}

const RESUME_POLL_MS = 1_000;
/** Proofs last for years, so a check every ten minutes renews them long before they expire. */
const RENEW_POLL_MS = 600_000;
/** An end is entered within the hour after the last day, or after the start that follows an outage. */
const SWEEP_POLL_MS = 600_000;

/** The limits of a hub whose environment sets none. */
const { settings: DEFAULT_SETTINGS } = parseEnvironment('start', {});

/** Creates the licenses subgraph (电子证照): documents and paper in lock-step, and their delivery to the city library. */
export function createLicenses(dependencies: LicensesDependencies): Licenses {
  const parse = dependencies.parsers.open<typeof PARSERS>(new URL('parsers.ts', import.meta.url));
  const personSigning = rememberOrgans(dependencies.personSigning);
  const { holderChecks = DEFAULT_SETTINGS.HOLDER_CHECKS_PER_DAY } = dependencies;
  const deps = { ...dependencies, holderChecks, parse, personSigning, render: renderSealable };
  const { db } = deps;
  let stopJobs: (() => Promise<void>) | null = null;
  return {
    name: 'licenses',
    schema: subgraphSchema(
      readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
      licenseResolvers(deps),
      LICENSE_OUTPUTS,
      {
        ...LICENSE_INPUTS,
        'VerifyLicenseInput.document': FILE_INPUT,
        'VerifyLicenseInput.signature': FILE_INPUT,
        'ProposeRegistrationInput.file': FILE_INPUT,
      },
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
    sweepEnded: () => sweepEnded(deps),
    receiveBlanks: (organ, range) =>
      db.transaction(async (tx) => {
        const [first] = listBlankNumbers(range);
        if (first !== undefined && (await lockBlank(tx, first))) return;
        await receiveBox(tx, { ...range, organ, licenseType: null }, { actor: SEED_ACTOR, at: deps.now() });
      }),
  };
}

/**
 * Starts the relays to cases and library, the resumer of acts that were left prepared, and the renewal of proofs.
 * Returns a function that stops them.
 */
function startJobs(deps: LicensesDependencies & IssueDependencies): () => Promise<void> {
  const { db, send, library, onError = () => {}, pollMs, eventWaitMs } = deps;
  const relays: Relay[] = [
    startRelay({
      ...{ db, tables: messages, consumer: 'cases', deliver: deliverBy(send.cases), onError, pollMs, eventWaitMs },
    }),
  ];
  if (library) relays.push(...startLibraryRelays({ ...deps, library }, { onError, pollMs }));
  const resume = async () => {
    await resumeActs(deps, onError);
    return false;
  };
  const renew = async () => {
    await renewProofs(deps);
    return false;
  };
  const sweep = async (signal: AbortSignal) => {
    await sweepEnded(deps, signal);
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
    startLoop(() => enterNextBatch(deps), { pollMs: RESUME_POLL_MS, onError }),
    startLoop(sweep, { pollMs: SWEEP_POLL_MS, isDelayed: true, onError }),
    startLoop(place, { pollMs: RENEW_POLL_MS, onError }),
    startLoop(renew, { pollMs: RENEW_POLL_MS, isDelayed: true, onError }),
  ];
  return async () => {
    await Promise.all(jobs.map((job) => job.stop()));
  };
}

/** Receives events of others: a certificate task opens, a supervisor orders, a license type or a seal changes. */
function receive({ db, now }: IssueDependencies, producer: string, event: Envelope): Promise<void> {
  return db.transaction((tx) =>
    receiveOnce(tx, messages, producer, event, async () => {
      switch (event.type) {
        case 'CaseGranted':
          return openTask(tx, event.payload);
        case 'RenewalChanged':
          return putRenewal(tx, event.payload);
        case 'SupervisionOrdered':
          return receiveOrder(tx, event.payload, now());
        case 'DelegationChanged':
          return putMatterFact(tx, event.payload);
        case 'OrganChanged':
          return putOrganFact(tx, organFact, event.payload);
        case 'LicenseTypeChanged':
          return putLicenseType(tx, event.payload);
        case 'SealChanged':
          return storeSealFact(tx, event.payload);
        default:
          throw new Refusal('FIELD_MALFORMED', 'type', event.type);
      }
    }),
  );
}
