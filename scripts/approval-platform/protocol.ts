import { randomUUID } from 'node:crypto';
import { z } from 'zod';

/** What goes over the wire, as `docs/approval-platform.md` says it. */

export const SIGNATURE_HEADER = 'x-jws-signature';

/** What this platform reads of the hub's news of a case; members it does not know are kept and not looked at. */
const news = z.looseObject({
  caseNumber: z.string().min(1),
  revision: z.number().int().positive(),
  organ: z.string(),
  step: z.string(),
  steps: z.array(z.looseObject({ step: z.string() })).min(1),
});
export type News = z.infer<typeof news>;

export function readNews(body: Uint8Array): News {
  return news.parse(JSON.parse(Buffer.from(body).toString('utf8')));
}

/** Whether a case has just come here: to be received (签收), and decided. */
export function hasArrived({ step, steps }: News): boolean {
  return step === 'FORWARDED' && ['FORWARDED', 'MOVED'].includes(steps.at(-1)?.step ?? '');
}

/** What somebody at a desk asks for: always about a case, always in somebody's name. */
const person = z.strictObject({ id: z.string(), name: z.string() });
const order = { caseNumber: z.string().min(1), by: person };
/** The path at which each is given, the message that it becomes, and its form. */
export const ORDERS = {
  '/decide': {
    type: 'DECIDED',
    form: z
      .strictObject({
        ...order,
        decision: z.enum(['GRANTED', 'REJECTED']),
        reason: z.string().nullable().default(null),
        validFrom: z.iso.date().nullable().default(null),
      })
      // Whoever decides authorises the seal on what follows: a license, or the decision's own document.
      .transform((one) => ({ ...one, authoriseSeal: true })),
  },
  '/send-back': { type: 'SENT_BACK', form: z.strictObject({ ...order, reason: z.string() }) },
  '/pause': {
    type: 'PAUSED',
    form: z.strictObject({ ...order, kind: z.string(), reason: z.string(), papers: z.array(z.string()) }),
  },
  '/resume': { type: 'RESUMED', form: z.strictObject({ ...order, note: z.string().nullable().default(null) }) },
} as const;

/** What a message says beside its type: the case, who acts, and what the type asks for. */
export interface Order {
  caseNumber: string;
  by: { id: string; name: string };
  [member: string]: unknown;
}

/** A message for the hub, its id chosen once and for all. */
export function writeMessage(
  type: string,
  { caseNumber, by, ...more }: Order,
  organ: string,
  at: Date,
): { id: string; body: string } {
  const id = randomUUID();
  return { id, body: JSON.stringify({ id, type, caseNumber, organ, at: at.toISOString(), by, ...more }) };
}
