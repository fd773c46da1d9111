import type { Actor } from '../../kernel/actor.ts';
import { answerAction } from '../../kernel/policy.ts';
import type { LicenseRecord } from '../act/record.ts';
import type { SealedFile } from '../reading/view.ts';
import type { StoredLicense } from '../store.ts';
import { REGISTRATION_POLICY } from './policy.ts';
import { isRegistered } from './record.ts';
import { contentOf, type StoredRegistration } from './store.ts';

/** Returns how a version was entered from paper, or null for a sealed one. */
export function viewRegistration(record: LicenseRecord) {
  if (!isRegistered(record)) return null;
  const { DJRQ: registeredOn, NBR: proposedBy, SPR: approvedBy, WJZY: fileDigest, HH: line } = record.KZ_DJ;
  return { registeredOn, proposedBy, approvedBy, fileDigest, line, scanDigest: record.KZ_SMJ ?? null };
}

/** Returns the file of a version: sealed, or what the register stated of its entry from paper. */
export function toSealedFile({ version }: Pick<StoredLicense, 'version'>): SealedFile {
  const { documentDigest, signatureDigest, signedAt, sealId } = version;
  const signature = {
    signatureDigest: signatureDigest ?? documentDigest,
    hasSignatureInside: signatureDigest === null,
  };
  return { documentDigest, ...signature, signedAt, sealId };
}

/** The parent value of Registration resolvers. @public by codegen.ts */
export type RegistrationView = ReturnType<typeof viewLedger>;

/** A ledger as GraphQL shows it. */
export function viewLedger(stored: StoredRegistration) {
  const { id, organ, proposedBy, at: proposedAt, outcome, ended } = stored;
  const { matterId, licenseName, digest, encoding, lines, notes } = contentOf(stored);
  return {
    ...{ id, stored, licenseName, digest, encoding, lines, notes, proposedBy, proposedAt },
    matter: { id: matterId },
    organ: organ === null ? null : { id: organ },
    state: outcome ?? ('WAITING' as const),
    endedBy: ended?.actor ?? null,
    endedAt: ended?.at ?? null,
    decision: ended?.reason ?? null,
  };
}

/** What this caller may do with a ledger now. The answers come from the rows that the mutations ask. */
export function viewLedgerActions({ stored }: RegistrationView, actor: Actor) {
  return (['decideRegistration', 'withdrawRegistration'] as const).map((name) =>
    answerAction(name, REGISTRATION_POLICY[name], stored, actor),
  );
}
