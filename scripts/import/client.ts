import { readFileSync } from 'node:fs';
import { OPERATOR } from '../../subgraphs/kernel/outgoing/address.ts';
import { sendRequest } from '../../subgraphs/kernel/outgoing/http-client.ts';
import { findDemoPerson, mintToken } from '../demo/people.ts';
import { UsageError } from '../evidence-files.ts';
import { readDemoKey } from '../hub/demo-key.ts';

/** What the commands share that send an administrator's list to a running hub. */

/** A rehearsal of a long list takes its time. */
const TIMEOUT_MS = 120_000;
const MAX_ANSWER_BYTES = 33_554_432;

/** Where the hub is, and as whom the command acts: TOKEN, or the demo administrator of DATA_FOLDER. */
export interface HubAccess {
  HUB_URL: string;
  DATA_FOLDER: string;
  TOKEN?: string | undefined;
}

/** A line of a list that cannot be taken. */
interface ListProblem {
  line: number;
  column: string | null;
  code: string;
  message: string;
}

/** What every mutation that takes a list answers. */
export interface ListPayload {
  problems: ListProblem[];
  refusal: { code: string; message: string } | null;
}

/** Reads a list. Throws UsageError if it is not UTF-8. */
export function readList(file: string): string {
  const bytes = readFileSync(file);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${file} 不是 UTF-8，请另存为 UTF-8 格式 — is not UTF-8`);
  }
}

/** Sends a mutation and returns the payload of its only field. Throws UsageError if the hub does not answer it. */
export async function sendMutation<Payload>(access: HubAccess, query: string, input: object): Promise<Payload> {
  const { status, bytes } = await sendRequest(`${access.HUB_URL}/graphql`, {
    reach: OPERATOR,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await readToken(access)}` },
    body: JSON.stringify({ query, variables: { input } }),
    timeoutMs: TIMEOUT_MS,
    maxAnswerBytes: MAX_ANSWER_BYTES,
  });
  const { data, errors } = JSON.parse(bytes.toString('utf8')) as {
    data?: Record<string, Payload>;
    errors?: { message: string }[];
  };
  const [payload] = Object.values(data ?? {});
  if (!payload || errors) throw new UsageError(errors?.map(({ message }) => message).join('；') ?? `HTTP ${status}`);
  return payload;
}

async function readToken({ TOKEN, DATA_FOLDER }: HubAccess): Promise<string> {
  if (TOKEN !== undefined) return TOKEN;
  const administrator = findDemoPerson('administrator');
  if (!administrator) throw new Error('no demo administrator');
  return mintToken(administrator, readDemoKey(DATA_FOLDER), new Date());
}

/** Prints the problems and the refusal of a list. Returns whether the hub took it. */
export function reportProblems(file: string, { problems, refusal }: ListPayload): boolean {
  for (const { line, column, code, message } of problems) {
    console.error(`${file}:${line} ${column ?? ''} ${code} ${message}`);
  }
  if (refusal) console.error(`${refusal.code} ${refusal.message}`);
  return refusal === null;
}
