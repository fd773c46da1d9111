import { z } from 'zod';
import { MATERIAL_FORMS } from '../../kernel/events.ts';
import { Refusal, type RefusalCode } from '../../kernel/refusal.ts';

/** Maximum of entries in each list of a guide. */
export const ENTRIES_MOST = { conditions: 50, steps: 30, materials: 60, fees: 20, counters: 50 } as const;
/** Maximum of characters of a key, a name, a sentence. */
const KEY_LENGTH = 40;
const NAME_LENGTH = 100;
const TEXT_LENGTH = 500;
const DAYS_MOST = 1000;
const COPIES_MOST = 100;
const FEN_MOST = 1_000_000_000;

/** Whether a text is one line: it has no control characters, and none that a database or a printed page cannot hold. */
export function isLine(text: string): boolean {
  return text.isWellFormed() && !/[\p{Cc}\u2028\u2029\ufffe\uffff]/u.test(text);
}

/** Schema of one line of text, trimmed and not empty. */
export const words = (most: number) => z.string().trim().min(1).max(most).refine(isLine, '不得含有控制字符');
export const key = () => words(KEY_LENGTH);
export const name = () => words(NAME_LENGTH);
export const sentence = () => words(TEXT_LENGTH);
export const day = () => z.iso.date();
/** A limit in working days (工作日). */
export const limit = () => z.int().positive().max(DAYS_MOST);
export const copies = () => z.int().nonnegative().max(COPIES_MOST);
export const fen = () => z.int().nonnegative().max(FEN_MOST);

const counter = z.strictObject({ name: name(), address: sentence(), hours: sentence(), phone: name() });
export const counters = () => z.array(counter).max(ENTRIES_MOST.counters);

/** A service guide (办事指南) as it is written and published: one per matter, for the whole city. */
export const guideSchema = z.strictObject({
  matterId: key(),
  validFrom: day(),
  /** Whether it is an invented sample (示例) rather than a published guide; `note` then says so. */
  sample: z.boolean().default(false),
  note: sentence().nullable().default(null),
  /** Conditions of acceptance (受理条件). */
  conditions: z.array(sentence()).max(ENTRIES_MOST.conditions),
  steps: z
    .array(z.strictObject({ name: name(), what: sentence(), limitDays: limit().nullable().default(null) }))
    .max(ENTRIES_MOST.steps),
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
      }),
    )
    .max(ENTRIES_MOST.materials),
  /** Fees (收费) in fen; none without a basis. */
  fees: z.array(z.strictObject({ name: name(), amountFen: fen(), basis: sentence() })).max(ENTRIES_MOST.fees),
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
export function inconsistencies(guide: Guide): Problem[] {
  const problems = [
    ...twice('conditions', guide.conditions),
    ...twice(
      'steps',
      guide.steps.map((one) => one.name),
    ),
    ...twice(
      'materials',
      guide.materials.map((one) => one.code),
    ),
    ...twice(
      'fees',
      guide.fees.map((one) => one.name),
    ),
    ...twice(
      'counters',
      guide.counters.map((one) => one.name),
    ),
    ...limitsApart(guide),
  ];
  if (guide.statutoryDays !== null && guide.statutoryBasis === null)
    problems.push({ place: 'statutoryBasis', message: '法定时限须写明依据' });
  if (guide.sample && guide.note === null) problems.push({ place: 'note', message: '示例须在说明中写明是示例' });
  return problems;
}

/** Lists the entries of a list whose key occurs earlier in it. */
export function twice(list: string, keys: readonly string[]): Problem[] {
  return keys.flatMap((one, i) => (keys.indexOf(one) < i ? [{ place: `${list}[${i}]`, message: `“${one}”重复` }] : []));
}

/** Lists a promised limit that is longer than the statutory one. */
export function limitsApart({ statutoryDays, promisedDays }: Guide): Problem[] {
  if (statutoryDays === null || promisedDays === null || promisedDays <= statutoryDays) return [];
  return [
    { place: 'promisedDays', message: `承诺时限 ${promisedDays} 个工作日长于法定时限 ${statutoryDays} 个工作日` },
  ];
}
