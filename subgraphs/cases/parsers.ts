import { parseMessage } from './platform/message.ts';

/** What cases parse of strangers' messages. A worker runs these functions (`subgraphs/kernel/foreign/pool.ts`). */
export const PARSERS = { parseMessage };
