import { z } from 'zod';
import { ROLES, type Role } from '../actor.ts';
import { instantSchema } from '../day-schema.ts';
import type { PolicyRule } from '../policy.ts';

/** What waits for a second person outside cases, and the mutation by which that person decides it. */
export const ANNOUNCED_KINDS = {
  TASK_VOID_PROPOSED: 'voidTask',
  ORDER_DECLINE_PROPOSED: 'declineOrder',
  BLANKS_PROPOSED: 'receiveBlanks',
  BLANK_WRITE_OFF_PROPOSED: 'writeOffBlanks',
  BLANK_TRANSFER_PROPOSED: 'decideBlankTransfer',
  IMPORT_PROPOSED: 'decideImport',
  REGISTRATION_PROPOSED: 'decideRegistration',
  SEAL_APPLICATION_WAITING: 'decideSealApplication',
} as const;
export type AnnouncedKind = keyof typeof ANNOUNCED_KINDS;

/** A proposal of another subgraph as cases know it, with those who may decide it: never the person who proposed it. */
export const announcementSchema = z.object({
  proposalId: z.uuid(),
  kind: z.enum(Object.keys(ANNOUNCED_KINDS) as [AnnouncedKind, ...AnnouncedKind[]]),
  /** The organ whose persons decide it, or null if those of every place do. */
  organ: z.string().nullable(),
  roles: z.array(z.enum(ROLES)),
  proposedById: z.string(),
  /** What it is about, in words that name no person. */
  subject: z.string(),
  caseId: z.uuid().nullable(),
  /** Identifier of a license version. */
  license: z.string().nullable(),
  proposedAt: instantSchema,
  /** From then on it counts no more. Null if it waits without a limit. */
  lapsesAt: instantSchema.nullable(),
  endedAt: instantSchema.nullable(),
});
export type Announcement = z.infer<typeof announcementSchema>;

/** Returns the roles that a rule lets decide on a proposal. */
export function listDeciderRoles<Subject>({ grants }: PolicyRule<Subject>, proposal: Subject): Role[] {
  return [...new Set(grants.filter(({ when }) => when?.(proposal) ?? true).flatMap(({ roles }) => roles))];
}
