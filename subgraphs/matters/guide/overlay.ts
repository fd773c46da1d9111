import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type Difference, differences, titles } from './difference.ts';
import {
  copies,
  counters,
  day,
  ENTRIES_MOST,
  fen,
  type Guide,
  GuideRefusal,
  key,
  limit,
  limitsApart,
  name,
  type Problem,
  sentence,
  twice,
} from './guide.ts';

/**
 * A county's differences from the city's guide (县级差异). It holds only these, never a whole guide, so that copying cannot
 * drop or add anything. What it does not mention stays as in the city's guide.
 */
export const overlaySchema = z.strictObject({
  matterId: key(),
  /** The version of the city's guide that it was written against. */
  version: z.int().positive(),
  divisionCode: z.string().regex(/^\d{6}$/, '须为六位行政区划代码'),
  validFrom: day(),
  sample: z.boolean().default(false),
  note: sentence().nullable().default(null),
  /** Codes of materials, names of steps. */
  removeMaterials: z.array(key()).max(ENTRIES_MOST.materials).default([]),
  removeSteps: z.array(name()).max(ENTRIES_MOST.steps).default([]),
  materials: z
    .array(z.strictObject({ code: key(), required: z.boolean().optional(), copies: copies().optional() }))
    .max(ENTRIES_MOST.materials)
    .default([]),
  steps: z
    .array(z.strictObject({ name: name(), limitDays: limit() }))
    .max(ENTRIES_MOST.steps)
    .default([]),
  fees: z
    .array(z.strictObject({ name: name(), amountFen: fen() }))
    .max(ENTRIES_MOST.fees)
    .default([]),
  statutoryDays: limit().optional(),
  promisedDays: limit().optional(),
  /** Counters in addition to the city's. */
  counters: counters().default([]),
});
export type Overlay = z.infer<typeof overlaySchema>;

/**
 * Applies an overlay to a guide. Returns the result with every difference, without checking whether they are allowed.
 */
export function judge(guide: Guide, overlay: Overlay): { guide: Guide; differences: Difference[] } {
  const merged = merge(guide, overlay);
  return { guide: merged, differences: [...additions(guide, overlay), ...differences(guide, merged)] };
}

function merge(guide: Guide, overlay: Overlay): Guide {
  const material = new Map(overlay.materials.map((one) => [one.code, one]));
  const step = new Map(overlay.steps.map((one) => [one.name, one]));
  const fee = new Map(overlay.fees.map((one) => [one.name, one]));
  return {
    ...guide,
    sample: guide.sample || overlay.sample,
    note: [guide.note, overlay.note].filter((one) => one !== null).join(' ') || null,
    steps: guide.steps
      .filter((one) => !overlay.removeSteps.includes(one.name))
      .map((one) => ({ ...one, ...step.get(one.name) })),
    materials: guide.materials
      .filter((one) => !overlay.removeMaterials.includes(one.code))
      .map((one) => {
        const { required = one.required, copies = one.copies } = material.get(one.code) ?? {};
        return { ...one, required, copies };
      }),
    fees: guide.fees.map((one) => ({ ...one, ...fee.get(one.name) })),
    statutoryDays: overlay.statutoryDays ?? guide.statutoryDays,
    promisedDays: overlay.promisedDays ?? guide.promisedDays,
    counters: [...guide.counters, ...overlay.counters],
  };
}

/** Lists what the overlay names and the city's guide does not have. A county cannot add it. */
function additions(guide: Guide, overlay: Overlay): Difference[] {
  const steps = new Set(guide.steps.map((one) => one.name));
  const materials = new Set(guide.materials.map((one) => one.code));
  const fees = new Set(guide.fees.map((one) => one.name));
  const added = (part: Difference['part'], title: string): Difference => ({
    part,
    change: 'ADDED',
    text: `${title}：市级指南没有，属新增`,
    widens: true,
  });
  return [
    ...overlay.steps.filter((one) => !steps.has(one.name)).map((one) => added('STEP', titles.step(one))),
    ...overlay.materials
      .filter((one) => !materials.has(one.code))
      .map((one) => added('MATERIAL', titles.material(one))),
    ...overlay.fees.filter((one) => !fees.has(one.name)).map((one) => added('FEE', titles.fee(one))),
  ];
}

/**
 * Applies an overlay to the city's guide. Returns the county's guide and its differences. Refuses only
 * GUIDE_OVERLAY_WIDENS, naming every difference that adds or lengthens.
 */
export function applyOverlay(guide: Guide, overlay: Overlay): { guide: Guide; differences: Difference[] } {
  const judged = judge(guide, overlay);
  const wider = judged.differences.filter((one) => one.widens).map((one) => one.text);
  if (wider.length > 0) {
    const problems = wider.map((message) => ({ place: '', message }));
    throw new GuideRefusal('GUIDE_OVERLAY_WIDENS', problems, wider.join('；'));
  }
  return judged;
}

/** Lists the parts of an overlay that do not apply to this guide, or that contradict each other. */
export function misfits(guide: Guide, overlay: Overlay): Problem[] {
  const known = {
    removeMaterials: guide.materials.map((one) => one.code),
    removeSteps: guide.steps.map((one) => one.name),
  };
  const unknown = (list: keyof typeof known) =>
    overlay[list].flatMap((one, i) =>
      known[list].includes(one) ? [] : [{ place: `${list}[${i}]`, message: `市级指南没有“${one}”` }],
    );
  const materials = overlay.materials.map((one) => one.code);
  const steps = overlay.steps.map((one) => one.name);
  const merged = merge(guide, overlay);
  return [
    ...unknown('removeMaterials'),
    ...unknown('removeSteps'),
    ...twice('removeMaterials', overlay.removeMaterials),
    ...twice('removeSteps', overlay.removeSteps),
    ...bothWays('materials', materials, overlay.removeMaterials),
    ...bothWays('steps', steps, overlay.removeSteps),
    ...twice('materials', materials),
    ...twice('steps', steps),
    ...twice(
      'fees',
      overlay.fees.map((one) => one.name),
    ),
    ...overlay.counters.flatMap((one, i) =>
      merged.counters.filter(({ name }) => name === one.name).length > 1
        ? [{ place: `counters[${i}]`, message: `“${one.name}”重复` }]
        : [],
    ),
    ...limitsApart(merged),
  ];
}

function bothWays(list: string, changed: readonly string[], removed: readonly string[]): Problem[] {
  return changed.flatMap((one, i) =>
    removed.includes(one) ? [{ place: `${list}[${i}]`, message: `“${one}”既取消又调整` }] : [],
  );
}

/**
 * Lists why an overlay on `oldGuide` cannot be carried over to `newGuide`, the city's next version. Returns [] if it
 * can.
 *
 * An overlay is carried over only whole, and only if everything it touches is unchanged in the new version. The county
 * eased what the city required then, which says nothing about what the city requires now. A limit only has to be still
 * the shorter one.
 */
export function hindrances(before: Guide, after: Guide, overlay: Overlay): string[] {
  const apart = <Entry>(
    [then, now]: readonly [readonly Entry[], readonly Entry[]],
    title: (entry: Entry) => string,
    touched: ReadonlySet<string>,
  ) =>
    then.flatMap((one) => {
      if (!touched.has(title(one))) return [];
      const same = now.some((other) => isDeepStrictEqual(one, other));
      return same ? [] : [`${title(one)}：市级新版本已取消或改动`];
    });
  const named = (codes: readonly string[]) => codes.map((code) => ({ code }));
  const called = (names: readonly string[]) => names.map((one) => ({ name: one }));
  const { removeMaterials, removeSteps, materials, steps, fees } = overlay;
  return [
    ...apart(
      [before.materials, after.materials],
      titles.material,
      new Set([...named(removeMaterials), ...materials].map(titles.material)),
    ),
    ...apart([before.steps, after.steps], titles.step, new Set([...called(removeSteps), ...steps].map(titles.step))),
    ...apart([before.fees, after.fees], titles.fee, new Set(fees.map(titles.fee))),
    ...differencesOfLimits(after, overlay),
    ...misfits(after, overlay)
      .filter((one) => one.place === 'promisedDays' || one.place.startsWith('counters'))
      .map((one) => one.message),
  ];
}

function differencesOfLimits(after: Guide, overlay: Overlay): string[] {
  return judge(after, overlay)
    .differences.filter((one) => one.part === 'LIMIT' && one.widens)
    .map((one) => one.text);
}
