import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { LICENSE_ACTIONS, MODES, type OrganFact, OUTCOME_KINDS } from '../subgraphs/kernel/events.ts';
import { isUscc } from '../subgraphs/kernel/identifier.ts';
import type { MatterRow } from '../subgraphs/matters/matter.ts';

/** Reads the checked-in lists; a line that does not fit is named, and nothing is loaded. */

const orNull = (text: string) => (text === '' ? null : text);
const optional = z.string().transform(orNull);
const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text) => JSON.parse(text) as unknown)
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
  validity_months: optional.transform((text) => (text === null ? null : Number(text))).pipe(z.int().positive().nullable()),
  printed: json(z.array(z.object({ column: z.string(), text: z.string() }))),
  corrections: json(
    z.array(z.object({ field: z.string(), printed: z.string(), corrected: z.string(), reason: z.string().min(1) })),
  ),
  flags: json(z.array(z.string())),
});

function readLines<Schema extends z.ZodType>(file: string, schema: Schema): z.infer<Schema>[] {
  const lines: unknown[] = parse(readFileSync(new URL(file, import.meta.url)), { columns: true, bom: true });
  return lines.map((line, i) => {
    const read = schema.safeParse(line);
    if (!read.success) throw new Error(`${file}, record ${i + 1}: ${z.prettifyError(read.error)}`);
    return read.data;
  });
}

/** The organs of the plan, and one of another county. */
export function readOrgans(): OrganFact[] {
  return readLines('organs.csv', organLine).map(({ division_code, ...rest }) => ({
    ...rest,
    divisionCode: division_code,
  }));
}

/** The 108 matters of the plan. */
export function readMatters(): MatterRow[] {
  return readLines('matters.csv', matterLine).map((line) => ({
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
