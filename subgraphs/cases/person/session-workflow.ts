import { type Database, transact } from '../../../db/client.ts';
import { type Actor, MAX_SUBJECT_CHARS } from '../../kernel/actor.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { requireLine, requireReason } from '../../kernel/text.ts';
import { SESSION_POLICY } from './policy.ts';
import type { IssuerLogout } from './register.ts';
import * as store from './store.ts';
import type { PersonDependencies } from './workflow.ts';

const MAX_REASON_CHARS = 500;

export interface SessionEnding {
  /** Null: the caller. */
  person: string | null;
  /** Required for somebody else. */
  reason: string | null;
  dryRun: boolean;
}

/**
 * Ends every sign-in of a person up to now. Returns that moment.
 * Refuses ROLE_NOT_ALLOWED, NOT_YOUR_RECORD, REASON_MISSING, FIELD_MALFORMED, FIELD_TOO_LONG.
 */
export function endSessions(
  { db, now }: PersonDependencies,
  actor: Actor,
  { person, reason, dryRun }: SessionEnding,
): Promise<Date> {
  return transact(db, dryRun, async (tx) => {
    if (actor.kind !== 'person') throw new Refusal('ROLE_NOT_ALLOWED');
    const subject = person ?? actor.id;
    requireLine(subject, MAX_SUBJECT_CHARS, 'person');
    const endedAt = now();
    const line = await store.findLineOfPerson(tx, subject, endedAt);
    const { id, name } = requireAllowed(
      SESSION_POLICY.endSessions,
      { person: subject, organ: line?.organ ?? null },
      actor,
    );
    if (subject !== id || reason !== null) requireReason(reason ?? '', MAX_REASON_CHARS);
    await store.insertSessionEnd(tx, { subject, endedAt, reason, actorId: id, actor: name });
    return endedAt;
  });
}

/** Records sessions that the issuer has ended (see `PersonRegister`). The gateway has verified its statement. */
export function recordLogout(db: Database, logout: IssuerLogout, now: Date): Promise<boolean> {
  return db.transaction((tx) => store.insertLogout(tx, logout, now));
}
