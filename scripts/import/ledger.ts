import { readFileSync } from 'node:fs';
import { type HubAccess, type ListPayload, reportProblems, sendMutation } from './client.ts';
import type { Waiting } from './license-type.ts';

const LEDGER_QUERY = `mutation($input: ProposeRegistrationInput!) { proposeRegistration(input: $input) {
  registration { uuid digest encoding } lines problems { line column code message } notes { line column code message }
  refusal { code message } } }`;

interface LedgerPayload extends ListPayload {
  registration: (Waiting & { encoding: string }) | null;
  lines: number | null;
  notes: ListPayload['problems'];
}

/** Proposes a ledger of existing paper (存量证照台账) of a matter. Returns whether the hub took it. */
export async function proposeLedger(
  access: HubAccess,
  file: string,
  { matter, dryRun }: { matter: string; dryRun: boolean },
): Promise<boolean> {
  const input = { matter, file: readFileSync(file).toString('base64'), dryRun };
  const result = await sendMutation<LedgerPayload>(access, LEDGER_QUERY, input);
  for (const { line, column, message } of result.notes)
    console.log(`${file}:${line} ${column ?? ''} 请注意：${message}`);
  if (!reportProblems(file, result)) return false;
  const { registration, lines } = result;
  const outcome = registration
    ? `已提议，尚未登记：台账 ${registration.uuid}，文件 SHA-256 ${registration.digest}，须由本机关审批人批准`
    : '仅为预演，未提议';
  console.log(`${lines} 件证照；${outcome}`);
  return true;
}
