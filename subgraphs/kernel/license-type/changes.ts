/** What an act changes on a license: its lines (制证信息), and the name of its holder. */

/** The lines of a license's content. A label occurs once. */
export type Lines = readonly { label: string; text: string }[];

/** A line before and after an act or an amendment. Null: there was or is none. */
export interface AmendedLine {
  label: string;
  before: string | null;
  after: string | null;
}

/** The holder's name among the lines that an act changes. */
export const HOLDER_LABEL = '持证主体';

/** Returns the lines in which two contents differ, those of `before` first. */
export function listAmended(before: Lines, after: Lines): AmendedLine[] {
  const textOf = (lines: Lines, label: string) => lines.find((line) => line.label === label)?.text ?? null;
  const labels = new Set([...before, ...after].map(({ label }) => label));
  return [...labels]
    .map((label) => ({ label, before: textOf(before, label), after: textOf(after, label) }))
    .filter((line) => line.before !== line.after);
}

/** What a version of a license states, as far as an act may change it. */
export interface StatedContent {
  holderName: string;
  fields: Lines;
}

/** Returns what differs between two versions of a license: the holder's name, then the lines. */
export function listLicenseChanges(before: StatedContent, after: StatedContent): AmendedLine[] {
  const nameLine = ({ holderName }: StatedContent) => [{ label: HOLDER_LABEL, text: holderName }];
  return [...listAmended(nameLine(before), nameLine(after)), ...listAmended(before.fields, after.fields)];
}
