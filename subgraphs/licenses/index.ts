import { readFileSync } from 'node:fs';
import { parseEnvironment } from '../kernel/environment/parse.ts';
import type { Envelope } from '../kernel/events/events.ts';
import { receiveOnce } from '../kernel/events/outbox-store.ts';
import type { SendEvent } from '../kernel/events/relay.ts';
import type { ParserPool } from '../kernel/foreign/pool.ts';
import { FILE_INPUT } from '../kernel/graphql/inputs.ts';
import { type Subgraph, subgraphSchema } from '../kernel/http/serve.ts';
import { putOrganFact } from '../kernel/organ/organ-store.ts';
import { Refusal } from '../kernel/refusal.ts';
import type { RecordReceipt } from '../kernel/sealing/sign.ts';
import { rememberOrgans } from '../kernel/sealing/signing-workflow.ts';
import { messages } from './act/event-store.ts';
import type { IssueDependencies } from './act/issue-workflow.ts';
import { renderSealable } from './document/render.ts';
import { addEvidenceRoutes } from './evidence/routes.ts';
import { type EvidenceDependencies, renewProofs } from './evidence/workflow.ts';
import { startJobs } from './jobs/index.ts';
import type { LibraryClient } from './library/library-client.ts';
import { LICENSE_INPUTS } from './list/inputs.ts';
import { receiveOrder } from './order/workflow.ts';
import { addOverprintRoutes } from './overprint/routes.ts';
import type { BlankRange } from './paper/paper.ts';
import type { PARSERS } from './parsers.ts';
import { LICENSE_OUTPUTS } from './reading/outputs.ts';
import { addFileRoutes } from './reading/routes.ts';
import type { EntryDependencies } from './registration/entry/workflow.ts';
import { putMatterFact } from './registration/store.ts';
import { licenseResolvers } from './resolvers.ts';
import { storeSealFact } from './seal/store.ts';
import { addStatisticsRoutes } from './statistics/routes.ts';
import { receiveSeedBlanks } from './stock/seed-workflow.ts';
import { watchSupplies } from './supply/workflow.ts';
import { organFact } from './tables.ts';
import { openTask } from './task/store.ts';
import { putLicenseType } from './type/store.ts';
import { stateHolds } from './validity/hold-workflow.ts';
import { putRenewal } from './validity/renewal-store.ts';
import { confirmClock } from './validity/sweep-store.ts';
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
  /** Records that a person says that the clock is right. Then `sweepEnded` trusts it. */
  confirmClock(confirmedBy: string): Promise<void>;
  /**
   * States each renewal that holds off the last day of a license, and each that does so no longer. Returns how many.
   * The hub also calls this itself while it runs.
   */
  stateHolds(): Promise<number>;
  /** Warns organs of numbers and blanks that run out (`attention`). The hub also calls this itself. */
  watchSupplies(): Promise<void>;
  /** Takes blanks into an organ's stock from a seed. Does nothing if the first blank of the range already exists. */
  receiveBlanks(organ: string, range: Omit<BlankRange, 'digits'>): Promise<void>;
}

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
      addOverprintRoutes(app, deps, options);
      addStatisticsRoutes(app, deps, options);
      addVerificationRoutes(app, deps);
    },
    renewProofs: () => renewProofs(deps),
    sweepEnded: () => sweepEnded(deps),
    confirmClock: (confirmedBy) => confirmClock(db, deps.now(), confirmedBy),
    stateHolds: () => stateHolds(deps),
    watchSupplies: () => watchSupplies(deps),
    receiveBlanks: (organ, range) => receiveSeedBlanks(deps, organ, range),
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
