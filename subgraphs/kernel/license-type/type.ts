import { z } from 'zod';
import { type Day, isWithin } from '../day.ts';
import { daySchema } from '../day-schema.ts';
import { isUscc } from '../identity/uscc.ts';
import { LICENSE_ACTIONS } from '../license-acts.ts';
import { findLineProblem } from './content.ts';
import { type LicenseLine, licenseLine, lineKey, MAX_SENTENCE_CHARS, textLine } from './line.ts';
import { findTemplateProblem, MAX_NUMBER_CHARS } from './number.ts';

/**
 * A license type (证照类型) as data: which lines a license has, how its number is written, how long it is valid, on how
 * many sheets it is printed, and what can be done with it. National standards describe every type in this shape.
 */

/** Kinds of term (有效期): fixed, as the decision says, none. */
const TERM_KINDS = ['FIXED', 'DATE_OF_CASE', 'NONE'] as const;

/** The most lines of a license: a sheet and an application hold no more. */
const MAX_LINES = 20;
const MAX_NAME_CHARS = 100;
/** The longest term of a license, in months. */
export const MAX_MONTHS = 1_200;
/** The most duplicates (副本) of a license. */
export const MAX_DUPLICATES = 20;
/** The earliest warning before the end of a license, in days. */
export const MAX_WARNING_DAYS = 366;
const MAX_ISSUERS = 100;
/** The lines of the QR code: a longer code cannot be scanned from paper. */
const MAX_CODE_CHARS = 200;
/** Days before the end on which holder and organ are warned, of a type that says nothing else. */
export const DEFAULT_WARNING_DAYS: readonly number[] = [90, 30];

/** A type code (电子证照类型代码, GB/T 36904): the USCC of the organ that defines the type, and three digits. */
const typeCode = z
  .string()
  .regex(/^[0-9A-Z]{18}\d{3}$/, '应为18位统一社会信用代码加3位数字')
  .refine((code) => isUscc(code.slice(0, 18)), '前18位不是统一社会信用代码');

const members = {
  code: typeCode,
  name: textLine(MAX_NAME_CHARS),
  /** The law behind the type (设定依据), or null if the file names none. */
  basis: textLine(MAX_SENTENCE_CHARS).nullable().default(null),
  /** First day of this version (施行日期). */
  validFrom: daySchema,
  /** Whether it holds invented samples; `note` then says so. */
  sample: z.boolean().default(false),
  note: textLine(MAX_SENTENCE_CHARS).nullable().default(null),
  /** Keys of lines that the version before had and this one has not, or has under another label: stated by hand. */
  removes: z.array(lineKey).max(MAX_LINES).default([]),
  /** In the order of the sheet. */
  lines: z.array(licenseLine).max(MAX_LINES),
  /** How each issuer writes numbers; `issuer` null: everybody else. Without one the hub's own numbers are used. */
  numberFormats: z
    .array(
      z.object({
        /** Organ id. */
        issuer: textLine(MAX_NAME_CHARS).nullable(),
        template: textLine(MAX_NUMBER_CHARS),
        source: textLine(MAX_SENTENCE_CHARS).nullable().default(null),
      }),
    )
    .max(MAX_ISSUERS)
    .default([]),
  term: z.object({
    kind: z.enum(TERM_KINDS),
    /** FIXED: its length. DATE_OF_CASE: what is proposed to the decider, or null. NONE: null. */
    months: z.int().positive().max(MAX_MONTHS).nullable().default(null),
  }),
  /** Sheets of a version: originals (正本) and duplicates (副本). */
  originals: z.int().min(1).max(1).default(1),
  duplicates: z.int().nonnegative().max(MAX_DUPLICATES).default(0),
  /** Whether several persons may hold one license (共有人). Absent: no. */
  coHolders: z.boolean().optional(),
  /** Name of the sheet's template; `general` fits every type. */
  template: z
    .string()
    .regex(/^[a-zA-Z0-9-]{1,40}$/, '应为模板名')
    .default('general'),
  /** What can be done with a license of the type (办理情形). */
  acts: z.array(z.enum(LICENSE_ACTIONS)).min(1),
  /** Days before the end on which holder and organ are warned. */
  warningDays: z
    .array(z.int().positive().max(MAX_WARNING_DAYS))
    .max(10)
    .default([...DEFAULT_WARNING_DAYS]),
} as const;

/** A license type as a file gives it. Unknown members are refused. */
export const licenseTypeFile = z.strictObject({
  ...members,
  lines: z.array(licenseLine.strict()).max(MAX_LINES),
});
export type LicenseType = z.infer<typeof licenseTypeFile>;

/** A published version of a type, with its last day, or null while no later version is known. */
export const licenseTypeVersion = z.object({
  ...members,
  version: z.int().positive(),
  validTo: daySchema.nullable(),
});
export type LicenseTypeVersion = z.infer<typeof licenseTypeVersion>;

/** A type as others keep it: every version, oldest first. A case and a license keep the version they began with. */
export interface PublishedLicenseType {
  code: string;
  versions: readonly LicenseTypeVersion[];
}

/** Returns the version of a type that is in force on a day, or null. */
export function findTypeOn({ versions }: PublishedLicenseType, on: Day): LicenseTypeVersion | null {
  return versions.find(({ validFrom, validTo }) => isWithin(on, validFrom, validTo)) ?? null;
}

/** Returns a version of a type by its number, or null if it is not known. */
export function findTypeVersion(
  type: PublishedLicenseType | null | undefined,
  wanted: number | undefined,
): LicenseTypeVersion | null {
  return type?.versions.find(({ version }) => version === wanted) ?? null;
}

/** A problem of a type, and its place: a path. */
export interface TypeProblem {
  place: string;
  message: string;
}

/** Lists the problems of a well-formed type: entries that occur twice, lines that contradict themselves. */
export function listTypeProblems(type: LicenseType): TypeProblem[] {
  const { lines, numberFormats, acts, warningDays, term } = type;
  const problems = [
    ...listRepeated(
      'lines',
      'key',
      lines.map(({ key }) => key),
    ),
    ...listRepeated(
      'lines',
      'label',
      lines.map(({ label }) => label),
    ),
    ...listRepeated(
      'numberFormats',
      'issuer',
      numberFormats.map(({ issuer }) => issuer ?? '（其他机关）'),
    ),
    ...listRepeated('acts', null, acts),
    ...listRepeated('warningDays', null, warningDays.map(String)),
    ...lines.flatMap((entry, i) => listLineProblems(entry).map((message) => ({ place: `lines[${i}]`, message }))),
    ...numberFormats.flatMap(({ template }, i) => {
      const message = findTemplateProblem(template);
      return message === null ? [] : [{ place: `numberFormats[${i}].template`, message }];
    }),
  ];
  if (term.kind === 'FIXED' && term.months === null) problems.push({ place: 'term.months', message: '须写明期限' });
  if (term.kind === 'NONE' && term.months !== null) problems.push({ place: 'term.months', message: '长期的没有期限' });
  if (type.sample && type.note === null) problems.push({ place: 'note', message: '示例须在说明中写明是示例' });
  const codeChars = lines.reduce((total, entry) => total + (entry.inCode ? entry.maxLength : 0), 0);
  if (codeChars > MAX_CODE_CHARS)
    problems.push({ place: 'lines', message: `写入二维码的各项合计最多 ${MAX_CODE_CHARS} 字` });
  return problems;
}

function listRepeated(list: string, member: string | null, values: readonly string[]): TypeProblem[] {
  return values.flatMap((value, i) => {
    const place = member === null ? `${list}[${i}]` : `${list}[${i}].${member}`;
    return values.indexOf(value) < i ? [{ place, message: `“${value}”重复` }] : [];
  });
}

function listLineProblems(line: LicenseLine): string[] {
  const { kind, choices, pattern, maxLength, inCode, printed, source, sample } = line;
  const isChoice = kind === 'CHOICE' || kind === 'CHOICES';
  const longest = Math.max(0, ...choices.map((choice) => [...choice].length));
  const rules: [boolean, string][] = [
    [isChoice && choices.length === 0, '选择项须列出可选内容'],
    [!isChoice && choices.length > 0, '只有选择项有可选内容'],
    [new Set(choices).size < choices.length, '可选内容重复'],
    [kind === 'CHOICES' && choices.some((choice) => choice.includes('、')), '可多选的内容不能含顿号'],
    [longest > maxLength, '可选内容比最多字数长'],
    [pattern !== null && kind !== 'TEXT', '只有文字项有格式'],
    [pattern !== null && [...pattern].length > maxLength, '格式比最多字数长'],
    [inCode && !printed, '写入二维码的须印在证面上'],
    [source === null && !sample, '须写明来源，或标明是示例'],
  ];
  const broken = rules.flatMap(([isBroken, message]) => (isBroken ? [message] : []));
  const example = line.example === null ? null : findLineProblem(line, line.example);
  return example === null ? broken : [...broken, `填写示例${example.words}`];
}
