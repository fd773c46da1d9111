import type { Day } from '../../kernel/day.ts';
import {
  type FileFormat,
  type GuideFact,
  type GuideMaterialFact,
  listFileFormats,
} from '../../kernel/events/guide-fact.ts';
import { requireLicenseIdentifier } from '../../kernel/identifier.ts';
import { isHeldBy } from '../../kernel/identity/co-ownership.ts';
import type { LicenseState } from '../../kernel/license-acts.ts';
import { Refusal, type RefusalCode } from '../../kernel/refusal.ts';
import { RefusalCollector } from '../../kernel/refusals/collector.ts';
import { requireLine } from '../../kernel/text.ts';
import type { LicenseFact } from '../case.ts';
import { currentOn } from '../fact/license.ts';

/** Materials of an application (申请材料): how each is handed in, and whether it is what the guide asks for. */

/** UPLOAD 上传文件, LICENSE 引用电子证照（免提交）, PAPER 窗口收取或核验的纸质件. */
export const MATERIAL_KINDS = ['UPLOAD', 'LICENSE', 'PAPER'] as const;
export type MaterialKind = (typeof MATERIAL_KINDS)[number];

export const MAX_MATERIALS = 50;
const MAX_MATERIAL_CODE_CHARS = 60;
const MAX_COPIES = 99;
/** Most bytes of all files handed in with one case. */
export const MAX_CASE_BYTES = 200 * 1_048_576;

/** A material as somebody hands it in: exactly one of `upload`, `license`, `paper`. */
export interface SubmittedMaterial {
  /** The guide's code; without a guide the name of the material. */
  code: string;
  upload: string | null;
  /** Identifier of an electronic license. */
  license: string | null;
  paper: boolean;
  /** Copies of paper. Null means one. */
  copies: number | null;
}

/** A material that passed the form check. */
export type Material = { code: string; name: string; requirement: GuideMaterialFact | null } & (
  | { kind: 'UPLOAD'; upload: string }
  | { kind: 'LICENSE'; license: string }
  | { kind: 'PAPER'; copies: number }
);

/**
 * Checks the form (形式审查) of materials against the guide, if there is one.
 *
 * @param atCounter whether a window clerk hands them in, who sees the papers and the applicant in person
 *
 * Refuses MATERIAL_UNKNOWN, MATERIAL_TWICE, MATERIAL_SOURCE, MATERIAL_FORM, MATERIAL_COPIES, FIELD_TOO_LONG,
 * FIELD_MALFORMED.
 */
export function requireMaterials(
  guide: GuideFact | null,
  submitted: readonly SubmittedMaterial[],
  atCounter: boolean,
): Material[] {
  const faults = new RefusalCollector();
  const materials = checkMaterials(guide, submitted, atCounter, faults);
  faults.settle();
  return materials.filter((material) => material !== null);
}

/** Like `requireMaterials`, but writes what it refuses to `faults`. A material that it refuses is null. */
export function checkMaterials(
  guide: GuideFact | null,
  submitted: readonly SubmittedMaterial[],
  atCounter: boolean,
  faults: RefusalCollector,
): (Material | null)[] {
  if (submitted.length > MAX_MATERIALS) {
    faults.add(new Refusal('FIELD_TOO_LONG', 'materials', `最多 ${MAX_MATERIALS} 项`));
    return [];
  }
  const seen = new Set<string>();
  return submitted.map((input, i) =>
    faults.check(() => {
      const material = requireMaterial(guide, input, atCounter, `materials[${i}]`);
      if (seen.has(input.code)) throw new Refusal('MATERIAL_TWICE', `materials[${i}].code`, material.name);
      seen.add(input.code);
      return material;
    }, null),
  );
}

/** Refuses MATERIALS_MISSING with the names of all required materials that `codes` lack. */
export function requireAllMaterials(guide: GuideFact, codes: readonly string[]): void {
  const missing = guide.materials.filter(({ required, code }) => required && !codes.includes(code));
  if (missing.length > 0) {
    throw new Refusal('MATERIALS_MISSING', 'materials', missing.map(({ name }) => name).join('、'));
  }
}

function requireMaterial(
  guide: GuideFact | null,
  submitted: SubmittedMaterial,
  atCounter: boolean,
  place: string,
): Material {
  const { code, upload, license, paper, copies } = submitted;
  requireLine(code, MAX_MATERIAL_CODE_CHARS, `${place}.code`);
  const requirement = guide?.materials.find((candidate) => candidate.code === code) ?? null;
  if (guide && !requirement) throw new Refusal('MATERIAL_UNKNOWN', `${place}.code`, code);
  const name = requirement?.name ?? code;
  const sources = [upload !== null, license !== null, paper].filter(Boolean).length;
  if (sources !== 1) throw new Refusal('MATERIAL_SOURCE', place, name);
  if (copies !== null && !(paper && copies >= 1 && copies <= MAX_COPIES)) {
    throw new Refusal('FIELD_MALFORMED', `${place}.copies`);
  }
  const base = { code, name, requirement };
  if (paper) {
    const paperCopies = copies ?? 1;
    if (!atCounter || requirement?.form === 'ELECTRONIC') throw wrongForm(name, requirement, place);
    if (requirement && paperCopies < requirement.copies) {
      throw new Refusal('MATERIAL_COPIES', `${place}.copies`, `${name}须 ${requirement.copies} 份`);
    }
    return { ...base, kind: 'PAPER', copies: paperCopies };
  }
  if (license !== null) {
    requireLicenseIdentifier(license, `${place}.license`);
    if (requirement && requirement.licenseType === null) throw wrongForm(name, requirement, place);
    return { ...base, kind: 'LICENSE', license };
  }
  // An original cannot be sent as a file. An original that is only shown can, as the scan of the clerk who saw it.
  if (requirement?.form === 'ORIGINAL' || (requirement?.form === 'ORIGINAL_SEEN' && !atCounter))
    throw wrongForm(name, requirement, place);
  return { ...base, kind: 'UPLOAD', upload: upload ?? '' };
}

/** Refuses MATERIAL_FORMAT if the file of a material has a format that the guide does not take. */
export function requireFormat(material: Material, format: FileFormat, field: string): void {
  const formats = listFileFormats(material.requirement);
  if (!formats.includes(format)) {
    throw new Refusal('MATERIAL_FORMAT', field, `${material.name}接受 ${formats.join('、')}`);
  }
}

/** Names of the forms in which a material is handed in. */
const FORM_NAMES = {
  ORIGINAL: '须提交原件',
  COPY: '须提交复印件',
  ORIGINAL_SEEN: '须在窗口出示原件核验',
  ELECTRONIC: '须提交电子件',
} as const satisfies Record<GuideMaterialFact['form'], string>;

function wrongForm(name: string, requirement: GuideMaterialFact | null, place: string): Refusal {
  const detail = requirement ? `${name}${FORM_NAMES[requirement.form]}` : `${name}的纸质件须在窗口提交`;
  return new Refusal('MATERIAL_FORM', place, detail);
}

/** The result of the immediate check of a license that replaces a material (免提交). */
export interface LicenseCheck {
  identifier: string;
  version: number;
  state: LicenseState;
}

/**
 * Returns why a license cannot replace a material today, or null if it can.
 * It must be known, the applicant's own, VALID and within its validity, and the current version.
 */
export function licenseFault(
  fact: LicenseFact | null,
  { identifier, applicantCode, today }: { identifier: string; applicantCode: string; today: Day },
): Extract<RefusalCode, 'LICENSE_UNKNOWN' | 'NOT_YOUR_RECORD' | 'LICENSE_NOT_CURRENT' | 'LICENSE_NOT_IN_FORCE'> | null {
  if (fact === null) return 'LICENSE_UNKNOWN';
  if (!isHeldBy(fact.license, applicantCode)) return 'NOT_YOUR_RECORD';
  const current = currentOn(fact, today);
  if (current.state !== 'VALID') return 'LICENSE_NOT_IN_FORCE';
  return current.identifier === identifier ? null : 'LICENSE_NOT_CURRENT';
}

/**
 * Checks a license that is handed in against its current state. Returns what is stored with the material.
 * Refuses, for `field`, what `licenseFault` returns, and MATERIAL_LICENSE_TYPE if the guide asks for another type.
 */
export function requireLicenseMaterial(
  material: Extract<Material, { kind: 'LICENSE' }>,
  fact: LicenseFact | null,
  applicantCode: string,
  today: Day,
  field: string,
): LicenseCheck {
  const fault = licenseFault(fact, { identifier: material.license, applicantCode, today });
  if (fault === null && fact) {
    const type = material.requirement?.licenseType ?? null;
    if (type !== null && fact.license.licenseType !== type) {
      throw new Refusal('MATERIAL_LICENSE_TYPE', field, material.name);
    }
    const { identifier, version } = currentOn(fact, today);
    return { identifier, version, state: fact.state };
  }
  throw new Refusal(fault ?? 'LICENSE_UNKNOWN', field);
}
