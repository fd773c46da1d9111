import { randomUUID } from 'node:crypto';
import { z } from 'zod';

/** The wire format defined in `docs/approval-platform.md`. */

export const SIGNATURE_HEADER = 'x-jws-signature';

/** The members that this platform reads from the hub's news of a case. Unknown members are stored and ignored. */
const newsSchema = z.looseObject({
  caseNumber: z.string().min(1),
  revision: z.number().int().positive(),
  organ: z.string(),
  step: z.string(),
  steps: z.array(z.looseObject({ step: z.string() })).min(1),
});
export type News = z.infer<typeof newsSchema>;

export function parseNews(body: Uint8Array): News {
  return newsSchema.parse(JSON.parse(Buffer.from(body).toString('utf8')));
}

/** Returns whether a case has just arrived here, to be received (签收) and decided. */
export function hasArrived({ step, steps }: News): boolean {
  return step === 'FORWARDED' && ['FORWARDED', 'MOVED'].includes(steps.at(-1)?.step ?? '');
}

/** An order of a staff member. It always names a case and a person. */
const person = z.strictObject({ id: z.string(), name: z.string() });
const order = { caseNumber: z.string().min(1), by: person };
/** For each order: the path that takes it, the type of the message it becomes, and its schema. */
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
      // The person who decides authorises the seal on the result: a license, or the document of the decision.
      .transform((decision) => ({ ...decision, authoriseSeal: true })),
  },
  '/send-back': { type: 'SENT_BACK', form: z.strictObject({ ...order, reason: z.string() }) },
  '/pause': {
    type: 'PAUSED',
    form: z.strictObject({ ...order, kind: z.string(), reason: z.string(), papers: z.array(z.string()) }),
  },
  /** Protocol 2: the hub answers with the list of the materials, whose files are then fetched. */
  '/materials': { type: 'MATERIALS', form: z.strictObject({ ...order, purpose: z.string() }) },
  '/resume': { type: 'RESUMED', form: z.strictObject({ ...order, note: z.string().nullable().default(null) }) },
} as const;

/** Content of a message besides its type: the case, the acting person, and the members that the type requires. */
export interface Order {
  caseNumber: string;
  by: { id: string; name: string };
  [member: string]: unknown;
}

const listSchema = z.looseObject({
  materials: z.array(
    z.looseObject({ file: z.looseObject({ url: z.url(), digest: z.string().regex(/^[0-9a-f]{64}$/) }).nullable() }),
  ),
});

/** Returns the files that the hub's answer to a message lists, or none if it lists no materials. */
export function readListedFiles(answer: string): { url: string; digest: string }[] {
  const list = listSchema.safeParse(JSON.parse(answer));
  return list.success ? list.data.materials.flatMap(({ file }) => (file === null ? [] : [file])) : [];
}

/** Builds a message for the hub and chooses its id. Every later attempt uses the same id. */
export function buildMessage(
  type: string,
  { caseNumber, by, ...details }: Order,
  organ: string,
  at: Date,
): { id: string; body: string } {
  const id = randomUUID();
  return { id, body: JSON.stringify({ id, type, caseNumber, organ, at: at.toISOString(), by, ...details }) };
}
