import { parseArgs } from 'node:util';
import postgres from 'postgres';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { BASES } from '../../subgraphs/seals/log/leaf.ts';
import { UsageError } from '../evidence-files.ts';
import { findHubDatabase } from '../hub/running-database.ts';
import { type ErasureReport, eraseVersion, requireOrder } from './erase.ts';

/** `npm run erase`: lawful erasure of a license version (docs/transparency-log.md). Rehearses unless `--apply`. */

const USAGE = `用法 usage: npm run erase -- IDENTIFIER --basis BASIS --by PERSON [--apply] [--data FOLDER] [--database URL]
  BASIS   ${BASES.join('、')}（个人信息保护法第四十七条）
  --by    批准删除的人 who ordered the erasure
  --apply 删除，不可恢复；没有它只预演 erases for good; without it only a rehearsal`;

/** Thrown to roll a rehearsal back. */
class Rehearsed extends Error {
  readonly report: ErasureReport;
  constructor(report: ErasureReport) {
    super('rehearsed');
    this.report = report;
  }
}

const environment = readEnvironment('erase');

function parseOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        basis: { type: 'string', default: '' },
        by: { type: 'string', default: '' },
        apply: { type: 'boolean', default: false },
        data: { type: 'string', default: environment.DATA_FOLDER },
        database: { type: 'string' },
      },
    });
    const [identifier, ...rest] = positionals;
    if (identifier !== undefined && rest.length === 0) return { ...values, identifier };
  } catch {}
  throw new UsageError(USAGE);
}

async function run(): Promise<void> {
  const { identifier, basis, by, apply, data = 'data', database } = parseOptions();
  const order = requireOrder({ identifier, basis, orderedBy: by, at: new Date() });
  const sql = postgres(findHubDatabase(database, environment.DATABASE_URL, data), { max: 1, onnotice: () => {} });
  try {
    const report = await sql
      .begin(async (tx) => {
        const done = await eraseVersion(tx, order);
        if (!apply) throw new Rehearsed(done);
        return done;
      })
      .catch((error: unknown) => {
        if (error instanceof Rehearsed) return error.report;
        throw error;
      });
    const { acts, files, hasClosedLeaves } = report;
    const word = apply ? '已删除 erased' : '预演，没有删除 rehearsed, nothing was erased';
    console.log(`${word}：${identifier}，办理 acts ${acts}，文件 files ${files}`);
    if (hasClosedLeaves)
      console.log('有旧版日志条目：其摘要仍可用来试探，须控制其读者 — its leaves of 0.4 still test a guess');
    console.log('持证人手中的文件、市证照库的副本和备份不在其中 — files of the holder, the library, backups are not');
  } finally {
    await sql.end();
  }
}

try {
  await run();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
