import type { Database } from '../../../db/client.ts';
import type { Parse } from '../../kernel/foreign/pool.ts';
import type { Halt } from '../../kernel/halt.ts';
import { type Loop, startLoop } from '../../kernel/loop.ts';
import { OPERATOR } from '../../kernel/outgoing/address.ts';
import { sendRequest } from '../../kernel/outgoing/http-client.ts';
import { readWitnessKey } from '../../kernel/tlog/note.ts';
import type { PARSERS } from '../parsers.ts';
import * as store from './store.ts';
import { proveGrowth } from './workflow.ts';

/**
 * Asks witnesses to sign checkpoints (C2SP tlog-witness). Each witness has its own loop, so none can delay the log or
 * another witness.
 */

const POLL_MS = 500;
const MAX_PAUSE_MS = 60_000;
const ANSWER_TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 65_536;
const SIZE_TYPE = 'text/x.tlog.size';

/** A witness: its key as text, and the address that accepts checkpoints. */
export interface WitnessAddress {
  vkey: string;
  /** Submission prefix, without a slash at its end. */
  url: string;
}

export interface WitnessOptions {
  db: Database;
  witnesses: readonly WitnessAddress[];
  parse: Parse<typeof PARSERS>;
  /** Raised by a witness that has signed what the database does not have. */
  halt: Halt;
  pollMs?: number;
  onError?: (error: unknown) => void;
}

/** Parses witnesses from settings: `vkey url`, separated by commas. Throws LogFault or TypeError. */
export function parseWitnesses(text: string): WitnessAddress[] {
  const entries = text.split(',').map((entry) => entry.trim());
  return entries
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [vkey = '', url = ''] = entry.split(/\s+/);
      readWitnessKey(vkey);
      if (!/^https?:$/.test(new URL(url).protocol)) throw new TypeError(`a witness is asked by http: ${url}`);
      return { vkey, url: url.replace(/(?<!\/)\/+$/, '') };
    });
}

/**
 * Starts a loop for each witness. A witness that does not answer is asked less and less often. It gets the newest
 * checkpoint once it answers.
 */
export function startWitnesses(options: WitnessOptions): Loop {
  const { witnesses, pollMs = POLL_MS, onError } = options;
  const loops = witnesses.map((witness) =>
    startLoop((signal) => askWitness(options, witness, signal), { pollMs, maxPauseMs: MAX_PAUSE_MS, onError }),
  );
  return {
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

/**
 * Asks one witness to sign the newest checkpoint if it has not. Always returns false: nothing is left to do until the
 * next checkpoint.
 */
async function askWitness(
  { db, parse, halt }: WitnessOptions,
  witness: WitnessAddress,
  signal: AbortSignal,
): Promise<false> {
  const pending = await store.findUnsigned(db, witness.vkey);
  if (!pending) return false;
  const newest = pending.checkpoint;
  let answer = await submit(db, witness, newest, pending.signed, signal);
  if (answer.status === 409) {
    const witnessedSize = parseWitnessedSize(answer);
    if (witnessedSize > newest.size) {
      const sizes = `见证人 witness ${nameOf(witness)} ${witnessedSize}，数据库 database ${newest.size}`;
      halt.raise('DATABASE_SET_BACK', sizes);
      const problem = `has seen ${witnessedSize} leaves where we have ${newest.size}: the database was set back`;
      throw buildFault(witness, problem);
    }
    answer = await submit(db, witness, newest, witnessedSize, signal);
  }
  if (answer.status === 422) {
    halt.raise('DATABASE_SET_BACK', `见证人 witness ${nameOf(witness)}，数据库 database：${newest.size}`);
    throw buildFault(witness, `finds that ${newest.size} leaves do not go on from what it has seen`);
  }
  if (answer.status !== 200) throw buildFault(witness, `answered ${answer.status}`);
  const cosignature = await parse('readCosignature', { note: newest.note, vkey: witness.vkey, answer: answer.body });
  if (!cosignature) throw buildFault(witness, 'did not sign with its key');
  const { line, time } = cosignature;
  const at = new Date(time * 1_000);
  await store.insertCosignature(db, { witness: witness.vkey, size: newest.size, line, at });
  return false;
}

interface Answer {
  status: number;
  type: string;
  body: string;
}

async function submit(
  db: Database,
  { url }: WitnessAddress,
  { size, note }: store.CheckpointRow,
  oldSize: number,
  signal: AbortSignal,
): Promise<Answer> {
  const proof = await proveGrowth(db, oldSize, size);
  const lines = [`old ${oldSize}`, ...proof.map((hash) => Buffer.from(hash).toString('base64'))];
  const answer = await sendRequest(`${url}/add-checkpoint`, {
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: `${lines.join('\n')}\n\n${note}`,
    reach: OPERATOR,
    timeoutMs: ANSWER_TIMEOUT_MS,
    maxAnswerBytes: MAX_ANSWER_BYTES,
    signal,
  });
  return { status: answer.status, type: answer.headers.get('content-type') ?? '', body: answer.bytes.toString() };
}

function parseWitnessedSize({ type, body }: Answer): number {
  const size = Number(body);
  if (type === SIZE_TYPE && /^(0|[1-9]\d*)\n$/.test(body) && Number.isSafeInteger(size)) return size;
  throw new Error('a witness told no size with its 409');
}

const nameOf = ({ vkey }: WitnessAddress) => vkey.split('+')[0];

function buildFault(witness: WitnessAddress, problem: string): Error {
  return new Error(`witness ${nameOf(witness)} ${problem}`);
}
