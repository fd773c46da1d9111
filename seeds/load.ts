import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { LICENSE_ACTIONS, MODES, type OrganFact, OUTCOME_KINDS } from '../subgraphs/kernel/events.ts';
import { isUscc } from '../subgraphs/kernel/identifier.ts';
import { readGuide, readOverlay } from '../subgraphs/matters/guide/file.ts';
import type { Guide } from '../subgraphs/matters/guide/guide.ts';
import type { Overlay } from '../subgraphs/matters/guide/overlay.ts';
import type { MatterRow } from '../subgraphs/matters/matter.ts';

/** Reads the checked-in lists; a line that does not fit is named, and nothing is loaded. */

const orNull = (text: string) => (text === '' ? null : text);
const optional = z.string().transform(orNull);
const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue('not JSON');
        return z.NEVER;
      }
    })
    .pipe(schema);

const organLine = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  level: z.enum(['CITY', 'COUNTY']),
  division_code: z.string().regex(/^\d{6}$/),
  uscc: z.string().refine(isUscc, 'not a USCC with a good check character'),
});

const matterLine = z.object({
  id: z.string().min(1),
  annex: z.coerce.number().int(),
  row: z.coerce.number().int(),
  main_item: z.string().min(1),
  sub_item: optional,
  power_type: z.enum(['LICENSE', 'CONFIRMATION', 'FILING', 'OTHER']),
  city_organ: z.string().min(1),
  county_organ: z.string().min(1),
  city_industry: optional,
  county_industry: optional,
  mode: z.enum(MODES),
  valid_from: optional.pipe(z.iso.date().nullable()),
  license_action: optional.pipe(z.enum(LICENSE_ACTIONS).nullable()),
  outcome_kind: z.enum(OUTCOME_KINDS),
  outcome_name: z.string().min(1),
  license_type: optional.pipe(z.string().length(21).nullable()),
  validity_months: optional
    .transform((text) => (text === null ? null : Number(text)))
    .pipe(z.int().positive().nullable()),
  printed: json(z.array(z.object({ column: z.string(), text: z.string() }))),
  corrections: json(
    z.array(z.object({ field: z.string(), printed: z.string(), corrected: z.string(), reason: z.string().min(1) })),
  ),
  flags: json(z.array(z.string())),
});

function readFile(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}

function readLines<Schema extends z.ZodType<{ id: string }>>(list: string, csv: string, schema: Schema) {
  const lines: { record: unknown; info: { lines: number } }[] = parse(csv, { columns: true, bom: true, info: true });
  const seen = new Set<string>();
  return lines.map(({ record, info }): z.infer<Schema> => {
    const read = schema.safeParse(record);
    if (!read.success) throw new Error(`${list}, line ${info.lines}: ${z.prettifyError(read.error)}`);
    if (seen.has(read.data.id)) throw new Error(`${list}, line ${info.lines}: ${read.data.id} stands twice`);
    seen.add(read.data.id);
    return read.data;
  });
}

/** The organs of the plan, and one of another county. Throws an Error that names the line where one does not fit. */
export function readOrgans(csv: string = readFile('organs.csv')): OrganFact[] {
  return readLines('organs', csv, organLine).map(({ division_code, ...rest }) => ({
    ...rest,
    divisionCode: division_code,
  }));
}

/** The 108 matters of the plan. Throws an Error that names the line where one does not fit. */
export function readMatters(csv: string = readFile('matters.csv')): MatterRow[] {
  return readLines('matters', csv, matterLine).map((line) => ({
    id: line.id,
    annex: line.annex,
    row: line.row,
    mainItem: line.main_item,
    subItem: line.sub_item,
    powerType: line.power_type,
    cityOrgan: line.city_organ,
    countyOrgan: line.county_organ,
    cityIndustry: line.city_industry,
    countyIndustry: line.county_industry,
    mode: line.mode,
    validFrom: line.valid_from,
    licenseAction: line.license_action,
    outcome: {
      kind: line.outcome_kind,
      name: line.outcome_name,
      licenseType: line.license_type,
      validityMonths: line.validity_months,
    },
    printed: line.printed,
    corrections: line.corrections,
    flags: line.flags,
  }));
}

/** The sample guides, `<matter>.json`, and county overlays, `<matter>.<division>.json`. Throws a GuideRefusal where one does not fit. */
export function readGuides(): { guides: Guide[]; overlays: Overlay[] } {
  const files = readdirSync(new URL('guides', import.meta.url)).sort();
  const read = (file: string) => readFile(`guides/${file}`);
  const isOverlay = (file: string) => /\.\d{6}\.json$/.test(file);
  return {
    guides: files.filter((file) => !isOverlay(file)).map((file) => readGuide('JSON', read(file))),
    overlays: files.filter(isOverlay).map((file) => readOverlay('JSON', read(file))),
  };
}
