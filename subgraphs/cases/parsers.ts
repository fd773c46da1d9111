import { judgeSignature } from './material/signature/judge.ts';
import { examineFile } from './material/upload/file.ts';
import { parseMessage, parseMessageV2 } from './platform/message.ts';

/** What cases parse of strangers' messages and files. A worker runs these (`subgraphs/kernel/foreign/pool.ts`). */
export const PARSERS = { parseMessage, parseMessageV2, examineFile, judgeSignature };
