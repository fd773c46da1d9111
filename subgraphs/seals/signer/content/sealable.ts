import { z } from 'zod';
import { daySchema, instantSchema } from '../../../kernel/day-schema.ts';
import { DELIVERY_METHODS } from '../../../kernel/delivery/delivery.ts';
import { recordedOwnershipSchema } from '../../../kernel/identity/co-ownership.ts';
import { RECORD_CODE_KINDS } from '../../../kernel/identity/identity.ts';
import { LICENSE_STATES } from '../../../kernel/license-acts.ts';
import { saltSchema } from '../../../kernel/sealing/salt.ts';
import { findTextProblem } from '../../../kernel/text.ts';

/**
 * The closed form of each thing that a seal may be put onto. A field that stands in none of them is sealed by nobody: a
 * new field of a record, a statement or a decision document is added here too.
 */

const text = z.string().max(2_000);
const MAX_LINE_CHARS = 500;
const line = z.string().refine((value) => findTextProblem(value, { form: 'LINE', maxChars: MAX_LINE_CHARS }) === null);
const version = z.int().min(1).max(999);

/** The record of a license version (GB/T 36903): what its case decided, and the hub's own numbering. */
export const sealableRecord = z.strictObject({
  ...{ ZZMC: line, ZZLXDM: line, ZZBH: line, ZZBS: line, ZZBFJG: line, ZZBFJGDM: line, ZZBFRQ: line },
  ...{ CZZT: line, CZZTDM: line, CZZTDMLX: z.enum(RECORD_CODE_KINDS), ZZYXQQSRQ: line, ZZYXQJZRQ: line },
  ...{ ZZQZR: line, ZZQZSJ: instantSchema, ZZQZMC: line },
  ...{ KZ_BB: version, KZ_CZ: line, KZ_SX: line, KZ_BJBH: line, KZ_XZQH: line, KZ_BLXZQH: line },
  KZ_NR: z.array(z.strictObject({ label: text, text })),
  KZ_XGBS: line.nullable(),
  KZ_HYDZ: line,
  KZ_ZTXH: z.int().nonnegative().optional(),
  KZ_EWM: text.optional(),
  KZ_SJS: saltSchema.optional(),
  KZ_LXBB: z.int().positive().optional(),
  KZ_BYX: z.array(text).optional(),
  KZ_GY: recordedOwnershipSchema.optional(),
});
export type SealableRecord = z.infer<typeof sealableRecord>;

/** How the holder was heard: 已听证, 已听取陈述、申辩, 书面放弃, 逾期未提出. */
const hearingOutcome = z.enum(['HELD', 'STATED', 'WAIVED', 'NOT_REQUESTED']);

/**
 * The statement of an act without a new version that an organ decided, by a case or on its own authority. Its words are
 * those of the organ. A sheet of paper is no part of it: the register states that.
 */
export const sealableStatement = z.strictObject({
  ...{ CZ: line, ZZBH: line, ZZBS: line, KZ_BB: version, ZZBFJG: line, ZZBFJGDM: line },
  ZZZT: z.enum(LICENSE_STATES),
  SM: line.refine((reason) => reason !== ''),
  KZ_BJBH: line.nullable(),
  ...{ ZZQZR: line, ZZQZSJ: instantSchema, ZZQZMC: line },
  KZ_KBZZ: z.null(),
  KZ_JGZL: line.optional(),
  KZ_SJS: saltSchema.optional(),
  ...{ KZ_NBBH: z.uuid().optional(), KZ_JDWH: line.optional() },
  KZ_TZ: z.strictObject({ GZRQ: daySchema, JG: hearingOutcome, JXRQ: daySchema.nullable() }).optional(),
});
export type SealableStatement = z.infer<typeof sealableStatement>;

const texts = z.array(text);
const days = z.int().positive().nullable();

/** What every notice says. */
const noticeFields = {
  ...{ title: line, number: line },
  organ: z.strictObject({ id: line, name: line, divisionCode: line }),
  window: line.nullable(),
  ...{ addressee: line, addresseeCode: line, caseNumber: line, matterId: line, matterName: line },
  received: z.array(z.strictObject({ name: text, copies: z.int().nonnegative().nullable() })),
  missing: z.array(z.strictObject({ name: text, remark: text.nullable() })),
  granted: z.array(z.strictObject({ label: text, text })),
  reason: text.nullable(),
  clauses: texts,
  supplementBy: line.nullable(),
  limits: z.strictObject({ statutoryDays: days, promisedDays: days, dueOn: line.nullable() }).nullable(),
  ...{ opening: texts, closing: texts },
  ...{ issuedOn: line, issuedAt: instantSchema },
  salt: saltSchema.optional(),
};

/** A decision document (决定书). */
export const sealableDecision = z.strictObject({
  ...noticeFields,
  kind: z.literal('DECISION'),
  decision: z.enum(['GRANTED', 'REJECTED']),
  changes: z
    .strictObject({
      act: line,
      lines: z.array(z.strictObject({ label: text, before: text.nullable(), after: text.nullable() })),
    })
    .optional(),
});

/** Any other notice. It says that it bears the acceptance seal, and grants nothing. */
export const sealableNotice = z.strictObject({
  ...noticeFields,
  kind: z.enum(['ACCEPTANCE', 'SUPPLEMENT', 'REFUSAL', 'DELIVERY']),
  decision: z.null(),
  granted: z.tuple([]),
  seal: z.literal('ACCEPTANCE_SEAL'),
  progress: z.strictObject({ url: line, code: line }).optional(),
  delivered: z.array(z.strictObject({ name: text, number: line })).optional(),
  delivery: z
    .strictObject({
      ...{ recipient: line, method: z.enum(DELIVERY_METHODS), expressNumber: line.nullable() },
      receiver: z.literal('AGENT').optional(),
    })
    .optional(),
  /** Who acts for the applicant (代办人), and where papers go (送达地址). */
  agent: z.strictObject({ name: line, authority: line }).optional(),
  contact: z.strictObject({ phone: line, address: line }).optional(),
});
