import { changesLines, type LicenseAction } from '../../kernel/license-acts.ts';
import type { Lines } from '../../kernel/license-type/changes.ts';

/**
 * Returns `standing` with the lines of `given` in their places: a line that `given` does not name stays as it is, a new
 * one comes after the others. An empty text takes the line out.
 */
export function changeLines(standing: Lines, given: Lines): { label: string; text: string }[] {
  return nameLines(standing, given).filter(({ text }) => text !== '');
}

/** Like `changeLines`, but a line that is taken out stays named, with an empty text: an act takes it out later. */
export function nameLines(standing: Lines, given: Lines): { label: string; text: string }[] {
  const named = new Map([...standing, ...given].map(({ label, text }) => [label, text]));
  return [...named].map(([label, text]) => ({ label, text }));
}

/**
 * Returns the lines that a license carries after an act, from those that stand on it and those that the case gives.
 * `standing` is empty for the act that issues it. An act that keeps all lines takes those that a sealed license must
 * have and lacks (`lacking`), because it was sealed before its type had them.
 */
export function linesAfter(
  action: LicenseAction,
  standing: Lines,
  given: Lines,
  lacking: ReadonlySet<string>,
): { label: string; text: string }[] {
  const taken = changesLines(action) ? given : given.filter(({ label }) => lacking.has(label));
  return changeLines(standing, taken);
}

/** Whether a case may take out a line by an empty text: only where lines stand that it can take out. */
export function mayTakeOut(action: LicenseAction): boolean {
  return action !== 'ISSUE' && changesLines(action);
}
