import { parseArgs } from 'node:util';
import { connect } from '../../db/client.ts';
import { dayOf } from '../../subgraphs/kernel/day.ts';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { type ClockFault, findClockFault } from '../../subgraphs/licenses/validity/sweep.ts';
import { confirmClock, countEnded, findRecordedTimes } from '../../subgraphs/licenses/validity/sweep-store.ts';
import { UsageError } from '../evidence-files.ts';
import { nameOperator } from '../hub/operator.ts';
import { findHubDatabase } from '../hub/running-database.ts';

/**
 * `npm run lapses`: shows how many licenses the hub is about to end because their last day has passed (失效登记), and
 * whether it waits because the clock seems to have jumped. `-- --confirm` says that the clock is right now, which is
 * recorded: also after a clock that was ahead has been set back. The hub then goes on within ten minutes. The hub must
 * be running, or its PostgreSQL. Uses DATA_FOLDER and DATABASE_URL like
 * `npm start`.
 */
const MAX_SHOWN = 1_000_000;

const FAULTS: Readonly<Record<ClockFault, string>> = {
  CLOCK_BEHIND:
    '时钟早于已有记录：校准，或核对无误后加 --confirm — the clock is behind the records: set it right, or confirm it',
  CLOCK_AHEAD: '时钟远晚于上次登记：核对无误后加 --confirm — the clock is far ahead: check it, then confirm',
};

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { confirm: { type: 'boolean', default: false } } });
  const { DATA_FOLDER, DATABASE_URL } = readEnvironment('lapses');
  const pool = connect(findHubDatabase(undefined, DATABASE_URL, DATA_FOLDER), 'tongquan-lapses', 1);
  try {
    const now = new Date();
    const due = await countEnded(pool.db, dayOf(now), MAX_SHOWN);
    const recorded = await findRecordedTimes(pool.db);
    const fault = findClockFault({ ...recorded, now, due });
    const [newest, swept] = [recorded.newestAt, recorded.sweptAt].map((at) => at?.toISOString() ?? '—');
    console.log(`现在 now ${now.toISOString()}，最近记录 newest record ${newest}，上次登记 last sweep ${swept}`);
    console.log(`待登记失效的证照 licenses to be ended: ${due}`);
    if (!values.confirm) {
      if (fault !== null) throw new UsageError(FAULTS[fault]);
      return console.log('时钟可信，系统自动登记 — the clock is trusted, the hub goes on by itself');
    }
    await confirmClock(pool.db, now, nameOperator());
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
