import { z } from 'zod';
import { type Day, isDay } from '../day.ts';
import { Refusal } from '../refusal.ts';

/** On what authority somebody acts for an applicant (代办人), for what, and until when. Pure. */

/** 委托代理 (民法典 art. 161), 法定代理 (art. 23, 34), 法定代表人 (art. 61). */
export const AGENT_AUTHORITIES = {
  MANDATE: '委托代理人',
  GUARDIAN: '法定监护人',
  LEGAL_REPRESENTATIVE: '法定代表人',
} as const;

/** What an authorisation may cover (授权事项). */
export const AGENT_ACTS = { APPLY: '申请', SUPPLEMENT: '补正', COLLECT: '领取' } as const;
export type AgentAct = keyof typeof AGENT_ACTS;

const keysOf = <Key extends string>(table: Record<Key, string>) => Object.keys(table) as [Key, ...Key[]];

/** An authorisation without the codes of the agent: what a counter needs that hands papers over. */
export const agencySchema = z.object({
  name: z.string().min(1),
  authority: z.enum(keysOf(AGENT_AUTHORITIES)),
  /** Its last day, or null: until the case ends. */
  until: z.string().refine(isDay).nullable(),
  /** Empty: everything in the case. */
  acts: z.array(z.enum(keysOf(AGENT_ACTS))),
});
export type Agency = z.infer<typeof agencySchema>;

/**
 * Refuses AGENT_NOT_AUTHORISED for an authorisation that ended before a day, or that does not cover `act`. Without an
 * act only its period counts.
 */
export function requireAuthorised({ name, until, acts }: Agency, on: Day, act: AgentAct | null, field: string): void {
  if (until !== null && until < on) throw new Refusal('AGENT_NOT_AUTHORISED', field, `${name}的授权截止于 ${until}`);
  if (act !== null && acts.length > 0 && !acts.includes(act))
    throw new Refusal('AGENT_NOT_AUTHORISED', field, `${name}的授权不包括${AGENT_ACTS[act]}`);
}
