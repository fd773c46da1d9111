import { parseArgs } from 'node:util';
import { connect } from '../../db/client.ts';
import { dayOf } from '../../subgraphs/kernel/day.ts';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { findClockFault } from '../../subgraphs/licenses/validity/sweep.ts';
import { countEnded, findNewestTime, putSweepClock } from '../../subgraphs/licenses/validity/sweep-store.ts';
import { UsageError } from '../evidence-files.ts';
import { nameOperator } from '../hub/operator.ts';
import { findHubDatabase } from '../hub/running-database.ts';

/**
 * `npm run lapses`: shows how many licenses the hub is about to end because their last day has passed (失效登记), and
 * whether it waits because the clock seems to have jumped. `-- --confirm` says that the clock is right. The hub then
 * goes on within ten minutes. The hub must be running, or its PostgreSQL. Uses DATA_FOLDER and DATABASE_URL like
 * `npm start`.
 */
const MAX_SHOWN = 1_000_000;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { confirm: { type: 'boolean', default: false } } });
  const { DATA_FOLDER, DATABASE_URL } = readEnvironment('lapses');
  const pool = connect(findHubDatabase(undefined, DATABASE_URL, DATA_FOLDER), 'tongquan-lapses', 1);
  try {
    const now = new Date();
    const due = await countEnded(pool.db, dayOf(now), MAX_SHOWN);
    const newestAt = await findNewestTime(pool.db);
    const fault = findClockFault({ now, newestAt, due });
    console.log(`现在 now ${now.toISOString()}，最近记录 newest record ${newestAt?.toISOString() ?? '—'}`);
    console.log(`待登记失效的证照 licenses to be ended: ${due}`);
    if (fault === null) return console.log('时钟可信，系统自动登记 — the clock is trusted, the hub goes on by itself');
    if (fault === 'CLOCK_BEHIND')
      throw new UsageError('时钟早于已有记录，请先校准 — the clock is behind: set it right');
    if (!values.confirm)
      throw new UsageError('时钟远晚于已有记录：核对无误后加 --confirm — check the clock, then confirm');
    await putSweepClock(pool.db, now, nameOperator());
    console.log('已确认，十分钟内开始登记 — confirmed, the hub begins within ten minutes');
  } finally {
    await pool.close();
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
