import { z } from 'zod';
import { describeTextProblem, findTextProblem } from '../text.ts';

/** What a line holds. Its text is stored as written: a date `YYYY-MM-DD`, several choices separated by `、`. */
export const LINE_KINDS = [
  'TEXT',
  'LONG_TEXT',
  'DATE',
  'INTEGER',
  'DECIMAL',
  'CODE_USCC',
  'CITIZEN_NUMBER',
  'PHONE',
  'CHOICE',
  'CHOICES',
] as const;
export type LineKind = (typeof LINE_KINDS)[number];

/** Groups of lines (信息项分组): 持证主体信息, 许可信息, 管理信息. */
export const LINE_GROUPS = ['HOLDER', 'PERMISSION', 'MANAGEMENT'] as const;

/** The most characters of a label, of a line, of what is said about it. */
const MAX_LABEL_CHARS = 20;
export const MAX_LINE_CHARS = 500;
export const MAX_SENTENCE_CHARS = 500;
const MAX_CHOICES = 60;
const MAX_CHOICE_CHARS = 60;
const MAX_PATTERN_CHARS = 60;

/** Schema of one line of legible text, trimmed and not empty. */
export const textLine = (maxChars: number) => z.string().trim().min(1).max(maxChars).superRefine(requireLegible);

function requireLegible(text: string, context: z.RefinementCtx): void {
  const problem = findTextProblem(text, { form: 'LINE', maxChars: Number.POSITIVE_INFINITY });
  if (problem) context.addIssue({ code: 'custom', message: describeTextProblem(problem) });
}

/** Name of a line within its type: ASCII, for example `legalPerson`. */
export const lineKey = z.string().regex(/^[a-z][a-zA-Z0-9]{0,39}$/, '应为小写字母开头的字母数字，最多40位');

/** One line of a license (信息项). */
export const licenseLine = z.object({
  /** Stable within the type. */
  key: lineKey,
  /** What is printed before it, for example 法定代表人. */
  label: textLine(MAX_LABEL_CHARS),
  /** How to fill it in. */
  help: textLine(MAX_SENTENCE_CHARS).nullable().default(null),
  /** A text that it could have. */
  example: textLine(MAX_LINE_CHARS).nullable().default(null),
  kind: z.enum(LINE_KINDS),
  group: z.enum(LINE_GROUPS),
  required: z.boolean(),
  maxLength: z.int().positive().max(MAX_LINE_CHARS),
  /** The form of a TEXT, character by character. See `matchesPattern`. */
  pattern: textLine(MAX_PATTERN_CHARS).nullable().default(null),
  /** What a CHOICE or CHOICES may be. */
  choices: z.array(textLine(MAX_CHOICE_CHARS)).max(MAX_CHOICES).default([]),
  /** Whether the sheet shows it. */
  printed: z.boolean().default(true),
  /** Whether everybody may read it (公示). */
  published: z.boolean().default(false),
  /** Whether the QR code carries it. */
  inCode: z.boolean().default(false),
  /** The law or the usual form that names the line. */
  source: textLine(MAX_SENTENCE_CHARS).nullable().default(null),
  /** Whether it is an invented sample (示例) that the office has to check. */
  sample: z.boolean().default(false),
});
export type LicenseLine = z.infer<typeof licenseLine>;
