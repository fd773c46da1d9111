import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { Client } from '../demo/client.ts';
import { bootTemporary } from '../hub/temporary.ts';

/**
 * `npm run bench:notices [CASES]`: measures a burst of acceptances (default: 100) by several clerks at once, through
 * the public API: how long one waits for its answer, and how long until every notice is sealed.
 */
const CASES = Number(process.argv[2] ?? 100);
/** Clerks that work concurrently. */
const CLERK_COUNT = 8;
const WARM_UP_CASES = 3;
const POLL_MS = 100;
const PAGE_CASES = 100;
const CLERK = 'yudu-lyj.clerk';
const MATTER = 'yd2022-1-07';
const COMPANY = { name: '于都县贡江示范药业有限公司', codeKind: 'USCC', code: '91000000MA0000001R' };

readEnvironment('bench');

/** Accepts cases, `CLERK_COUNT` at once. Returns how long each took, in ms, in ascending order. */
async function acceptCases(client: Client, count: number): Promise<number[]> {
  const times: number[] = [];
  let begun = 0;
  const work = async () => {
    for (let i = begun++; i < count; i = begun++) {
      const fields = [{ label: '采伐地点', text: `于都县示范乡示范村 ${i + 1} 林班` }];
      const input = { matter: MATTER, applicant: COMPANY, fields };
      const start = performance.now();
      await client.act(CLERK, 'acceptCase', 'ApplicationInput', input, 'case { id }');
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: CLERK_COUNT }, work));
  return times.sort((a, b) => a - b);
}

/** Counts the notices that still wait for their seal. */
async function countUnsealed(client: Client): Promise<number> {
  const query = `query($after: String) { cases(first: ${PAGE_CASES}, after: $after) {
    edges { node { notices { sealed } } } pageInfo { hasNextPage endCursor } } }`;
  let [unsealed, after]: [number, string | null] = [0, null];
  for (;;) {
    const { cases } = await client.ask(CLERK, query, { after });
    for (const { node } of cases.edges)
      unsealed += node.notices.filter(({ sealed }: { sealed: boolean }) => !sealed).length;
    if (!cases.pageInfo.hasNextPage) return unsealed;
    after = cases.pageInfo.endCursor;
  }
}

async function awaitSealed(client: Client): Promise<void> {
  while ((await countUnsealed(client)) > 0) await pause(POLL_MS);
}

async function main(): Promise<void> {
  const running = await bootTemporary('bench', () => {});
  try {
    console.log(`${cpus().length} × ${cpus()[0]?.model ?? ''}, Node ${process.version}`);
    const client = new Client(running);
    await acceptCases(client, WARM_UP_CASES);
    await awaitSealed(client);
    const start = performance.now();
    const times = await acceptCases(client, CASES);
    const accepted = performance.now() - start;
    await awaitSealed(client);
    const sealed = performance.now() - start;
    const at = (share: number) => (times[Math.ceil(share * times.length) - 1] ?? Number.NaN).toFixed(0);
    console.log(
      `${CASES} cases accepted by ${CLERK_COUNT} clerks in ${(accepted / 1_000).toFixed(1)} s (median ${at(0.5)} ms, ` +
        `95 of 100 within ${at(0.95)} ms); all notices sealed after ${(sealed / 1_000).toFixed(1)} s`,
    );
  } finally {
    await running.stop();
  }
}

await main();
