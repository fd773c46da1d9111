import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type Difference, listDifferences, titles } from './difference.ts';
import {
  copies,
  counters,
  day,
  fen,
  type Guide,
  GuideRefusal,
  key,
  limit,
  listDuplicates,
  listLimitProblems,
  MAX_ENTRIES,
  name,
  type Problem,
  sentence,
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
  removeMaterials: z.array(key()).max(MAX_ENTRIES.materials).default([]),
  removeSteps: z.array(name()).max(MAX_ENTRIES.steps).default([]),
  materials: z
    .array(z.strictObject({ code: key(), required: z.boolean().optional(), copies: copies().optional() }))
    .max(MAX_ENTRIES.materials)
    .default([]),
  steps: z
    .array(z.strictObject({ name: name(), limitDays: limit() }))
    .max(MAX_ENTRIES.steps)
    .default([]),
  fees: z
    .array(z.strictObject({ name: name(), amountFen: fen() }))
    .max(MAX_ENTRIES.fees)
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
export function evaluateOverlay(guide: Guide, overlay: Overlay): { guide: Guide; differences: Difference[] } {
  const merged = mergeOverlay(guide, overlay);
  return { guide: merged, differences: [...listAdditions(guide, overlay), ...listDifferences(guide, merged)] };
}

function mergeOverlay(guide: Guide, overlay: Overlay): Guide {
  const materialChanges = new Map(overlay.materials.map((entry) => [entry.code, entry]));
  const stepChanges = new Map(overlay.steps.map((entry) => [entry.name, entry]));
  const feeChanges = new Map(overlay.fees.map((entry) => [entry.name, entry]));
  return {
    ...guide,
    sample: guide.sample || overlay.sample,
    note: [guide.note, overlay.note].filter((entry) => entry !== null).join(' ') || null,
    steps: guide.steps
      .filter((entry) => !overlay.removeSteps.includes(entry.name))
      .map((entry) => ({ ...entry, ...stepChanges.get(entry.name) })),
    materials: guide.materials
      .filter((entry) => !overlay.removeMaterials.includes(entry.code))
      .map((entry) => {
        const { required = entry.required, copies = entry.copies } = materialChanges.get(entry.code) ?? {};
        return { ...entry, required, copies };
      }),
    fees: guide.fees.map((entry) => ({ ...entry, ...feeChanges.get(entry.name) })),
    statutoryDays: overlay.statutoryDays ?? guide.statutoryDays,
    promisedDays: overlay.promisedDays ?? guide.promisedDays,
    counters: [...guide.counters, ...overlay.counters],
  };
}

/** Lists what the overlay names and the city's guide does not have. A county cannot add it. */
function listAdditions(guide: Guide, overlay: Overlay): Difference[] {
  const steps = new Set(guide.steps.map((entry) => entry.name));
  const materials = new Set(guide.materials.map((entry) => entry.code));
  const fees = new Set(guide.fees.map((entry) => entry.name));
  const buildAddition = (part: Difference['part'], title: string): Difference => ({
    part,
    change: 'ADDED',
    text: `${title}：市级指南没有，属新增`,
    widens: true,
  });
  return [
    ...overlay.steps
      .filter((entry) => !steps.has(entry.name))
      .map((entry) => buildAddition('STEP', titles.step(entry))),
    ...overlay.materials
      .filter((entry) => !materials.has(entry.code))
      .map((entry) => buildAddition('MATERIAL', titles.material(entry))),
    ...overlay.fees.filter((entry) => !fees.has(entry.name)).map((entry) => buildAddition('FEE', titles.fee(entry))),
  ];
}

/**
 * Applies an overlay to the city's guide. Returns the county's guide and its differences. Refuses only
 * GUIDE_OVERLAY_WIDENS, naming every difference that adds or lengthens.
 */
export function applyOverlay(guide: Guide, overlay: Overlay): { guide: Guide; differences: Difference[] } {
  const result = evaluateOverlay(guide, overlay);
  const widenings = result.differences.filter((entry) => entry.widens).map((entry) => entry.text);
  if (widenings.length > 0) {
    const problems = widenings.map((message) => ({ place: '', message }));
    throw new GuideRefusal('GUIDE_OVERLAY_WIDENS', problems, widenings.join('；'));
  }
  return result;
}

/** Lists the parts of an overlay that do not apply to this guide, or that contradict each other. */
export function listOverlayProblems(guide: Guide, overlay: Overlay): Problem[] {
  const cityEntries = {
    removeMaterials: guide.materials.map((entry) => entry.code),
    removeSteps: guide.steps.map((entry) => entry.name),
  };
  const listUnknown = (list: keyof typeof cityEntries) =>
    overlay[list].flatMap((entry, i) =>
      cityEntries[list].includes(entry) ? [] : [{ place: `${list}[${i}]`, message: `市级指南没有“${entry}”` }],
    );
  const materials = overlay.materials.map((entry) => entry.code);
  const steps = overlay.steps.map((entry) => entry.name);
  const merged = mergeOverlay(guide, overlay);
  return [
    ...listUnknown('removeMaterials'),
    ...listUnknown('removeSteps'),
    ...listDuplicates('removeMaterials', overlay.removeMaterials),
    ...listDuplicates('removeSteps', overlay.removeSteps),
    ...listContradictions('materials', materials, overlay.removeMaterials),
    ...listContradictions('steps', steps, overlay.removeSteps),
    ...listDuplicates('materials', materials),
    ...listDuplicates('steps', steps),
    ...listDuplicates(
      'fees',
      overlay.fees.map((entry) => entry.name),
    ),
    ...overlay.counters.flatMap((entry, i) =>
      merged.counters.filter(({ name }) => name === entry.name).length > 1
        ? [{ place: `counters[${i}]`, message: `“${entry.name}”重复` }]
        : [],
    ),
    ...listLimitProblems(merged),
  ];
}

function listContradictions(list: string, changedKeys: readonly string[], removedKeys: readonly string[]): Problem[] {
  return changedKeys.flatMap((entry, i) =>
    removedKeys.includes(entry) ? [{ place: `${list}[${i}]`, message: `“${entry}”既取消又调整` }] : [],
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
export function listCarryObstacles(oldGuide: Guide, newGuide: Guide, overlay: Overlay): string[] {
  const listChangedEntries = <Entry>(
    [oldEntries, newEntries]: readonly [readonly Entry[], readonly Entry[]],
    title: (entry: Entry) => string,
    touchedTitles: ReadonlySet<string>,
  ) =>
    oldEntries.flatMap((entry) => {
      if (!touchedTitles.has(title(entry))) return [];
      const isUnchanged = newEntries.some((other) => isDeepStrictEqual(entry, other));
      return isUnchanged ? [] : [`${title(entry)}：市级新版本已取消或改动`];
    });
  const toMaterials = (codes: readonly string[]) => codes.map((code) => ({ code }));
  const toSteps = (names: readonly string[]) => names.map((entry) => ({ name: entry }));
  const { removeMaterials, removeSteps, materials, steps, fees } = overlay;
  return [
    ...listChangedEntries(
      [oldGuide.materials, newGuide.materials],
      titles.material,
      new Set([...toMaterials(removeMaterials), ...materials].map(titles.material)),
    ),
    ...listChangedEntries(
      [oldGuide.steps, newGuide.steps],
      titles.step,
      new Set([...toSteps(removeSteps), ...steps].map(titles.step)),
    ),
    ...listChangedEntries([oldGuide.fees, newGuide.fees], titles.fee, new Set(fees.map(titles.fee))),
    ...listWiderLimits(newGuide, overlay),
    ...listOverlayProblems(newGuide, overlay)
      .filter((entry) => entry.place === 'promisedDays' || entry.place.startsWith('counters'))
      .map((entry) => entry.message),
  ];
}

function listWiderLimits(newGuide: Guide, overlay: Overlay): string[] {
  return evaluateOverlay(newGuide, overlay)
    .differences.filter((entry) => entry.part === 'LIMIT' && entry.widens)
    .map((entry) => entry.text);
}
