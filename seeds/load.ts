import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { daySchema } from '../subgraphs/kernel/day-schema.ts';
import { MODES, type OrganFact, OUTCOME_KINDS } from '../subgraphs/kernel/events/events.ts';
import { isUscc } from '../subgraphs/kernel/identity/uscc.ts';
import { LICENSE_ACTIONS } from '../subgraphs/kernel/license-acts.ts';
import { type LicenseType, licenseTypeFile, listTypeProblems } from '../subgraphs/kernel/license-type/type.ts';
import { parseGuide, parseOverlay } from '../subgraphs/matters/guide/file.ts';
import type { Guide } from '../subgraphs/matters/guide/guide.ts';
import type { Overlay } from '../subgraphs/matters/guide/overlay.ts';
import type { LegalBasis, MatterRow } from '../subgraphs/matters/matter.ts';
import { DIFFERENCE_FIELDS, type Task } from '../subgraphs/matters/task/task.ts';

/** Reads the checked-in lists. An error names the line that does not match its schema, and nothing is loaded. */

const emptyToNull = (text: string) => (text === '' ? null : text);
const optional = z.string().transform(emptyToNull);
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
  printed_name: z.string(),
  name: z.string().min(1),
  level: z.enum(['CITY', 'COUNTY']),
  division_code: z.string().regex(/^\d{6}$/),
  uscc: z.string().refine(isUscc, 'not a USCC with a good check character'),
  document_mark: optional,
});

/** Columns that every list taken from the plan has: corrections, printed texts and flags. */
const corrections = json(
  z.array(z.object({ field: z.string(), printed: z.string(), corrected: z.string(), reason: z.string().min(1) })),
);
const printed = json(z.array(z.object({ column: z.string(), text: z.string() })));
const flags = json(z.array(z.string()));

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
  valid_from: optional.pipe(daySchema.nullable()),
  license_action: optional.pipe(z.enum(LICENSE_ACTIONS).nullable()),
  outcome_kind: z.enum(OUTCOME_KINDS),
  outcome_name: z.string().min(1),
  license_type: optional.pipe(z.string().length(21).nullable()),
  validity_months: optional
    .transform((text) => (text === null ? null : Number(text)))
    .pipe(z.int().positive().nullable()),
  printed,
  corrections,
  flags,
});

const day = daySchema;

/** A line of the legal bases. Its key is the matter and the first day. */
const basisLine = z
  .object({
    matter: z.string().min(1),
    text: z.string().min(1).max(300),
    source: z.string().min(1).max(100),
    sample: z.stringbool(),
    valid_from: optional.pipe(daySchema.nullable()),
    valid_to: optional.pipe(daySchema.nullable()),
  })
  .transform(({ sample: isSample, valid_from: validFrom, valid_to: validTo, ...line }) => ({
    ...line,
    id: `${line.matter} ${validFrom}`,
    isSample,
    validFrom,
    validTo,
  }));
const level = z.enum(['CITY', 'COUNTY']).nullable();

const taskLine = z.object({
  number: z.coerce.number().int().positive(),
  measure: z.coerce.number().int().positive(),
  name: z.string().min(1),
  content: z.string().min(1),
  leads: json(z.array(z.string())),
  responsible: json(z.array(z.string())),
  others_too: z.stringbool(),
  deadline: z.string().min(1),
  due_on: optional.pipe(day.nullable()),
  recurring: z.stringbool(),
  supervisor_level: optional.pipe(level),
  printed,
  corrections,
  flags,
  body: json(
    z.object({
      clause: z.string(),
      text: z.string(),
      leads: z.array(z.string()),
      responsible: z.array(z.string()),
      othersToo: z.boolean(),
      deadline: z.string(),
      dueOn: day.nullable(),
      recurring: z.boolean(),
      supervisorLevel: level,
    }),
  ),
  differences: json(
    z.array(
      z.object({
        field: z.enum(DIFFERENCE_FIELDS),
        annex: z.string(),
        body: z.string(),
        sentence: z.string().min(1),
      }),
    ),
  ),
});

function readFile(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}

function readLines<Schema extends z.ZodType<{ id: string } | { number: number }>>(
  list: string,
  csv: string,
  schema: Schema,
) {
  const lines: { record: unknown; info: { lines: number } }[] = parse(csv, { columns: true, bom: true, info: true });
  const seenKeys = new Set<string | number>();
  return lines.map(({ record, info }): z.infer<Schema> => {
    const result = schema.safeParse(record);
    if (!result.success) throw new Error(`${list}, line ${info.lines}: ${z.prettifyError(result.error)}`);
    const key = 'id' in result.data ? result.data.id : result.data.number;
    if (seenKeys.has(key)) throw new Error(`${list}, line ${info.lines}: ${key} stands twice`);
    seenKeys.add(key);
    return result.data;
  });
}

/** Returns the organs of the plan and one organ of another county. Throws an Error that names an invalid line. */
export function readOrgans(csv: string = readFile('organs.csv')): OrganFact[] {
  return readLines('organs', csv, organLine).map(({ division_code, document_mark, printed_name: _, ...rest }) => ({
    ...rest,
    divisionCode: division_code,
    documentMark: document_mark,
  }));
}

/** Returns the 108 matters of the plan. Throws an Error that names an invalid line. */
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

/** Returns the legal bases (设定依据) by matter, each oldest first. Throws an Error that names an invalid line. */
export function readLegalBases(csv: string = readFile('legal-bases.csv')): Map<string, LegalBasis[]> {
  const lines = readLines('legal bases', csv, basisLine);
  const ofMatter = ({ matter: _matter, id: _, ...basis }: (typeof lines)[number]): LegalBasis => basis;
  const byMatter = [...Map.groupBy(lines, ({ matter }) => matter)];
  return new Map(byMatter.map(([matter, own]) => [matter, own.map(ofMatter)]));
}

/**
 * Returns the sample guides (`<matter>.json`) and the county overlays (`<matter>.<division>.json`).
 * Throws a GuideRefusal if a file is invalid.
 */
export function readGuides(): { guides: Guide[]; overlays: Overlay[] } {
  const files = readdirSync(new URL('guides', import.meta.url)).sort();
  const readGuideFile = (file: string) => readFile(`guides/${file}`);
  const isOverlay = (file: string) => /\.\d{6}\.json$/.test(file);
  return {
    guides: files.filter((file) => !isOverlay(file)).map((file) => parseGuide('JSON', readGuideFile(file))),
    overlays: files.filter(isOverlay).map((file) => parseOverlay('JSON', readGuideFile(file))),
  };
}

/** Returns the license types (`<code>.json`). Throws an Error that names an invalid file. */
export function readLicenseTypes(): LicenseType[] {
  return readdirSync(new URL('license-types', import.meta.url))
    .sort()
    .map((file) => {
      const result = licenseTypeFile.safeParse(JSON.parse(readFile(`license-types/${file}`)));
      if (!result.success) throw new Error(`${file}: ${z.prettifyError(result.error)}`);
      const [problem] = listTypeProblems(result.data);
      if (problem) throw new Error(`${file}: ${problem.place} ${problem.message}`);
      if (file !== `${result.data.code}.json`) throw new Error(`${file}: holds ${result.data.code}`);
      return result.data;
    });
}

/**
 * Returns the ids of the organs that the plan gives tasks (附件4) and no matter. They report their progress here, and
 * need neither seal nor blanks.
 */
export function listReportingOrgans(tasks: readonly Task[], matters: readonly MatterRow[]): Set<string> {
  const withMatters = new Set(
    matters.flatMap((matter) => [matter.cityOrgan, matter.countyOrgan, matter.cityIndustry, matter.countyIndustry]),
  );
  const named = tasks.flatMap(({ leads, responsible }) => [...leads, ...responsible]).map(({ organ }) => organ);
  return new Set(named.filter((organ) => organ !== null).filter((organ) => !withMatters.has(organ)));
}

/** Returns the 12 tasks of the plan's annex 4. Throws an Error that names an invalid line. */
export function readTasks(csv: string = readFile('tasks.csv')): Task[] {
  const organs = readLines('organs', readFile('organs.csv'), organLine);
  // The plan prints one organ under two names (县委编办、县编办).
  const organIdByPrintedName = new Map(
    organs.flatMap(({ id, printed_name }) => printed_name.split(' ').map((name) => [name, id] as const)),
  );
  const toNamedOrgans = (names: readonly string[]) =>
    names.map((name) => ({ printed: name, organ: organIdByPrintedName.get(name) ?? null }));
  return readLines('tasks', csv, taskLine).map(({ others_too, deadline, due_on, supervisor_level, body, ...line }) => ({
    ...line,
    leads: toNamedOrgans(line.leads),
    responsible: toNamedOrgans(line.responsible),
    othersToo: others_too,
    deadlinePrinted: deadline,
    dueOn: due_on,
    supervisorLevel: supervisor_level,
    body: {
      clause: body.clause,
      text: body.text,
      leads: toNamedOrgans(body.leads),
      responsible: toNamedOrgans(body.responsible),
      othersToo: body.othersToo,
      deadlinePrinted: body.deadline,
      dueOn: body.dueOn,
      recurring: body.recurring,
      supervisorLevel: body.supervisorLevel,
    },
  }));
}
