import { toOneLine } from '../text.ts';
import type { Kind } from './kinds.ts';
import { ENVIRONMENT, type ProcessName, type Use, type Variable, type VariableName } from './variables.ts';

/** Reads a process's environment by the table ENVIRONMENT and names everything that is wrong with it. Pure. */

type Table = typeof ENVIRONMENT;

/** The variables that a process reads. */
export type VariablesOf<Process extends ProcessName> = {
  [Name in VariableName]: Process extends keyof Table[Name]['uses'] ? Name : never;
}[VariableName];

/** A further reader of a variable's text, such as one that opens a file. It throws an Error if the text is wrong. */
export type Readers<Process extends ProcessName> = Partial<Record<VariablesOf<Process>, (text: string) => unknown>>;

type UseOf<Process extends ProcessName, Name extends VariableName> = Process extends keyof Table[Name]['uses']
  ? Table[Name]['uses'][Process]
  : never;
type ValueOf<Name extends VariableName, Reader> = Reader extends (text: string) => infer Value
  ? Value
  : Table[Name]['kind'] extends Kind<infer Value>
    ? Value
    : never;
type Absent<U> = U extends { required: true } | { default: string } ? never : undefined;

/** The parsed variables of a process. A variable that may be absent is then undefined. */
export type Settings<Process extends ProcessName, R extends Readers<Process> = Record<never, never>> = {
  [Name in VariablesOf<Process>]:
    | ValueOf<Name, Name extends keyof R ? R[Name] : undefined>
    | Absent<UseOf<Process, Name>>;
};

/** What was read, or what is wrong. Hints are about variables that nothing reads. One line each. */
export interface Reading<Process extends ProcessName, R extends Readers<Process>> {
  settings: Settings<Process, R>;
  problems: string[];
  hints: string[];
}

type Texts = Readonly<Record<string, string | undefined>>;

/** Reads the variables of `process` from `texts`. `settings` is complete only if there are no problems. */
export function parseEnvironment<Process extends ProcessName, R extends Readers<Process> = Record<never, never>>(
  process: Process,
  texts: Texts,
  readers?: R,
): Reading<Process, R> {
  const own = variablesOf(process);
  const settings: Record<string, unknown> = {};
  const problems: string[] = [];
  const unread = Object.keys(texts).filter((name) => !(name in ENVIRONMENT));
  for (const [name, variable, use] of own) {
    const reader = (readers as Record<string, ((text: string) => unknown) | undefined> | undefined)?.[name];
    const answer = readVariable(name, variable, use, texts, reader);
    if ('value' in answer) settings[name] = answer.value;
    else problems.push(`${name}: ${answer.problem}${suggest(name, texts, unread)}`);
  }
  const absent = own.map(([name]) => name).filter((name) => !isSet(texts, name));
  const hints = unread
    .map((name) => [name, absent.find((known) => isSimilar(name, known))] as const)
    .filter(([, known]) => known !== undefined && !problems.some((problem) => problem.startsWith(`${known}: `)))
    .map(([name, known]) => `${name}: is not read; did you mean ${known}?`);
  return { settings: settings as Settings<Process, R>, problems, hints };
}

/** Returns the variables of a process with their use, in the order of the table. */
export function variablesOf(process: ProcessName): [name: string, variable: Variable, use: Use][] {
  return Object.entries(ENVIRONMENT as Record<string, Variable>).flatMap(([name, variable]) => {
    const use = variable.uses[process];
    return use === undefined ? [] : [[name, variable, use] as [string, Variable, Use]];
  });
}

function readVariable(
  name: string,
  variable: Variable,
  use: Use,
  texts: Texts,
  reader: ((text: string) => unknown) | undefined,
): { value: unknown } | { problem: string } {
  const { isSecret, refusesEmpty } = variable;
  const kind = use.kind ?? variable.kind;
  const rawText = texts[name];
  if (rawText?.trim() === '' && refusesEmpty) return { problem: `is empty; expected ${kind.expected}` };
  const text = isSet(texts, name) ? rawText?.trim() : use.default;
  if (text === undefined) {
    const reason = whyRequired(use, texts);
    return reason === null ? { value: undefined } : { problem: `is missing${reason}; expected ${kind.expected}` };
  }
  const result = kind.schema.safeParse(text);
  if (!result.success) return { problem: `expected ${kind.expected}, got ${show(text, isSecret)}` };
  if (!reader) return { value: result.data };
  try {
    return { value: reader(text) };
  } catch (error) {
    const reason = isSecret ? '' : `: ${toOneLine(error instanceof Error ? error.message : String(error))}`;
    return { problem: `cannot use ${show(text, isSecret)}${reason}` };
  }
}

function isSet(texts: Texts, name: string): boolean {
  return (texts[name] ?? '').trim() !== '';
}

/** Returns why a variable is required as a suffix, or null if it is not. */
function whyRequired(use: Use, texts: Texts): string | null {
  if (use.required) return '';
  if (use.with !== undefined && isSet(texts, use.with)) return ` (needed with ${use.with})`;
  if (use.unless !== undefined && !isSet(texts, use.unless)) return ` (needed without ${use.unless})`;
  if (use.inProduction && texts.NODE_ENV?.trim() === 'production') return ' (needed with NODE_ENV=production)';
  return null;
}

const MAX_SHOWN_CHARS = 60;

function show(text: string, isSecret: boolean | undefined): string {
  if (isSecret) return `a value of ${text.length} characters`;
  return toOneLine(JSON.stringify(text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text));
}

function suggest(name: string, texts: Texts, unread: readonly string[]): string {
  if (isSet(texts, name)) return '';
  const similar = unread.find((other) => isSimilar(other, name));
  return similar === undefined ? '' : `; did you mean it by ${toOneLine(similar)}?`;
}

const MIN_SIMILAR_CHARS = 4;
/** Longer names may differ in two places, shorter ones in one. */
const LONG_NAME_CHARS = 8;

/** Returns whether `text` is likely a misspelling of `name`. */
function isSimilar(text: string, name: string): boolean {
  if (text.length < MIN_SIMILAR_CHARS || text === name) return false;
  const maxDistance = name.length >= LONG_NAME_CHARS ? 2 : 1;
  if (Math.abs(text.length - name.length) > maxDistance) return false;
  return distance(text.toUpperCase(), name) <= maxDistance;
}

/** Edit distance in which two exchanged neighbours count as one edit (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced));
      const isExchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isExchanged) row[j] = Math.min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return at(a.length, b.length);
}
