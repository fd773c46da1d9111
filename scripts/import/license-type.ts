import { type HubAccess, readList, sendMutation } from './client.ts';

const TYPE_QUERY = `mutation($input: ImportLicenseTypeInput!) { importLicenseType(input: $input) {
  proposal { uuid digest } licenseType { code name version validFrom } differences { text } problems { place message }
  refusal { code message } } }`;

/** A file as it waits for another administrator. */
export interface Waiting {
  uuid: string;
  digest: string;
}
interface TypePayload {
  proposal: Waiting | null;
  licenseType: { code: string; name: string; version: number; validFrom: string } | null;
  differences: { text: string }[];
  problems: { place: string; message: string }[];
  refusal: { code: string; message: string } | null;
}

/** Says what became of a file: proposed, rehearsed, or without an effect. */
export function describeOutcome(proposal: Waiting | null, dryRun: boolean): string {
  if (proposal) {
    const { uuid, digest } = proposal;
    return `已提议，尚未生效：提议 ${uuid}，文件 SHA-256 ${digest}，须由另一名系统管理员批准`;
  }
  return dryRun ? '仅为预演，未提议' : '无变更，未提议';
}

/** Proposes the license type of a JSON file and prints what it changes. Returns whether the hub took it. */
export async function importType(access: HubAccess, file: string, dryRun: boolean): Promise<boolean> {
  const result = await sendMutation<TypePayload>(access, TYPE_QUERY, { text: readList(file), dryRun });
  for (const { place, message } of result.problems) console.error(`${file} ${place} ${message}`);
  if (result.refusal) console.error(`${result.refusal.code} ${result.refusal.message}`);
  const { licenseType, differences } = result;
  if (licenseType === null) return false;
  for (const { text } of differences) console.log(text);
  const { code, name, version, validFrom } = licenseType;
  console.log(`${code} ${name} 第 ${version} 版，自 ${validFrom} 起；${describeOutcome(result.proposal, dryRun)}`);
  return true;
}
