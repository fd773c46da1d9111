import { z } from 'zod';
import { daySchema } from '../../kernel/day-schema.ts';
import { FILE_FORMATS, MATERIAL_FORMS } from '../../kernel/events/guide-fact.ts';
import { LICENSE_ACTIONS, type LicenseAction } from '../../kernel/license-acts.ts';
import { isOfEveryType, situationLabel } from '../../kernel/license-type/situation.ts';
import { Refusal, type RefusalCode } from '../../kernel/refusal.ts';
import { describeTextProblem, findTextProblem } from '../../kernel/text.ts';

/** Maximum of entries in each list of a guide. */
export const MAX_ENTRIES = {
  situations: LICENSE_ACTIONS.length,
  conditions: 50,
  steps: 30,
  materials: 60,
  fees: 20,
  counters: 50,
} as const;
/** Maximum of characters of a key, a name, a sentence. */
const MAX_KEY_CHARS = 40;
const MAX_NAME_CHARS = 100;
const MAX_TEXT_CHARS = 500;
const MAX_DAYS = 1000;
const MAX_COPIES = 100;
const MAX_FEN = 1_000_000_000;

/** Schema of one line of text, trimmed and not empty. */
const textLine = (maxChars: number) => z.string().trim().min(1).max(maxChars).superRefine(requireLegible);

/** What is too long is refused by `max`, in the words of every list and text of a guide. */
function requireLegible(text: string, context: z.RefinementCtx): void {
  const problem = findTextProblem(text, { form: 'LINE', maxChars: Number.POSITIVE_INFINITY });
  if (problem) context.addIssue({ code: 'custom', message: describeTextProblem(problem) });
}

export const key = () => textLine(MAX_KEY_CHARS);
export const name = () => textLine(MAX_NAME_CHARS);
export const sentence = () => textLine(MAX_TEXT_CHARS);
export const day = () => daySchema;
/** A limit in working days (工作日). */
export const limit = () => z.int().positive().max(MAX_DAYS);
export const copies = () => z.int().nonnegative().max(MAX_COPIES);
export const fen = () => z.int().nonnegative().max(MAX_FEN);

const counter = z.strictObject({ name: name(), address: sentence(), hours: sentence(), phone: name() });
export const counters = () => z.array(counter).max(MAX_ENTRIES.counters);

/** A service guide (办事指南) as it is written and published: one per matter, for the whole city. */
export const guideSchema = z.strictObject({
  matterId: key(),
  validFrom: day(),
  /** Whether it is an invented sample (示例) rather than a published guide; `note` then says so. */
  sample: z.boolean().default(false),
  note: sentence().nullable().default(null),
  /**
   * The situations (办理情形) for which it takes applications, of those that the matter offers. Absent: all of them. An
   * absent member leaves the digest of earlier guides as it is.
   */
  situations: z.array(z.enum(LICENSE_ACTIONS)).min(1).max(MAX_ENTRIES.situations).optional(),
  /** Conditions of acceptance (受理条件). */
  conditions: z.array(sentence()).max(MAX_ENTRIES.conditions),
  steps: z
    .array(z.strictObject({ name: name(), what: sentence(), limitDays: limit().nullable().default(null) }))
    .max(MAX_ENTRIES.steps),
  materials: z
    .array(
      z.strictObject({
        /** Stable within the guide, for instance `M01`. */
        code: key(),
        name: name(),
        form: z.enum(MATERIAL_FORMS),
        copies: copies(),
        required: z.boolean(),
        basis: sentence().nullable().default(null),
        /** Type code of an electronic license that may replace it (免提交). */
        licenseType: z.string().length(21).nullable().default(null),
        /** Formats of a file. Absent: the common ones, and the digest of earlier guides stays as it is. */
        formats: z.array(z.enum(FILE_FORMATS)).min(1).max(FILE_FORMATS.length).optional(),
        /** The situations that it is for. Absent: all, and the digest of earlier guides stays as it is. */
        situations: z.array(z.enum(LICENSE_ACTIONS)).min(1).max(MAX_ENTRIES.situations).optional(),
      }),
    )
    .max(MAX_ENTRIES.materials),
  /** Fees (收费) in fen; none without a basis. */
  fees: z.array(z.strictObject({ name: name(), amountFen: fen(), basis: sentence() })).max(MAX_ENTRIES.fees),
  /** Statutory limit (法定时限) and its basis, promised limit (承诺时限): working days from acceptance. */
  statutoryDays: limit().nullable().default(null),
  statutoryBasis: sentence().nullable().default(null),
  promisedDays: limit().nullable().default(null),
  counters: counters(),
});
export type Guide = z.infer<typeof guideSchema>;

/** A problem in a file, and its place: a path, or a line of a table. */
export interface Problem {
  place: string;
  message: string;
}

/** Refusal of a guide or overlay, with every problem. */
export class GuideRefusal extends Refusal {
  readonly problems: readonly Problem[];

  constructor(code: RefusalCode, problems: readonly Problem[], detail?: string) {
    super(code, 'text', detail);
    this.problems = problems;
  }
}

/** Lists the problems of a well-formed guide: duplicate entries, limits that contradict each other. */
export function listInconsistencies(guide: Guide): Problem[] {
  const problems = [
    ...listDuplicates('situations', guide.situations ?? []),
    ...listDuplicates('conditions', guide.conditions),
    ...listDuplicates(
      'steps',
      guide.steps.map((entry) => entry.name),
    ),
    ...listDuplicates(
      'materials',
      guide.materials.map((entry) => entry.code),
    ),
    ...guide.materials.flatMap(({ formats = [] }, i) => listDuplicates(`materials[${i}].formats`, formats)),
    ...listSituationProblems(guide),
    ...listDuplicates(
      'fees',
      guide.fees.map((entry) => entry.name),
    ),
    ...listDuplicates(
      'counters',
      guide.counters.map((entry) => entry.name),
    ),
    ...listLimitProblems(guide),
  ];
  if (guide.statutoryDays !== null && guide.statutoryBasis === null)
    problems.push({ place: 'statutoryBasis', message: '法定时限须写明依据' });
  if (guide.sample && guide.note === null) problems.push({ place: 'note', message: '示例须在说明中写明是示例' });
  return problems;
}

/** Lists the situations of materials that occur twice, or that the guide takes no applications for. */
function listSituationProblems(guide: Guide): Problem[] {
  const isTaken = (act: LicenseAction) => guide.situations?.includes(act) !== false || isOfEveryType(act);
  return guide.materials.flatMap(({ situations = [] }, i) => [
    ...listDuplicates(`materials[${i}].situations`, situations),
    ...situations.flatMap((act, j) =>
      isTaken(act)
        ? []
        : [{ place: `materials[${i}].situations[${j}]`, message: `指南不办理“${situationLabel(act)}”` }],
    ),
  ]);
}

/** Lists the entries of a list whose key occurs earlier in it. */
export function listDuplicates(list: string, keys: readonly string[]): Problem[] {
  return keys.flatMap((entry, i) =>
    keys.indexOf(entry) < i ? [{ place: `${list}[${i}]`, message: `“${entry}”重复` }] : [],
  );
}

/** Lists a promised limit that is longer than the statutory one. */
export function listLimitProblems({ statutoryDays, promisedDays }: Guide): Problem[] {
  if (statutoryDays === null || promisedDays === null || promisedDays <= statutoryDays) return [];
  return [
    { place: 'promisedDays', message: `承诺时限 ${promisedDays} 个工作日长于法定时限 ${statutoryDays} 个工作日` },
  ];
}
