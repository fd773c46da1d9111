import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { parseArgs } from 'node:util';
import { readEnvironment } from '../subgraphs/kernel/environment/read.ts';
import { OPERATOR } from '../subgraphs/kernel/outgoing/address.ts';
import { sendRequest } from '../subgraphs/kernel/outgoing/http-client.ts';
import { findDemoPerson, mintToken } from './demo/people.ts';
import { UsageError } from './evidence-files.ts';
import { readSecrets } from './hub/secrets.ts';

/**
 * `npm run people -- list.csv [--dry-run]`: proposes a list of changes of the register of people (docs/people.md) to a
 * running hub. HUB_URL defaults to http://127.0.0.1:4000. TOKEN is an administrator's token; without it the script acts
 * as the demo administrator of the hub in DATA_FOLDER. The exit code is 1 if the hub refused the list.
 */
const USAGE = '用法 usage: npm run people -- list.csv|list.json [--dry-run]';
const TIMEOUT_MS = 120_000;
const MAX_ANSWER_BYTES = 33_554_432;
const QUERY = `mutation($input: ImportPeopleInput!) { importPeople(input: $input) {
  proposals { id organ { id name } } changes unchanged
  problems { line column code message } refusal { code message } } }`;

interface Payload {
  proposals: { id: string; organ: { id: string; name: string } | null }[];
  changes: number;
  unchanged: number;
  problems: { line: number; column: string | null; code: string; message: string }[];
  refusal: { code: string; message: string } | null;
}

const environment = readEnvironment('people');

async function main(): Promise<boolean> {
  const { file, dryRun } = readArguments();
  const format = { '.csv': 'CSV', '.json': 'JSON' }[extname(file).toLowerCase()];
  if (format === undefined) throw new UsageError(USAGE);
  const result = await importPeople({ format, list: readText(file), dryRun });
  for (const { line, column, code, message } of result.problems) {
    console.error(`${file}:${line} ${column ?? ''} ${code} ${message}`);
  }
  if (result.refusal) {
    console.error(`${result.refusal.code} ${result.refusal.message}`);
    return false;
  }
  for (const { id, organ } of result.proposals) {
    const approver = organ ? `${organ.name}的审批人或者监管人员` : '另一名系统管理员';
    console.log(`提议 ${id}，由${approver}批准（decideProposal）`);
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

function readText(file: string): string {
  const bytes = readFileSync(file);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${file} 不是 UTF-8，请另存为 UTF-8 格式 — is not UTF-8`);
  }
}

async function importPeople(input: object): Promise<Payload> {
  const { status, bytes } = await sendRequest(`${environment.HUB_URL}/graphql`, {
    reach: OPERATOR,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await readToken()}` },
    body: JSON.stringify({ query: QUERY, variables: { input } }),
    timeoutMs: TIMEOUT_MS,
    maxAnswerBytes: MAX_ANSWER_BYTES,
  });
  const { data, errors } = JSON.parse(bytes.toString('utf8')) as {
    data?: { importPeople: Payload };
    errors?: { message: string }[];
  };
  if (!data || errors) throw new UsageError(errors?.map(({ message }) => message).join('；') ?? `HTTP ${status}`);
  return data.importPeople;
}

async function readToken(): Promise<string> {
  if (environment.TOKEN !== undefined) return environment.TOKEN;
  const administrator = findDemoPerson('administrator');
  const secrets = readSecrets(environment.DATA_FOLDER);
  if (!administrator || secrets === null || secrets === 'UNREADABLE') {
    throw new UsageError('没有令牌：请在 TOKEN 中提供系统管理员的令牌 — TOKEN is missing');
  }
  return mintToken(administrator, secrets.tokenPrivateKey, new Date());
}

try {
  if (!(await main())) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
