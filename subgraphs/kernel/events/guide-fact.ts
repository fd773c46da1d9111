import { z } from 'zod';
import { LICENSE_ACTIONS } from '../license-acts.ts';

/** What cases keep of a service guide (办事指南), from its events. */

/** Forms of a submitted material: 原件, 复印件, 原件核验后退回, 电子件. */
export const MATERIAL_FORMS = ['ORIGINAL', 'COPY', 'ORIGINAL_SEEN', 'ELECTRONIC'] as const;

/** Formats in which a file may be handed in. */
export const FILE_FORMATS = ['PDF', 'JPEG', 'PNG', 'OFD', 'DOCX', 'XLSX', 'TIFF'] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];
/** Those that are taken where no guide says otherwise: what every office can open. */
const COMMON_FORMATS: readonly FileFormat[] = ['PDF', 'JPEG', 'PNG'];

/** Returns the formats that a material takes. `material` is null without a guide. */
export function listFileFormats(material: { formats?: readonly FileFormat[] | undefined } | null): FileFormat[] {
  return [...(material?.formats ?? COMMON_FORMATS)];
}

const guideMaterial = z.object({
  /** Stable in the guide, for instance `M01`. */
  code: z.string(),
  name: z.string(),
  form: z.enum(MATERIAL_FORMS),
  copies: z.number().int().nonnegative(),
  required: z.boolean(),
  /** Type code of an electronic license that may replace it (免提交), or null. */
  licenseType: z.string().length(21).nullable(),
  /** Formats of a file. Absent: the common ones (`listFileFormats`). */
  formats: z.array(z.enum(FILE_FORMATS)).min(1).optional(),
  /** The situations (办理情形) that it is for. Absent: all (`guideForSituation`). */
  situations: z.array(z.enum(LICENSE_ACTIONS)).min(1).optional(),
});
/** The part of a service guide (办事指南) against which a case is accepted and checked. */
export const guideFact = z.object({
  /** The situations (办理情形) for which it takes applications. Absent: all that the matter offers. */
  situations: z.array(z.enum(LICENSE_ACTIONS)).optional(),
  materials: z.array(guideMaterial),
  /** Steps in order. `limitDays` is in working days, or null if the guide sets no limit for the step. */
  steps: z.array(z.object({ name: z.string(), limitDays: z.number().int().positive().nullable() })),
  /** Statutory (法定) and promised (承诺) limits in working days from acceptance, or null if the guide has none. */
  statutoryDays: z.number().int().positive().nullable(),
  promisedDays: z.number().int().positive().nullable(),
});
export type GuideMaterialFact = z.infer<typeof guideMaterial>;
export type GuideFact = z.infer<typeof guideFact>;
