import { readFileSync } from 'node:fs';
import type { OrganFact } from '../kernel/events/events.ts';
import { deliverBy, type Relay, type SendEvent, startRelay } from '../kernel/events/relay.ts';
import { MAX_SEARCH_CHARS } from '../kernel/finding/fold.ts';
import type { ParserPool } from '../kernel/foreign/pool.ts';
import { FILE_INPUT } from '../kernel/graphql/inputs.ts';
import { type Subgraph, subgraphSchema } from '../kernel/http/serve.ts';
import type { LicenseType } from '../kernel/license-type/type.ts';
import type { Guide } from './guide/guide.ts';
import type { Overlay } from './guide/overlay.ts';
import { publishMissing } from './guide/workflow.ts';
import { publishMissingTypes } from './license-type/workflow.ts';
import { buildMatter, type LegalBasis, type MatterRow } from './matter.ts';
import { MATTER_OUTPUTS } from './outputs.ts';
import type { PARSERS } from './parsers.ts';
import { matterResolvers, type ResolverDependencies } from './resolvers.ts';
import * as store from './store.ts';
import { upsertTasks } from './task/store.ts';
import type { Task } from './task/task.ts';

export interface MattersDependencies extends Omit<ResolverDependencies, 'parse'> {
  /** Parses the files of offices. */
  parsers: ParserPool;
  send: { cases: SendEvent; licenses: SendEvent };
  onError?: (error: unknown) => void;
  pollMs?: number;
  /** Longest time that the answer of a mutation waits for other subgraphs. */
  eventWaitMs?: number | undefined;
}

export interface Matters extends Subgraph {
  /**
   * Adds the organs and matters of a list that are missing, all or none, and sends cases an event for each. Existing
   * ones stay unchanged: only `importDelegations` changes them. An organ without 机关代字, and a matter without legal
   * basis, gets that of the list.
   */
  importMatters(
    organs: readonly OrganFact[],
    rows: readonly MatterRow[],
    legalBases?: ReadonlyMap<string, readonly LegalBasis[]>,
  ): Promise<{ added: number }>;
  /** Publishes the guides of matters that have none yet, each with its overlays. Returns how many. */
  publishGuides(guides: readonly Guide[], overlays: readonly Overlay[]): Promise<number>;
  /** Publishes license types that have no version yet. Returns how many. */
  publishLicenseTypes(types: readonly LicenseType[]): Promise<number>;
  /** Stores the plan's tasks (附件4) as a list gives them. The reports of organs stay. */
  importTasks(tasks: readonly Task[]): Promise<void>;
}

/** Longest part of a name that the catalogue searches for. The longest name of the plan has 547 characters. */
const MAX_NAME_PART_CHARS = 600;

/** The matters subgraph (事项): the plan's list, and which organ does what by which mode on which day. */
export function createMatters({ db, now, parsers, send, ...options }: MattersDependencies): Matters {
  const parse = parsers.open<typeof PARSERS>(new URL('parsers.ts', import.meta.url));
  let relays: Relay[] | null = null;
  return {
    name: 'matters',
    schema: subgraphSchema(
      readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
      matterResolvers({ db, now, parse }),
      MATTER_OUTPUTS,
      {
        'MatterFilter.nameContains': { form: 'LINES', maxChars: MAX_NAME_PART_CHARS },
        'OrganFilter.nameContains': { form: 'LINES', maxChars: MAX_SEARCH_CHARS },
        'OrganFilter.divisionCode': { form: 'LINE', maxChars: 6 },
        'Query.searchMatters.text': { form: 'LINES', maxChars: MAX_SEARCH_CHARS },
        'Query.searchOrgans.text': { form: 'LINES', maxChars: MAX_SEARCH_CHARS },
        'ImportDelegationsInput.csv': FILE_INPUT,
        'ImportOrgansInput.csv': FILE_INPUT,
        'ImportGuideInput.text': FILE_INPUT,
        'ImportLicenseTypeInput.text': FILE_INPUT,
      },
    ),
    receive: async (producer, event) => {
      throw new Error(`matters take no ${event.type} from ${producer}`);
    },
    start() {
      relays ??= (['cases', 'licenses'] as const).map((consumer) =>
        startRelay({ ...options, db, tables: store.messages, consumer, deliver: deliverBy(send[consumer]) }),
      );
    },
    stop: async () => {
      await Promise.all((relays ?? []).map((relay) => relay.stop()));
    },
    publishGuides: (guides, overlays) => publishMissing({ db, now }, guides, overlays),
    publishLicenseTypes: (types) => publishMissingTypes({ db, now }, types),
    importTasks: (tasks) => db.transaction((tx) => upsertTasks(tx, tasks)),
    importMatters: (organs, rows, legalBases = new Map()) =>
      db.transaction(async (tx) => {
        await store.lockImport(tx);
        await store.addOrgans(tx, organs);
        const knownIds = await store.findKnownIds(
          tx,
          rows.map((row) => row.id),
        );
        const missingRows = rows.filter((row) => !knownIds.has(row.id));
        for (const row of missingRows) await store.addMatter(tx, buildMatter(row, legalBases.get(row.id)), now());
        await store.addLegalBases(tx, legalBases);
        await store.resendChanged(tx, now());
        return { added: missingRows.length };
      }),
  };
}
