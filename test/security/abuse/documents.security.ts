import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../../gateway/cost/limits.ts';
import type { Abuse } from './abuse.ts';
import { type AbusedHub, createAbusedHub, type HttpAnswer } from './abused-hub.ts';
import { listAbuses } from './documents.ts';
import { SEED, sampleAbuses } from './sample.ts';

/**
 * Every abusive document is refused, or answered within its budget of cost, statements and bytes, while another caller
 * asks. Each comes from an address of its own, so that the abuse is met and not the allowance of its caller.
 */

const ALL_KINDS = Object.entries(listAbuses(SEED));
const KINDS = ALL_KINDS.map(([kind, abuses]): [string, Abuse[]] => [kind, sampleAbuses(abuses)]);
/** Statements of one document at most: 20 root fields, each with its page and what is loaded for it. */
const MAX_STATEMENTS = 250;
/** Growth of the heap after one kind, far above noise. A document that stays in memory is as large as itself. */
const MAX_HEAP_GROWTH = 64 * 1_024 ** 2;
/** Growth of the largest resident size while one kind is sent. The introspection of release 0.4.1 took 358 MB. */
const MAX_PEAK_GROWTH = 300 * 1_024 ** 2;
/** What no answer contains: words of the database, of stack traces and of libraries. */
const INSIDE = /Failed query|select |insert into|\bat \w{1,60} \(|node_modules|PostgresError|FST_ERR|TypeError/i;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const readHeap = () => {
  collectGarbage();
  return process.memoryUsage().heapUsed;
};
const readPeak = () => process.resourceUsage().maxRSS * 1_024;

let hub: AbusedHub;
let token: string;

beforeAll(async () => {
  hub = await createAbusedHub();
  token = await hub.testHub.token('auditor');
  await hub.runSmallQuery();
});
afterAll(() => hub.stop());

/** Returns what is wrong with the answer to an abuse, or null. */
function findWrong(abuse: Abuse, answer: HttpAnswer | null, statements: number): string | null {
  const text = answer === null ? '' : answer.body.toString('latin1');
  const isServed = answer === null || answer.status < 500;
  if (!isServed) return `${abuse.name}: HTTP ${answer.status} ${text.slice(0, 300)}`;
  if (INSIDE.test(text)) return `${abuse.name}: shows the inside: ${INSIDE.exec(text)?.[0]}`;
  if (text.includes('INTERNAL_SERVER_ERROR')) return `${abuse.name}: a fault`;
  if (text.length > DEFAULT_LIMITS.maxAnswerBytes) return `${abuse.name}: an answer of ${text.length} bytes`;
  if (statements > MAX_STATEMENTS) return `${abuse.name}: ${statements} statements`;
  const cost = Number(/"requested":(\d{1,15})/.exec(text)?.[1] ?? 0);
  const isExecuted = text.includes('"data":{');
  return isExecuted && cost > DEFAULT_LIMITS.maxOperationCost ? `${abuse.name}: a cost of ${cost}` : null;
}

async function attack(abuse: Abuse, index: number): Promise<string | null> {
  const before = hub.statements.count;
  const address = `203.0.${index >> 8}.${index & 255}`;
  // As somebody who may see much, since what nobody may see costs nothing.
  const isKnown = abuse.path === '/graphql' && index % 2 === 0;
  const headers: Record<string, string> = isKnown ? { authorization: `Bearer ${token}` } : {};
  headers['x-query-cost'] = 'true';
  const [answer] = await Promise.all([hub.send(abuse, address, headers), hub.runSmallQuery()]);
  return findWrong(abuse, answer, hub.statements.count - before);
}

test('there are 300 abusive documents, each with a name of its own', () => {
  const names = ALL_KINDS.flatMap(([, abuses]) => abuses.map(({ name }) => name));
  expect(names.length).toBeGreaterThanOrEqual(300);
  expect(new Set(names).size).toBe(names.length);
});

test('a query is counted in statements', async () => {
  const before = hub.statements.count;
  await hub.runSmallQuery();
  expect(hub.statements.count).toBeGreaterThan(before);
});

describe.each(KINDS)(`%s (seed ${SEED})`, (_kind, abuses) => {
  test(`${abuses.length} abuses are refused or bounded, and others go on`, async () => {
    const [heap, peak] = [readHeap(), readPeak()];
    const wrong: (string | null)[] = [];
    for (const [index, abuse] of abuses.entries()) wrong.push(await attack(abuse, index));
    expect(wrong.filter((one) => one !== null)).toEqual([]);
    expect(hub.faults.splice(0)).toEqual([]);
    expect(readHeap() - heap).toBeLessThan(MAX_HEAP_GROWTH);
    expect(readPeak() - peak).toBeLessThan(MAX_PEAK_GROWTH);
  });
});
