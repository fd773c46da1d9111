import { readFileSync } from 'node:fs';
import type { Envelope } from '../kernel/events.ts';
import { type Relay, startRelay } from '../kernel/outbox.ts';
import { type Subgraph, subgraphSchema } from '../kernel/serve.ts';
import { materialRoutes } from './material/routes.ts';
import { builtInScan, type Scan } from './material/scan.ts';
import { startKeeper } from './material/workflow.ts';
import { caseResolvers } from './resolvers.ts';
import { messages, putAgreement } from './store.ts';
import { receive, type WorkflowDependencies } from './workflow.ts';

export interface CasesDependencies extends WorkflowDependencies {
  send: { licenses: (event: Envelope) => Promise<void> };
  /** Sees every uploaded file before anybody else; the hub's own scanner where an office names none. */
  scan?: Scan;
  onError?: (error: unknown) => void;
  pollMs?: number;
}

export interface Cases extends Subgraph {
  /** Keeps an undertaking agreement from a seed; the same number again replaces what was kept. */
  recordAgreement(row: Parameters<typeof putAgreement>[1]): Promise<void>;
}

/** The cases subgraph (办件): from acceptance to delivery. */
export function createCases(dependencies: CasesDependencies): Cases {
  const { db, now, send, onError, pollMs } = dependencies;
  const uploads = { db, now, scan: dependencies.scan ?? builtInScan };
  let relay: Relay | null = null;
  let keeper: ReturnType<typeof startKeeper> | null = null;
  return {
    name: 'cases',
    schema: subgraphSchema(
      readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
      caseResolvers({ ...dependencies, ...uploads }),
    ),
    receive: (producer, event) => receive(dependencies, producer, event),
    routes: (app, options) => materialRoutes(app, uploads, options),
    start() {
      keeper ??= startKeeper(uploads, onError ?? (() => {}), pollMs);
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
      await Promise.all([relay?.stop(), keeper?.stop()]);
    },
    recordAgreement: (row) => db.transaction((tx) => putAgreement(tx, row)),
  };
}
