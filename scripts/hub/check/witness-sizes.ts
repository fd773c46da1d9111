import { OPERATOR } from '../../../subgraphs/kernel/outgoing/address.ts';
import { sendRequest } from '../../../subgraphs/kernel/outgoing/http-client.ts';
import type { WitnessAddress } from '../../../subgraphs/seals/log/witness-client.ts';

/** Asks witnesses how much of the log they have signed. None of them signs anything new. */

/** A start does not wait longer for a witness. The running hub asks again. */
const ANSWER_TIMEOUT_MS = 2_000;
const MAX_ANSWER_BYTES = 65_536;

/** What witnesses know of the log: those that have signed a larger tree, and those that did not tell. */
export interface WitnessAnswers {
  aheadWitnesses: { name: string; size: number }[];
  silentWitnesses: { name: string }[];
}

/**
 * Offers each witness the tree that it should have already: a witness of another size answers 409 with its own, one of
 * this size signs again (C2SP tlog-witness). Any other answer tells nothing.
 */
export async function askWitnesses(
  { size, note }: { size: number; note: string },
  witnesses: readonly WitnessAddress[],
): Promise<WitnessAnswers> {
  const answers = await Promise.all(
    witnesses.map(async ({ vkey, url }) => {
      const answer = await sendRequest(`${url}/add-checkpoint`, {
        reach: OPERATOR,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: `old ${size}\n\n${note}`,
        timeoutMs: ANSWER_TIMEOUT_MS,
        maxAnswerBytes: MAX_ANSWER_BYTES,
      }).catch(() => null);
      const seen = answer?.status === 409 ? Number(answer.bytes.toString()) : Number.NaN;
      const known = answer?.status === 200 ? size : seen;
      return { name: vkey.split('+')[0] ?? vkey, size: Number.isSafeInteger(known) ? known : null };
    }),
  );
  return {
    aheadWitnesses: answers.flatMap(({ name, size: seen }) =>
      seen !== null && seen > size ? [{ name, size: seen }] : [],
    ),
    silentWitnesses: answers.filter((answer) => answer.size === null).map(({ name }) => ({ name })),
  };
}

/** Says to the operator that a witness did not tell how much it has signed. */
export function describeSilence(name: string): string {
  return (
    `见证人 ${name} 没有应答，无法确认数据库是不是最新的 — ` +
    `witness ${name} did not answer: whether the database is the newest is unknown`
  );
}
