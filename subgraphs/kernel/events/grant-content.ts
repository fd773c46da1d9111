import { z } from 'zod';
import { daySchema } from '../day-schema.ts';
import { coOwnershipSchema } from '../identity/co-ownership.ts';
import { HOLDER_CODE_KINDS } from '../identity/identity.ts';
import { LICENSE_ACTIONS } from '../license-acts.ts';
import { reissuedSheet } from '../license-type/reissued-sheet.ts';
import { saltSchema } from '../sealing/salt.ts';

/** What a decision grants, as cases tell it to licenses. */

const text = z.string();
const nullableText = text.nullable();

export const holder = z.object({
  name: z.string().min(1),
  codeKind: z.enum(HOLDER_CODE_KINDS),
  code: z.string(),
});
export type Holder = z.infer<typeof holder>;

/** The content that the decider sees and authorises. The license repeats it word for word. */
export const grantContent = z.object({
  ...{ matterId: text, licenseName: text },
  action: z.enum(LICENSE_ACTIONS),
  /** The license to act on, or null if a new one is issued. */
  licenseNumber: z.string().nullable(),
  /** The newest version of that license when it was decided. Absent if a new one is issued, and up to 0.4.1. */
  onVersion: z.int().positive().optional(),
  /** What the act changes of what stood on it: the holder's name and the lines. Absent like `onVersion`. */
  changes: z.array(z.object({ label: text, before: nullableText, after: nullableText })).optional(),
  /** Lines of that license that `typeVersion` calls by another label. They are no change. Absent if there is none. */
  renamed: z
    .array(z.object({ from: text, to: text }))
    .min(1)
    .optional(),
  licenseType: z.string().length(21),
  /** Version of the type that judged its lines. Absent if none was known, and up to 0.4. */
  typeVersion: z.int().positive().optional(),
  holder,
  /** The other holders (共有人). Absent if there is one holder. */
  coOwnership: coOwnershipSchema.optional(),
  /** Label and text of each line of the license, in order (KZ_* extensions of GB/T 36903). */
  fields: z.array(z.object({ label: z.string(), text: z.string() })),
  /** Labels of those that the sheet does not show (不印项). Absent if it shows all. */
  unprinted: z.array(z.string()).min(1).optional(),
  /** The sheets that a reissue names as lost or damaged. Absent if it names none: then every sheet is lost. */
  reissuedSheets: z.array(reissuedSheet).min(1).optional(),
  validFrom: daySchema,
  validUntil: daySchema.nullable(),
  /** Random element. Absent in grants of releases up to 0.4. */
  salt: saltSchema.optional(),
});
export type GrantContent = z.infer<typeof grantContent>;
