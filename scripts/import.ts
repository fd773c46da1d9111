import { parseArgs } from 'node:util';
import { readEnvironment } from '../subgraphs/kernel/environment/read.ts';
import { type ListPayload, readList, reportProblems, sendMutation } from './import/client.ts';
import { proposeLedger } from './import/ledger.ts';
import { describeOutcome, importType, type Waiting } from './import/license-type.ts';
import { importOrgans } from './import/organs.ts';

/**
 * `npm run import -- list.csv [--dry-run] [--basis 文号]`: proposes a list of delegations (docs/import.md) to a running
 * hub; another administrator approves it by `decideImport`. A file `….json` is a license type
 * (docs/license-types.md). With `--organs` the list changes organs (机构改革). With `--matter yd2022-1-07` the file is a
 * ledger of existing paper, which a reviewer of the issuing organ proposes by the own TOKEN (docs/import.md).
 * HUB_URL defaults to http://127.0.0.1:4000. TOKEN is an
 * administrator's token; without it the script acts as the demo administrator of the hub in DATA_FOLDER. The exit code
 * is 1 if the hub refused the list.
 */
const QUERY = `mutation($input: ImportDelegationsInput!) { importDelegations(input: $input) {
  proposal { uuid digest } unchanged problems { line column code message } refusal { code message }
  changes { line validFrom runningCases fields { field before after validTo }
    matter { code displayName runningCases(first: 20) { totalCount edges { node { number } } } } } } }`;

const environment = readEnvironment('import');

interface Change {
  line: number;
  validFrom: string;
  runningCases: 'FOLLOW' | 'STAY' | null;
  fields: { field: string; before: string | null; after: string | null; validTo: string | null }[];
  matter: {
    code: string;
    displayName: string;
    runningCases: { totalCount: number; edges: { node: { number: string } }[] } | null;
  };
}
interface Payload extends ListPayload {
  proposal: Waiting | null;
  unchanged: number;
  changes: Change[];
}

async function main(): Promise<boolean> {
  const options = {
    'dry-run': { type: 'boolean', default: false },
    organs: { type: 'boolean', default: false },
    basis: { type: 'string' },
    matter: { type: 'string' },
  } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const [file, ...extraArguments] = positionals;
  if (file === undefined || extraArguments.length > 0) {
    throw new Error(
      '用法 usage: npm run import -- list.csv|type.json|ledger.csv [--dry-run] [--basis 文号] [--organs] [--matter 事项]',
    );
  }
  if (values.matter !== undefined)
    return proposeLedger(environment, file, { matter: values.matter, dryRun: values['dry-run'] });
  if (file.endsWith('.json')) return importType(environment, file, values['dry-run']);
  const input = { csv: readList(file), dryRun: values['dry-run'], basis: values.basis ?? null };
  if (values.organs) return importOrgans(environment, file, input);
  const result = await sendMutation<Payload>(environment, QUERY, input);
  if (!reportProblems(file, result)) return false;
  for (const change of result.changes) printChange(change);
  const outcome = describeOutcome(result.proposal, values['dry-run']);
  console.log(`变更 ${result.changes.length} 行，未变更 ${result.unchanged} 行；${outcome}`);
  return true;
}

function printChange({ validFrom, matter, fields, runningCases }: Change): void {
  console.log(`\n${matter.code} ${matter.displayName}　自 ${validFrom} 起`);
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
