import { OPERATOR } from '../../../subgraphs/kernel/outgoing/address.ts';
import { sendRequest } from '../../../subgraphs/kernel/outgoing/http-client.ts';
import type { WitnessAddress } from '../../../subgraphs/seals/log/witness-client.ts';

/** Asks witnesses how much of the log they have signed. None of them signs anything new. */

/** A start does not wait longer for a witness. The running hub asks again. */
const ANSWER_TIMEOUT_MS = 2_000;
const MAX_ANSWER_BYTES = 65_536;

/**
 * Returns the witnesses that have signed a larger tree. Offers each the tree that it should have already: a witness of
 * another size answers 409 with its own (C2SP tlog-witness). A witness that does not answer is left out.
 */
export async function listAheadWitnesses(
  { size, note }: { size: number; note: string },
  witnesses: readonly WitnessAddress[],
): Promise<{ name: string; size: number }[]> {
  const sizes = await Promise.all(
    witnesses.map(async ({ vkey, url }) => {
      const answer = await sendRequest(`${url}/add-checkpoint`, {
        reach: OPERATOR,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: `old ${size}\n\n${note}`,
        timeoutMs: ANSWER_TIMEOUT_MS,
        maxAnswerBytes: MAX_ANSWER_BYTES,
      }).catch(() => null);
      const seen = answer?.status === 409 ? Number(answer.bytes.toString()) : Number.NaN;
      return { name: vkey.split('+')[0] ?? vkey, size: Number.isSafeInteger(seen) ? seen : 0 };
    }),
  );
  return sizes.filter((witness) => witness.size > size);
}
