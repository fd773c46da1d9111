import { describeOwnership, type Held } from '../identity/co-ownership.ts';

/** What an act changes on a license: its lines (制证信息), and the names and shares of its holders. */

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
/** The names and shares of all holders, of a license that has several. */
export const OWNERS_LABEL = '共有人';

/** Returns the lines in which two contents differ, those of `before` first. */
export function listAmended(before: Lines, after: Lines): AmendedLine[] {
  const textOf = (lines: Lines, label: string) => lines.find((line) => line.label === label)?.text ?? null;
  const labels = new Set([...before, ...after].map(({ label }) => label));
  return [...labels]
    .map((label) => ({ label, before: textOf(before, label), after: textOf(after, label) }))
    .filter((line) => line.before !== line.after);
}

/** What a version of a license states, as far as an act may change it. */
export interface StatedContent extends Held {
  fields: Lines;
}

/** Returns what differs between two versions of a license: names and shares of the holders, then the lines. */
export function listLicenseChanges(before: StatedContent, after: StatedContent): AmendedLine[] {
  const nameLines = ({ holder, coOwnership }: StatedContent) => [
    { label: HOLDER_LABEL, text: holder.name },
    ...(coOwnership ? [{ label: OWNERS_LABEL, text: describeOwnership({ holder, coOwnership }) }] : []),
  ];
  return [...listAmended(nameLines(before), nameLines(after)), ...listAmended(before.fields, after.fields)];
}
