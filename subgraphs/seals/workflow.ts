import { X509Certificate } from 'node:crypto';
import { type Transaction, transact } from '../../db/client.ts';
import type { Actor, Person } from '../kernel/actor.ts';
import { requireAllowed } from '../kernel/policy.ts';
import { Refusal } from '../kernel/refusal.ts';
import type { PictureRequest } from '../kernel/sealing/sign.ts';
import { requireReason } from '../kernel/text.ts';
import { ensureAuthorities, type PkiDependencies, toCertifiedKey } from './certification/certification-workflow.ts';
import { buildTimestampLeaf } from './log/leaf.ts';
import { insertLeaves } from './log/store.ts';
import { mayRequestCertificate, SEALS_POLICY } from './policy.ts';
import { organNameOf, requireFilingNumber, requireUsable } from './seal.ts';
import * as store from './store.ts';
import * as ledger from './use/store.ts';

const MAX_REASON_CHARS = 500;

/** Returns a timestamp token (时间戳, RFC 3161, DER) over a SHA-256 digest. Throws RangeError if `digest` is not one. */
export async function stamp(deps: PkiDependencies, digest: Uint8Array): Promise<Uint8Array> {
  const { timestamp } = await ensureAuthorities(deps);
  const token = await deps.signer.stamp({ key: toCertifiedKey(timestamp), digest });
  await insertLeaves(deps.db, [buildTimestampLeaf(digest, token, deps.now())]);
  return token;
}

/** Suspends a seal (停用), at once and by one person. Only an approved application puts it back into use. */
export function suspendSeal(
  deps: PkiDependencies,
  actor: Actor,
  input: { seal: string; reason: string; dryRun: boolean },
): Promise<store.StoredSeal> {
  return actOnSeal(deps, input, async (tx, { seal }, at) => {
    const keeper = requireAllowed(SEALS_POLICY.suspendSeal, { seal, at }, actor);
    requireReason(input.reason, MAX_REASON_CHARS);
    await store.setSeal(tx, seal.id, { state: 'SUSPENDED' });
    return [{ event: 'SUSPENDED' as const, matterId: null, ...toActorFields(keeper), reason: input.reason, at }];
  });
}

/** Puts a seal on file (备案) under the number that its keeper received. */
export function fileSeal(
  deps: PkiDependencies,
  actor: Actor,
  input: { seal: string; filingNumber: string; dryRun: boolean },
): Promise<store.StoredSeal> {
  return actOnSeal(deps, input, async (tx, { seal }, at) => {
    const keeper = requireAllowed(SEALS_POLICY.fileSeal, { seal, at }, actor);
    requireFilingNumber(input.filingNumber);
    const filingNumber = input.filingNumber.trim();
    await store.setSeal(tx, seal.id, { state: 'ON_FILE', filingNumber });
    return [{ event: 'FILED' as const, matterId: null, ...toActorFields(keeper), reason: filingNumber, at }];
  });
}

/** Puts a seal that is on file into use (启用). A repeated call changes nothing. */
export function putSealIntoUse(
  deps: PkiDependencies,
  actor: Actor,
  input: { seal: string; dryRun: boolean },
): Promise<store.StoredSeal> {
  return actOnSeal(deps, input, async (tx, { seal }, at) => {
    const keeper = requireAllowed(SEALS_POLICY.putSealIntoUse, { seal, at }, actor);
    if (seal.state === 'IN_USE') return [];
    await store.setSeal(tx, seal.id, { state: 'IN_USE', requiredSince: seal.requiredSince ?? at });
    return [{ event: 'PUT_INTO_USE' as const, matterId: null, ...toActorFields(keeper), reason: null, at }];
  });
}

/**
 * Returns the office's own picture (PNG) of the seal that may be used for a matter now, or null if that seal is drawn.
 * Refuses as `sign` does if no seal may be used.
 */
export async function readPictureFor(
  { db, now }: PkiDependencies,
  request: PictureRequest,
): Promise<Uint8Array | null> {
  const { seals, pictures } = await ledger.listSealsFor(db, request);
  const digest = pictures.get(requireUsable(seals, request, now()).id);
  return digest === undefined ? null : store.findPicture(db, digest);
}

/**
 * Returns a certificate request (PKCS #10, PEM) for the key that a seal signs with. Returns null unless the actor is
 * keeper or approver of the seal's organ.
 */
export async function requestCertificate(
  deps: PkiDependencies,
  actor: Actor,
  { seal, certificate }: store.StoredSeal,
): Promise<string | null> {
  if (!mayRequestCertificate({ seal, at: deps.now() }, actor)) return null;
  const publicKey = new X509Certificate(certificate.certificatePem).publicKey;
  return deps.signer.request({
    key: { keyId: seal.id, encrypted: certificate.encryptedKey },
    subject: { organisation: organNameOf(seal), unit: '电子印章', commonName: seal.name },
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  });
}

function toActorFields({ id, name }: Person): { actorId: string; actor: string } {
  return { actorId: id, actor: name };
}

function actOnSeal(
  { db, now }: PkiDependencies,
  { seal: id, dryRun }: { seal: string; dryRun: boolean },
  planActs: (tx: Transaction, stored: store.StoredSeal, at: Date) => Promise<store.SealAct[]>,
): Promise<store.StoredSeal> {
  return transact(db, dryRun, async (tx) => {
    const stored = await store.lockSeal(tx, id);
    if (!stored) throw new Refusal('SEAL_UNKNOWN', 'seal');
    const at = now();
    const acts = await planActs(tx, stored, at);
    return acts.length === 0 ? stored : store.recordSealActs(tx, id, acts, at);
  });
}
