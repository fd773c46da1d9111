import { z } from 'zod';
import { daySchema } from '../day-schema.ts';

/** What licenses keep of a seal, from its events. */

/** 单位印章, 审批专用章, 证照专用章, 受理专用章. */
export const SEAL_KINDS = ['UNIT_SEAL', 'APPROVAL_SEAL', 'LICENSE_SEAL', 'ACCEPTANCE_SEAL'] as const;
export type SealKind = (typeof SEAL_KINDS)[number];

export const SEAL_STATES = ['MADE', 'ON_FILE', 'IN_USE', 'SUSPENDED', 'ENDED'] as const;

export const sealGrant = z.object({
  matter: z.string(),
  /** Who may authorise the seal for the matter. Null: whoever decides the matter. */
  person: z.string().nullable(),
  /** First and last day in Asia/Shanghai; null: open. */
  from: daySchema.nullable(),
  to: daySchema.nullable(),
});
/** The right to use a seal: for which matter, by whom and when (用印授权范围). */
export type SealGrant = z.infer<typeof sealGrant>;

/** Converts the payload of a release before 0.4. It has only matters, each granted to everybody without end. */
export function withGrants(payload: unknown): unknown {
  const legacy = z.looseObject({ matters: z.array(z.string()), grants: z.undefined().optional() }).safeParse(payload);
  if (!legacy.success) return payload;
  const grants = legacy.data.matters.map((matter) => ({ matter, person: null, from: null, to: null }));
  return { ...legacy.data, grants };
}
