import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { MAX_LEDGER_LINES } from '../../subgraphs/licenses/registration/ledger.ts';
import { Client } from '../demo/client.ts';
import { bootTemporary } from '../hub/temporary.ts';
import { type Cost, measureCost } from './licenses.ts';

/**
 * `npm run bench:registration [LICENSES]`: measures how fast existing paper is registered (default: 100,000 licenses),
 * from the first proposal to the last license entered, through the public API by two persons. The library collects
 * meanwhile, at its own pace.
 */
const LICENSES = Number(process.argv[2] ?? 100_000);
const MATTER = 'yd2022-1-07';
const ORGAN = 'yudu-lyj';
const HEADER = '证照编号,持证主体,持证主体代码,颁发日期,有效期起始,有效期截止';
const HOLDER = '于都县贡江示范药业有限公司,91000000MA0000001R';
const POLL_MS = 500;

readEnvironment('bench');

/** Writes a ledger. Half of its numbers cannot be carried by an identifier, as on older paper. */
function writeLedger(from: number, to: number): string {
  const lines = Array.from({ length: to - from }, (_, i) => {
    const n = from + i;
    const number = n % 2 === 0 ? `3607312019${String(n).padStart(7, '0')}` : `于林采字〔2019〕第${n}号`;
    return `${number},${HOLDER},2019-03-05,2019-03-05,长期`;
  });
  return `${HEADER}\n${lines.join('\n')}\n`;
}

/** Proposes and approves one ledger. Returns its id. */
async function approveLedger(client: Client, ledger: string): Promise<string> {
  const proposal = { matter: MATTER, file: Buffer.from(ledger).toString('base64') };
  const fields = 'registration { id: uuid } problems { message }';
  const { registration } = await client.act(
    `${ORGAN}.reviewer`,
    'proposeRegistration',
    'ProposeRegistrationInput',
    proposal,
    fields,
  );
  const decision = { registration: registration.id, approve: true };
  await client.act(
    `${ORGAN}.approver`,
    'decideRegistration',
    'DecideRegistrationInput',
    decision,
    'registration { state }',
  );
  return registration.id;
}

/** Waits until every license of the ledgers is entered. */
async function awaitEntered(client: Client, ledgers: ReadonlySet<string>): Promise<void> {
  const query = '{ registrations(first: 50) { edges { node { id: uuid enteredAt } } } }';
  for (;;) {
    const { registrations } = await client.ask(`${ORGAN}.approver`, query);
    const own = registrations.edges.filter(({ node }: { node: { id: string } }) => ledgers.has(node.id));
    if (own.every(({ node }: { node: { enteredAt: string | null } }) => node.enteredAt !== null)) return;
    await pause(POLL_MS);
  }
}

async function main(): Promise<void> {
  const running = await bootTemporary('bench', () => {});
  try {
    console.log(`${cpus().length} × ${cpus()[0]?.model ?? ''}, Node ${process.version}`);
    const client = new Client(running);
    const cost: Cost = await measureCost(running, LICENSES, async () => {
      const ledgers = new Set<string>();
      for (let from = 0; from < LICENSES; from += MAX_LEDGER_LINES)
        ledgers.add(await approveLedger(client, writeLedger(from, Math.min(from + MAX_LEDGER_LINES, LICENSES))));
      await awaitEntered(client, ledgers);
    });
    const parts = Object.entries(cost).map(([name, value]) => `${name} ${value.toFixed(2)}`);
    console.log(
      `${LICENSES} licenses in ${(LICENSES / cost.perSecond).toFixed(0)} s; CPU ms per license: ${parts.join(', ')}`,
    );
  } finally {
    await running.stop();
  }
}

await main();
