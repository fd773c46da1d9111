import { readFileSync } from 'node:fs';
import { dayOf } from '../kernel/day.ts';
import type { Envelope, OrganFact } from '../kernel/events.ts';
import { type Relay, startRelay } from '../kernel/outbox.ts';
import { type Subgraph, subgraphSchema } from '../kernel/serve.ts';
import type { Guide } from './guide/guide.ts';
import type { Overlay } from './guide/overlay.ts';
import { publishMissing } from './guide/workflow.ts';
import { factOf, type MatterRow } from './matter.ts';
import { matterResolvers, type ResolverDependencies } from './resolvers.ts';
import * as store from './store.ts';

export interface MattersDependencies extends ResolverDependencies {
  send: { cases: (event: Envelope) => Promise<void> };
  onError?: (error: unknown) => void;
  pollMs?: number;
}

export interface Matters extends Subgraph {
  /**
   * Keeps organs and matters as a list says, all or nothing, and tells cases of each matter that changed. The same list
   * again changes nothing.
   */
  importMatters(organs: readonly OrganFact[], rows: readonly MatterRow[]): Promise<{ changed: number }>;
  /** Publishes the guides of matters that have none yet, each with its overlays. Gives how many. */
  publishGuides(guides: readonly Guide[], overlays: readonly Overlay[]): Promise<number>;
}

/** The matters subgraph (事项): the plan's list, and who does what by which mode on which day. */
export function createMatters({ db, now, send, onError, pollMs }: MattersDependencies): Matters {
  let relay: Relay | null = null;
  return {
    name: 'matters',
    schema: subgraphSchema(
      readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
      matterResolvers({ db, now }),
    ),
    receive: async (producer, event) => {
      throw new Error(`matters take no ${event.type} from ${producer}`);
    },
    start() {
      const deliver = async (event: Envelope) => {
        await send.cases(event);
        return null;
      };
      relay ??= startRelay({ db, tables: store.messages, consumer: 'cases', deliver, onError, pollMs });
    },
    stop: async () => relay?.stop(),
    publishGuides: (guides, overlays) => publishMissing({ db, now }, guides, overlays),
    importMatters: (organs, rows) =>
      db.transaction(async (tx) => {
        await store.lockImport(tx);
        await store.putOrgans(tx, organs);
        const at = now();
        let changed = 0;
        for (const row of rows) {
          const matter = await store.putMatter(tx, row);
          if (!matter) continue;
          changed++;
          await store.tellChanged(tx, factOf(matter, organs, dayOf(at)), at);
        }
        return { changed };
      }),
  };
}
