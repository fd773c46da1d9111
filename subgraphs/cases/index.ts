import { readFileSync } from 'node:fs';
import type { Envelope } from '../kernel/events.ts';
import { type Relay, startRelay } from '../kernel/outbox.ts';
import { type Subgraph, subgraphSchema } from '../kernel/serve.ts';
import { PUBLISHED } from './calendar/calendar.ts';
import { caseResolvers } from './resolvers.ts';
import { messages, putAgreement } from './store.ts';
import { supervisionRoutes } from './supervision/webhook/routes.ts';
import { CONSUMER as WEBHOOK } from './supervision/webhook/store.ts';
import { deliverPush, type WebhookDependencies } from './supervision/webhook/workflow.ts';
import { lookOverPushes } from './supervision/workflow.ts';
import { receive, type WorkflowDependencies } from './workflow.ts';

export interface CasesDependencies extends WorkflowDependencies, WebhookDependencies {
  send: { licenses: (event: Envelope) => Promise<void> };
  onError?: (error: unknown) => void;
  pollMs?: number;
}

export interface Cases extends Subgraph {
  /** Keeps an undertaking agreement from a seed; the same number again replaces what was kept. */
  recordAgreement(row: Parameters<typeof putAgreement>[1]): Promise<void>;
}

/** How often pushes are looked over for an organ or a calendar that has come. */
const LOOK_MS = 30_000;

/** The cases subgraph (办件): from acceptance to delivery. */
export function createCases(dependencies: CasesDependencies): Cases {
  const { db, send, onError, pollMs } = dependencies;
  let relays: Relay[] = [];
  let looking: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  return {
    name: 'cases',
    schema: subgraphSchema(
      readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
      caseResolvers(dependencies),
    ),
    receive: (producer, event) => receive(dependencies, producer, event),
    routes: (app) => supervisionRoutes(app, dependencies),
    start() {
      if (timer) return;
      const toLicenses = async (event: Envelope) => {
        await send.licenses(event);
        return null;
      };
      const relay = { db, tables: messages, onError, pollMs };
      relays = [
        startRelay({ ...relay, consumer: 'licenses', deliver: toLicenses }),
        startRelay({ ...relay, consumer: WEBHOOK, deliver: (event) => deliverPush(dependencies, event) }),
      ];
      timer = setInterval(() => {
        looking = looking
          .then(() => lookOverPushes(dependencies, async () => PUBLISHED))
          .catch((error) => onError?.(error));
      }, LOOK_MS);
    },
    stop: async () => {
      clearInterval(timer);
      await Promise.all([...relays.map((relay) => relay.stop()), looking]);
    },
    recordAgreement: (row) => db.transaction((tx) => putAgreement(tx, row)),
  };
}
