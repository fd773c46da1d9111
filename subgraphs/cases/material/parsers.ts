import { parseMessage, parseMessageV2 } from '../platform/message.ts';
import { judgeSignature } from './signature/judge.ts';
import { examineFile } from './upload/file.ts';

/** What cases parse of strangers' messages and files. A worker runs these (`subgraphs/kernel/foreign/pool.ts`). */
export const PARSERS = { parseMessage, parseMessageV2, examineFile, judgeSignature };
