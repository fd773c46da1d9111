import { readFileSync } from 'node:fs';
import type { Envelope, Sign } from '../kernel/events.ts';
import { type Relay, startRelay } from '../kernel/outbox.ts';
import { type Subgraph, subgraphSchema } from '../kernel/serve.ts';
import { noticeRoutes } from './notice/routes.ts';
import { startSealing } from './notice/workflow.ts';
import { caseResolvers } from './resolvers.ts';
import { messages, putAgreement } from './store.ts';
import { receive, type WorkflowDependencies } from './workflow.ts';

export interface CasesDependencies extends WorkflowDependencies {
  send: { licenses: (event: Envelope) => Promise<void> };
  /** Seals decision documents (决定书). */
  sign: Sign;
  onError?: (error: unknown) => void;
  pollMs?: number;
}

export interface Cases extends Subgraph {
  /** Keeps an undertaking agreement from a seed; the same number again replaces what was kept. */
  recordAgreement(row: Parameters<typeof putAgreement>[1]): Promise<void>;
}

/** The cases subgraph (办件): from acceptance to delivery. */
export function createCases(dependencies: CasesDependencies): Cases {
  const { db, send, onError, pollMs } = dependencies;
  let relay: Relay | null = null;
  let sealing: ReturnType<typeof startSealing> | null = null;
  return {
    name: 'cases',
    schema: subgraphSchema(
      readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
      caseResolvers(dependencies),
    ),
    receive: (producer, event) => receive(dependencies, producer, event),
    routes: (app, options) => noticeRoutes(app, dependencies, options),
    start() {
      sealing ??= startSealing(dependencies);
      relay ??= startRelay({
        db,
        tables: messages,
        consumer: 'licenses',
        deliver: async (event) => {
          await send.licenses(event);
          return null;
        },
        onError,
        pollMs,
      });
    },
    stop: async () => {
      await Promise.all([relay?.stop(), sealing?.stop()]);
    },
    recordAgreement: (row) => db.transaction((tx) => putAgreement(tx, row)),
  };
}
