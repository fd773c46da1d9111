import { type Database, transact } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { listOwners, readHeld } from '../../kernel/identity/co-ownership.ts';
import { isSealedPdf } from '../../kernel/pdf/pdf.ts';
import { readSealedPdf } from '../../kernel/pdf/sealed-pdf.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import type { StatedPurpose } from '../../kernel/privacy/purpose.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { findFile } from '../act/file-store.ts';
import { findFormOf, renderOverprint } from '../document/render.ts';
import { pickNextSheet } from '../paper/paper.ts';
import { listSheets } from '../paper/store.ts';
import { OVERPRINT_RULE } from '../policy.ts';
import { recordReading } from '../reading/workflow.ts';
import * as store from '../store.ts';
import { isCurrentVersion } from '../validity/takeover-store.ts';
import { readRecord } from '../verify/content/attached.ts';

export interface OverprintDependencies {
  db: Database;
  now: Clock;
}

/** A printing aid: the texts that a version adds to its pre-printed blank. */
export interface Overprint {
  name: string;
  bytes: Uint8Array;
}

/**
 * Renders what is printed of a license version onto its blank (套打), for who prints it, while a sheet of it is printed
 * and not handed over. Returns null if there is no version that the person may see. It is recorded as a reading of the
 * sealed document, for the purpose CERTIFICATION.
 * Refuses ROLE_NOT_ALLOWED, ORGAN_WITHOUT_POWER, LICENSE_NOT_CURRENT, PAPER_NOT_PRINTED, PAPER_NOT_IN_FORCE, and what
 * `requirePurpose` refuses.
 */
export async function printOverprint(
  { db, now }: OverprintDependencies,
  actor: Person,
  { identifier, stated, dryRun }: { identifier: string; stated: StatedPurpose; dryRun: boolean },
): Promise<Overprint | null> {
  const sealed = await transact(db, dryRun, async (tx) => {
    const [stored] = await store.findVersions(tx, 'identifier', [identifier], actor);
    if (!stored) return null;
    const at = now();
    const today = dayOf(at);
    const subject = { head: store.toHead(stored, today), isCurrent: isCurrentVersion(stored, today) };
    requireAllowed(OVERPRINT_RULE, subject, actor);
    const sheet = pickNextSheet(await listSheets(tx, [identifier], today));
    requireAllowed(OVERPRINT_RULE, { ...subject, sheet }, actor);
    if (stated.purpose !== null && stated.purpose.trim() !== 'CERTIFICATION')
      throw new Refusal('PURPOSE_UNFIT', 'purpose', '套打只用于制证发证');
    const { number, record, documentDigest } = stored.version;
    const holderCodes = listOwners(readHeld(record)).map(({ code }) => code);
    const object = { object: 'DOCUMENT', objectId: documentDigest, at } as const;
    await recordReading(tx, actor, { number, holderCodes }, stated, object);
    return findFile(tx, documentDigest);
  });
  if (!sealed) return null;
  const record = readRecord(isSealedPdf(sealed.bytes) ? readSealedPdf(sealed.bytes).base : sealed.bytes);
  return {
    name: `${identifier}.overprint.pdf`,
    bytes: renderOverprint(record, findFormOf(record, sealed.bytes)),
  };
}
