import { examineFile } from './material/upload/file.ts';
import { parseMessage } from './platform/message.ts';

/** What cases parse of strangers' messages and files. A worker runs these (`subgraphs/kernel/foreign/pool.ts`). */
export const PARSERS = { parseMessage, examineFile };
