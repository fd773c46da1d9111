import { readFileSync } from 'node:fs';
import type { Envelope } from '../kernel/events.ts';
import { type Relay, startRelay } from '../kernel/outbox.ts';
import { type Subgraph, subgraphSchema } from '../kernel/serve.ts';
import { deliverTo } from './platform/delivery.ts';
import { platformRoutes } from './platform/routes.ts';
import { CONSUMER as PLATFORM } from './platform/store.ts';
import type { PlatformDependencies } from './platform/workflow.ts';
import { caseResolvers } from './resolvers.ts';
import { messages, putAgreement } from './store.ts';
import { receive } from './workflow.ts';

export interface CasesDependencies extends PlatformDependencies {
  send: { licenses: (event: Envelope) => Promise<void> };
  pollMs?: number;
}

export interface Cases extends Subgraph {
  /** Keeps an undertaking agreement from a seed; the same number again replaces what was kept. */
  recordAgreement(row: Parameters<typeof putAgreement>[1]): Promise<void>;
}

/** The cases subgraph (办件): from acceptance to delivery. */
export function createCases(dependencies: CasesDependencies): Cases {
  const { db, send, onError, pollMs } = dependencies;
  let relays: Relay[] = [];
  return {
    name: 'cases',
    schema: subgraphSchema(
      readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
      caseResolvers(dependencies),
    ),
    receive: (producer, event) => receive(dependencies, producer, event),
    routes: (app) => platformRoutes(app, dependencies),
    start() {
      if (relays.length > 0) return;
      const toLicenses = async (event: Envelope) => {
        await send.licenses(event);
        return null;
      };
      const shared = { db, tables: messages, onError, pollMs };
      relays = [
        startRelay({ ...shared, consumer: 'licenses', deliver: toLicenses }),
        startRelay({ ...shared, consumer: PLATFORM, deliver: deliverTo(dependencies) }),
      ];
    },
    stop: async () => {
      await Promise.all(relays.map((relay) => relay.stop()));
    },
    recordAgreement: (row) => db.transaction((tx) => putAgreement(tx, row)),
  };
}
