import { parseArgs } from 'node:util';
import { connect } from '../db/client.ts';
import { nameAdministrators } from '../subgraphs/cases/person/workflow.ts';
import { readEnvironment } from '../subgraphs/kernel/environment/read.ts';
import { Refusal } from '../subgraphs/kernel/refusal.ts';
import { UsageError } from './evidence-files.ts';
import { nameOperator } from './hub/operator.ts';
import { findHubDatabase } from './hub/running-database.ts';

/**
 * `npm run administrators -- --issuer URL SUBJECT=NAME SUBJECT=NAME`: names the first two administrators of an office
 * in the register of people (docs/people.md), or the one that is missing. The hub must be running, or its PostgreSQL.
 * Uses DATA_FOLDER and DATABASE_URL like `npm start`. The register records it with the name of the operator.
 */
const USAGE = `用法 usage: npm run administrators -- --issuer https://id.example 8c1f…=周敏 5d20…=唐宁
  标识为身份提供方的 sub — the names before the equal signs are the provider's (sub)`;

async function main(): Promise<void> {
  const { DATA_FOLDER, DATABASE_URL } = readEnvironment('administrators');
  const people = readPeople();
  const pool = connect(findHubDatabase(undefined, DATABASE_URL, DATA_FOLDER), 'tongquan-administrators', 1);
  try {
    const operator = nameOperator();
    await pool.db.transaction((tx) => nameAdministrators(tx, people, operator, new Date()));
    for (const { subject, name } of people) console.log(`${name}（${subject}）已登记为系统管理员 is an administrator`);
  } finally {
    await pool.close();
  }
}

function readPeople(): { issuer: string; subject: string; name: string }[] {
  try {
    const options = { issuer: { type: 'string' } } as const;
    const { values, positionals } = parseArgs({ allowPositionals: true, options });
    const { issuer } = values;
    const pairs = positionals.map((pair) => /^(.+?)=(.+)$/s.exec(pair));
    if (issuer !== undefined && pairs.length > 0 && pairs.every((pair) => pair !== null)) {
      return pairs.map(([, subject = '', name = '']) => ({ issuer, subject, name }));
    }
  } catch {}
  throw new UsageError(USAGE);
}

try {
  await main();
} catch (error) {
  const isExplained = error instanceof UsageError || error instanceof Refusal;
  console.error(isExplained ? error.message : error);
  process.exitCode = 1;
}
