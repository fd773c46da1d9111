import { extname } from 'node:path';
import { parseArgs } from 'node:util';
import { readEnvironment } from '../subgraphs/kernel/environment/read.ts';
import { UsageError } from './evidence-files.ts';
import { type ListPayload, readList, reportProblems, sendMutation } from './import/client.ts';

/**
 * `npm run people -- list.csv [--dry-run]`: proposes a list of changes of the register of people (docs/people.md) to a
 * running hub. HUB_URL defaults to http://127.0.0.1:4000. TOKEN is an administrator's token; without it the script acts
 * as the demo administrator of the hub in DATA_FOLDER. The exit code is 1 if the hub refused the list.
 */
const USAGE = '用法 usage: npm run people -- list.csv|list.json [--dry-run]';
const QUERY = `mutation($input: ImportPeopleInput!) { importPeople(input: $input) {
  proposals { uuid organ { name } } changes unchanged
  problems { line column code message } refusal { code message } } }`;

interface Payload extends ListPayload {
  proposals: { uuid: string; organ: { name: string } | null }[];
  changes: number;
  unchanged: number;
}

const environment = readEnvironment('people');

async function main(): Promise<boolean> {
  const { file, dryRun } = readArguments();
  const format = { '.csv': 'CSV', '.json': 'JSON' }[extname(file).toLowerCase()];
  if (format === undefined) throw new UsageError(USAGE);
  const result = await sendMutation<Payload>(environment, QUERY, { format, list: readList(file), dryRun });
  if (!reportProblems(file, result)) return false;
  for (const { uuid, organ } of result.proposals) {
    const approver = organ ? `${organ.name}的审批人或者监管人员` : '另一名系统管理员';
    console.log(`提议 ${uuid}，由${approver}批准（decideProposal）`);
  }
  const outcome = dryRun ? '仅为预演，未提议' : result.changes > 0 ? '批准后生效' : '无变更，未提议';
  console.log(`变更 ${result.changes} 行，未变更 ${result.unchanged} 行；${outcome}`);
  return true;
}

function readArguments(): { file: string; dryRun: boolean } {
  try {
    const options = { 'dry-run': { type: 'boolean', default: false } } as const;
    const { values, positionals } = parseArgs({ allowPositionals: true, options });
    const [file, ...extraArguments] = positionals;
    if (file !== undefined && extraArguments.length === 0) return { file, dryRun: values['dry-run'] };
  } catch {}
  throw new UsageError(USAGE);
}

try {
  if (!(await main())) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
