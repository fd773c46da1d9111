import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPERATOR } from '../../subgraphs/kernel/outgoing/address.ts';
import { sendRequest } from '../../subgraphs/kernel/outgoing/http-client.ts';

/** Fetches the files of a case's materials by the links that the hub signed (protocol 2). */

const FETCH_TIMEOUT_MS = 30_000;
/** The hub takes files of up to 20 MiB. */
const MAX_FILE_BYTES = 20 * 1_048_576;

/** Stores a listed file under its digest in `files/` of the folder. Throws if the hub gives no file or another one. */
export async function fetchFile(folder: string, { url, digest }: { url: string; digest: string }): Promise<void> {
  const files = join(folder, 'files');
  const path = join(files, digest);
  if (existsSync(path)) return;
  const limits = { timeoutMs: FETCH_TIMEOUT_MS, maxAnswerBytes: MAX_FILE_BYTES };
  const { status, bytes } = await sendRequest(url, { method: 'GET', reach: OPERATOR, ...limits });
  if (status !== 200) throw new Error(`HTTP ${status} for a file`);
  if (createHash('sha256').update(bytes).digest('hex') !== digest) throw new Error('a file is not what was listed');
  mkdirSync(files, { recursive: true });
  writeFileSync(path, bytes, { mode: 0o600 });
}
