import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readEnvironment } from '../subgraphs/kernel/environment/read.ts';
import { OPERATOR } from '../subgraphs/kernel/outgoing/address.ts';
import { sendRequest } from '../subgraphs/kernel/outgoing/http-client.ts';
import { findDemoPerson, mintToken } from './demo/people.ts';
import { readDemoKey } from './hub/demo-key.ts';

/**
 * `npm run import -- list.csv [--dry-run] [--basis 文号]`: proposes a list of delegations (docs/import.md) to a running
 * hub; another administrator approves it by `decideImport`. HUB_URL defaults to http://127.0.0.1:4000. TOKEN is an
 * administrator's token; without it the script acts as the demo administrator of the hub in DATA_FOLDER. The exit code
 * is 1 if the hub refused the list.
 */
/** A rehearsal of a long list takes its time. */
const IMPORT_TIMEOUT_MS = 120_000;
const MAX_ANSWER_BYTES = 33_554_432;
const QUERY = `mutation($input: ImportDelegationsInput!) { importDelegations(input: $input) {
  proposal { id digest } unchanged problems { line column code message } refusal { code message }
  changes { line validFrom runningCases fields { field before after validTo }
    matter { id name runningCases(first: 20) { totalCount edges { node { number } } } } } } }`;

const environment = readEnvironment('import');

interface Change {
  line: number;
  validFrom: string;
  runningCases: 'FOLLOW' | 'STAY' | null;
  fields: { field: string; before: string | null; after: string | null; validTo: string | null }[];
  matter: {
    id: string;
    name: string;
    runningCases: { totalCount: number; edges: { node: { number: string } }[] } | null;
  };
}
interface Payload {
  proposal: { id: string; digest: string } | null;
  unchanged: number;
  changes: Change[];
  problems: { line: number; column: string | null; code: string; message: string }[];
  refusal: { code: string; message: string } | null;
}

async function main(): Promise<boolean> {
  const options = { 'dry-run': { type: 'boolean', default: false }, basis: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const [file, ...extraArguments] = positionals;
  if (file === undefined || extraArguments.length > 0) {
    throw new Error('用法 usage: npm run import -- list.csv [--dry-run] [--basis 文号]');
  }
  const csv = readText(file);
  const result = await importDelegations({ csv, dryRun: values['dry-run'], basis: values.basis ?? null });
  for (const { line, column, code, message } of result.problems) {
    console.error(`${file}:${line} ${column ?? ''} ${code} ${message}`);
  }
  if (result.refusal) {
    console.error(`${result.refusal.code} ${result.refusal.message}`);
    return false;
  }
  for (const change of result.changes) printChange(change);
  const outcome = result.proposal
    ? `已提议，尚未生效：提议 ${result.proposal.id}，文件 SHA-256 ${result.proposal.digest}，须由另一名系统管理员批准`
    : values['dry-run']
      ? '仅为预演，未提议'
      : '无变更，未提议';
  console.log(`变更 ${result.changes.length} 行，未变更 ${result.unchanged} 行；${outcome}`);
  return true;
}

function readText(file: string): string {
  const bytes = readFileSync(file);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`${file} 不是 UTF-8，请另存为 UTF-8 格式的 CSV — is not UTF-8`);
  }
}

async function importDelegations(input: object): Promise<Payload> {
  const { status, bytes } = await sendRequest(`${environment.HUB_URL}/graphql`, {
    reach: OPERATOR,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await readToken()}` },
    body: JSON.stringify({ query: QUERY, variables: { input } }),
    timeoutMs: IMPORT_TIMEOUT_MS,
    maxAnswerBytes: MAX_ANSWER_BYTES,
  });
  const { data, errors } = JSON.parse(bytes.toString('utf8')) as {
    data?: { importDelegations: Payload };
    errors?: { message: string }[];
  };
  if (!data || errors) throw new Error(errors?.map((error) => error.message).join('；') ?? `HTTP ${status}`);
  return data.importDelegations;
}

async function readToken(): Promise<string> {
  if (environment.TOKEN !== undefined) return environment.TOKEN;
  const administrator = findDemoPerson('administrator');
  if (!administrator) throw new Error('no demo administrator');
  return mintToken(administrator, readDemoKey(environment.DATA_FOLDER), new Date());
}

function printChange({ validFrom, matter, fields, runningCases }: Change): void {
  console.log(`\n${matter.id} ${matter.name}　自 ${validFrom} 起`);
  for (const { field, before, after, validTo } of fields) {
    console.log(`  ${field}: ${before ?? '（无）'} → ${after ?? '（无）'}${validTo === null ? '' : `　至 ${validTo}`}`);
  }
  if (runningCases === null || matter.runningCases === null) return;
  const { totalCount, edges } = matter.runningCases;
  const caseNumbers = edges.map((edge) => edge.node.number).join('、');
  const rest = totalCount > edges.length ? ` 等` : '';
  const caseList = totalCount === 0 ? '' : `：${caseNumbers}${rest}`;
  console.log(`  在办件 ${totalCount} 件，${runningCases === 'FOLLOW' ? '随转' : '不随转'}${caseList}`);
}

try {
  if (!(await main())) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
