import { readFileSync } from 'node:fs';
import { dayOf } from '../kernel/day.ts';
import { parseEnvironment } from '../kernel/environment/parse.ts';
import type { OrganFact } from '../kernel/events/events.ts';
import { deliverBy, type SendEvent, startRelay } from '../kernel/events/relay.ts';
import type { ParserPool } from '../kernel/foreign/pool.ts';
import { type Subgraph, subgraphSchema } from '../kernel/http/serve.ts';
import { type Loop, runItems, startLoop } from '../kernel/loop.ts';
import { readReforms } from '../kernel/organ/organ-store.ts';
import { placeOf } from '../kernel/organ/place.ts';
import type { ReadPicture, Sign } from '../kernel/sealing/sign.ts';
import { rememberOrgans } from '../kernel/sealing/signing-workflow.ts';
import { type Agreement, SEED_RECORDER } from './agreement/agreement.ts';
import { insertAgreement } from './agreement/store.ts';
import { backfillRests } from './attention/workflow.ts';
import { receive } from './fact/workflow.ts';
import { materialRoutes } from './material/routes.ts';
import { readUploadLimits, type UploadLimits } from './material/upload/routes.ts';
import type { Scan } from './material/upload/scan-client.ts';
import { startKeeper } from './material/upload/workflow.ts';
import { noticeRoutes } from './notice/routes.ts';
import { startSealing } from './notice/workflow.ts';
import type { PARSERS } from './parsers.ts';
import { DEMONSTRATION_ISSUER } from './person/appointment.ts';
import type { PersonRegister } from './person/register.ts';
import { recordLogout } from './person/session-workflow.ts';
import { type DemonstrationPeople, enterDemonstration, resolvePerson } from './person/workflow.ts';
import { createPlatformDelivery } from './platform/delivery-client.ts';
import { platformRoutes } from './platform/routes.ts';
import { CONSUMER as PLATFORM } from './platform/store.ts';
import type { PlatformDependencies } from './platform/workflow.ts';
import { publicationRoutes } from './publication/routes.ts';
import { CASE_INPUTS } from './reading/inputs.ts';
import { CASE_OUTPUTS } from './reading/outputs.ts';
import { type IntakeLimits, readIntakeLimits } from './reception/intake.ts';
import { announceRunningRenewals } from './renewal/workflow.ts';
import { caseResolvers } from './resolvers.ts';
import { statisticsRoutes } from './statistics/routes.ts';
import { backfillFigures } from './statistics/workflow.ts';
import { messages } from './store.ts';
import { supervisionRoutes } from './supervision/webhook/routes.ts';
import { CONSUMER as WEBHOOK } from './supervision/webhook/store.ts';
import { deliverPush, type WebhookDependencies } from './supervision/webhook/workflow.ts';
import { retryWaitingPushes } from './supervision/workflow.ts';
import { organFact } from './tables.ts';
import { moveRunningCases } from './transfer/workflow.ts';

export interface CasesDependencies extends Omit<PlatformDependencies, 'parse'>, WebhookDependencies {
  send: { licenses: SendEvent };
  /** Parses what strangers send. */
  parsers: ParserPool;
  /** The issuer of the office's people, by default that of a demonstration. */
  issuer?: string | undefined;
  /** Seals decision documents (决定书). */
  sign: Sign;
  /** The office's own picture of a seal. */
  picture: ReadPicture;
  /** The office's scanner of uploaded files. Without one the hub examines them itself. */
  scan?: Scan | undefined;
  /** Certificates of authorities whose signatures on files are trusted, PEM. */
  signatureAnchors?: readonly string[] | undefined;
  /** The default is that of the environment. */
  uploadLimits?: UploadLimits | undefined;
  /** The default is that of the environment. */
  intakeLimits?: IntakeLimits | undefined;
  pollMs?: number;
  /** Longest time that the answer of a mutation waits for other subgraphs. */
  eventWaitMs?: number | undefined;
  /** How often cases are checked for changes due to a new day. The default is `MOVE_POLL_MS`. */
  movePollMs?: number;
}

/** Of the register, the gateway asks in this process or by `addRegisterRoutes`. */
export interface Cases extends Subgraph, PersonRegister {
  /** Stores an undertaking agreement (承接协议) from a seed. Does nothing if its number exists. */
  recordAgreement(row: Agreement): Promise<void>;
  /** Enters invented people from a seed. Does nothing for those whom the register has. */
  enterDemonstration(people: DemonstrationPeople, organs: readonly OrganFact[]): Promise<void>;
}

/**
 * How often cases are checked for changes due to a new day: transfers of matters, named industry organs, calendars.
 */
const MOVE_POLL_MS = 30_000;
const MAX_MOVE_PAUSE_MS = 300_000;

/** The limits of a hub whose environment sets none. */
const { settings: DEFAULT_SETTINGS } = parseEnvironment('start', {});
const DEFAULT_UPLOAD_LIMITS = readUploadLimits(DEFAULT_SETTINGS);

/** The cases subgraph (办件): from acceptance to delivery. */
export function createCases(options: CasesDependencies): Cases {
  const parse = options.parsers.open<typeof PARSERS>(new URL('parsers.ts', import.meta.url));
  const { issuer = DEMONSTRATION_ISSUER } = options;
  const dependencies = { ...options, parse, issuer, personSigning: rememberOrgans(options.personSigning) };
  const { db, send, onError, pollMs, eventWaitMs, movePollMs = MOVE_POLL_MS } = dependencies;
  const intake = options.intakeLimits ?? readIntakeLimits(DEFAULT_SETTINGS);
  const materialDependencies = { ...dependencies, scan: dependencies.scan ?? null, intake };
  let loops: Loop[] = [];
  let backfill: Promise<unknown> = Promise.resolve();
  return {
    name: 'cases',
    schema: subgraphSchema(
      readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
      caseResolvers(materialDependencies),
      CASE_OUTPUTS,
      CASE_INPUTS,
    ),
    receive: (producer, event) => receive(dependencies, producer, event),
    routes(app, options) {
      statisticsRoutes(app, dependencies, options);
      publicationRoutes(app, dependencies);
      platformRoutes(app, dependencies, options);
      materialRoutes(app, materialDependencies, options, dependencies.uploadLimits ?? DEFAULT_UPLOAD_LIMITS);
      noticeRoutes(app, dependencies, options);
      supervisionRoutes(app, dependencies);
    },
    start() {
      if (loops.length > 0) return;
      const relayOptions = { db, tables: messages, onError, pollMs };
      backfill = backfillFigures(db)
        .then(() => backfillRests(db))
        .then(() => announceRunningRenewals(dependencies))
        .catch((error) => onError?.(error));
      const followMoves = async () => {
        await backfill;
        const steps = [() => moveRunningCases(dependencies), () => retryWaitingPushes(dependencies)];
        await runItems(steps, (step) => step(), { limit: 1, onError });
        return false;
      };
      loops = [
        startRelay({ ...relayOptions, eventWaitMs, consumer: 'licenses', deliver: deliverBy(send.licenses) }),
        startRelay({
          ...{ ...relayOptions, consumer: PLATFORM, peerField: 'platformId' },
          deliver: createPlatformDelivery(dependencies),
        }),
        startRelay({
          ...{ ...relayOptions, consumer: WEBHOOK, peerField: 'supervisor' },
          deliver: (event, signal) => deliverPush(dependencies, event, signal),
        }),
        startKeeper(materialDependencies, onError ?? (() => {}), pollMs),
        startSealing(dependencies),
        startLoop(followMoves, { pollMs: movePollMs, maxPauseMs: MAX_MOVE_PAUSE_MS, isDelayed: true, onError }),
      ];
    },
    stop: async () => {
      await Promise.all([...loops.map((loop) => loop.stop()), backfill]);
    },
    resolvePerson: (identity, now) => resolvePerson(db, identity, now),
    resolvePlace: async (organ, now) => placeOf(await readReforms(db, organFact), organ, dayOf(now)),
    recordLogout: (logout, now) => recordLogout(db, logout, now),
    enterDemonstration: (people, organs) =>
      db.transaction((tx) => enterDemonstration(tx, people, organs, dependencies.now())),
    recordAgreement: async (row) => {
      const recording = { recordedBy: SEED_RECORDER, recordedAt: dependencies.now() };
      await db.transaction((tx) => insertAgreement(tx, { ...row, ...recording }));
    },
  };
}
