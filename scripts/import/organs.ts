import { type HubAccess, type ListPayload, reportProblems, sendMutation } from './client.ts';
import { describeOutcome, type Waiting } from './license-type.ts';

const QUERY = `mutation($input: ImportOrgansInput!) { importOrgans(input: $input) {
  proposal { uuid digest } differences unchanged problems { line column code message } refusal { code message } } }`;

interface Payload extends ListPayload {
  proposal: Waiting | null;
  differences: string[];
  unchanged: number;
}

/** Proposes a list of changes of organs (机构改革). Returns false if the hub refused it. */
export async function importOrgans(
  environment: HubAccess,
  file: string,
  input: { csv: string; basis: string | null; dryRun: boolean },
): Promise<boolean> {
  const result = await sendMutation<Payload>(environment, QUERY, input);
  if (!reportProblems(file, result)) return false;
  for (const difference of result.differences) console.log(difference);
  console.log(`未变更 ${result.unchanged} 行；${describeOutcome(result.proposal, input.dryRun)}`);
  return true;
}
