import { type Transaction, transact } from '../../db/client.ts';
import type { Actor, AuthorisationKeys, Person } from '../kernel/actor.ts';
import { canonical, sha256 } from '../kernel/events.ts';
import { Refusal } from '../kernel/refusal.ts';
import { imageOf, PictureError } from '../kernel/seal-image.ts';
import {
  type AttestRequest,
  attestRequest,
  type CodeRequest,
  codePayload,
  type PictureRequest,
  type SignAnswer,
  type SignRequest,
} from '../kernel/sign.ts';
import { requireAuthorised } from './authority.ts';
import {
  addCodeKey,
  authorities,
  authorityOf,
  certify,
  chainOf,
  codeKeyId,
  kidOf,
  type PkiDependencies,
  publishList,
  stampWith,
  validity,
} from './certification.ts';
import { derOf, KEY_SUITE, SUITES, signDetached } from './cms.ts';
import { compactJws } from './jws.ts';
import { ROOT_NAME, serialOf } from './pki.ts';
import {
  type EndReason,
  end,
  KIND_NAMES,
  requireDesigner,
  requireGranter,
  requireUsable,
  resume,
  type SealKind,
  suspend,
} from './seal.ts';
import * as store from './store.ts';
import { wholeSecond } from './timestamp.ts';

/** What the workflow of seals needs; nothing of it is read from the environment. */
export interface WorkflowDependencies extends PkiDependencies {
  authorisationKeys: AuthorisationKeys;
}

const REASON_LENGTH = 500;
const MATTER_LENGTH = 64;

export interface NewSeal {
  organ: string;
  organName: string;
  kind: SealKind;
  matters: readonly string[];
}

/** Makes a seal of the test PKI for an organ; one that is there already only gets the grants it lacks. Gives its id. */
export async function makeSeal(deps: WorkflowDependencies, made: NewSeal): Promise<string> {
  const { db, now, signer } = deps;
  const id = `${made.organ}-${made.kind.toLowerCase().replace('_', '-')}`;
  // A key takes half a second of a core to find: not while a transaction holds its locks.
  const [known] = await store.findSeals(db, [id]);
  const key = known ? null : await signer.generate(id, 'RSA-3072');
  const codeKey = await signer.generate(codeKeyId(id), 'P-256');
  return db.transaction(async (tx) => {
    await store.lockPki(tx);
    const at = now();
    const by = { actorId: null, actor: '初始化', reason: null, at };
    const acts: store.SealAct[] = [];
    if (key && !(await store.lockSeal(tx, id))) {
      const name = `${made.organName}${KIND_NAMES[made.kind]}`;
      const subject = { organisation: made.organName, unit: ROOT_NAME.unit, commonName: `${name}（测试）` };
      const issuing = authorityOf(await store.findAuthorities(tx), 'issuing');
      const times = validity('seal', at);
      const certificatePem = certify(signer, issuing, {
        profile: 'seal',
        subject,
        publicKeyPem: key.publicKeyPem,
        ...times,
      });
      const kept = { certificatePem, encryptedKey: key.encrypted };
      const row = {
        id,
        organ: made.organ,
        name,
        kind: made.kind,
        state: 'IN_USE' as const,
        suite: KEY_SUITE,
        ...times,
        ...kept,
      };
      await store.insertSeal(tx, row);
      await addCodeKey(tx, deps, issuing, row, codeKey);
      acts.push({ event: 'MADE', matterId: null, ...by });
    }
    const added = await store.addGrants(tx, id, made.matters);
    acts.push(...added.map((matterId) => ({ event: 'GRANTED' as const, matterId, ...by })));
    if (acts.length > 0) await store.enterSealActs(tx, id, acts, at);
    return id;
  });
}

/**
 * Seals the digest of a prepared file (用印). The use stands in the seal's ledger in the same transaction as the signature and
 * its timestamp, so no signature is ever unrecorded; the same issuance id answers the same bytes for ever, and one decision is
 * sealed once. Refuses SEAL_AUTHORISATION_INVALID, SEAL_UNKNOWN, SEAL_NOT_GRANTED, SEAL_SUSPENDED, SEAL_EXPIRED.
 */
export async function sign(deps: WorkflowDependencies, request: SignRequest): Promise<SignAnswer> {
  const { db, signer } = deps;
  const { profile, ...asked } = request;
  const held = await authorities(deps);
  return db.transaction(async (tx) => {
    await store.lockIssuance(tx, request.issuanceId, request.caseId);
    const before = await store.findUse(tx, request.issuanceId);
    if (before) return answerAgain(tx, before, request);

    const { row, by, now } = await requireUse(tx, deps, request);
    // A PDF says when it was signed by the timestamp alone, which counts seconds.
    const at = profile === 'PADES' ? wholeSecond(now) : now;
    const documentDigest = Buffer.from(request.documentDigest, 'hex');
    const signature = signDetached(
      { profile, documentDigest, chain: chainOf(row.certificatePem, held), signedAt: at },
      (data) => signer.sign(row.id, row.encryptedKey, data),
      (digest) => stampWith(deps, held, digest, at),
    );
    await store.insertUse(tx, { ...asked, ...by, sealId: row.id, suite: SUITES[profile], signature, at });
    return { state: 'SIGNED', signature, sealId: row.id, sealName: row.name, signedAt: at.toISOString() };
  });
}

/** What a signature or a code needs before it is made: an authorisation of exactly this, a case not yet sealed, a seal in use. */
async function requireUse(tx: Transaction, deps: WorkflowDependencies, request: Omit<CodeRequest, 'payload'>) {
  const statement = await requireAuthorised(deps.authorisationKeys, request);
  if (request.caseId !== null && (await store.isCaseSealed(tx, request.caseId, request.issuanceId))) {
    throw new Refusal('SEAL_AUTHORISATION_INVALID', null, '此办件已用印');
  }
  const now = deps.now();
  const held = await store.holdSealsOf(tx, request.organ);
  const seals = held.map((one) => one.seal);
  const usable = requireUsable(seals, request.organ, request.matterId, now);
  const row = held.find((one) => one.seal.id === usable.id)?.row;
  if (!row) throw new Error(`seal ${usable.id} cannot be opened`);
  return { row, by: { authorisedById: statement.actor, authorisedBy: statement.actorName }, now };
}

/** What a use must have in common with a request that names the same issuance. */
const OF_ONE_ISSUANCE = ['contentDigest', 'organ', 'matterId', 'caseId', 'act', 'identifier'] as const;

function requireSame(before: store.UseRow | store.CodeRow, request: SignRequest | CodeRequest): void {
  if (OF_ONE_ISSUANCE.some((field) => before[field] !== request[field]))
    throw new Refusal('SEAL_AUTHORISATION_INVALID');
}

async function answerAgain(tx: Transaction, before: store.UseRow, request: SignRequest): Promise<SignAnswer> {
  requireSame(before, request);
  const profile = before.suite.startsWith('PAdES') ? 'PADES' : 'CADES';
  if (before.documentDigest !== request.documentDigest || profile !== request.profile)
    throw new Refusal('SEAL_AUTHORISATION_INVALID');
  const [stored] = await store.findSeals(tx, [before.sealId]);
  if (!stored) throw new Error(`no seal ${before.sealId}`);
  const { signature, sealId, at } = before;
  return { state: 'SIGNED', signature, sealId, sealName: stored.seal.name, signedAt: at.toISOString() };
}

/**
 * Signs what a QR code says (二维码), by the seal's small key, on the same conditions as a signature and recorded alike: a compact
 * JWS (RFC 7515, ES256). The same issuance id answers the same code for ever. Refuses as `sign` does.
 */
export function signCode(deps: WorkflowDependencies, request: CodeRequest): Promise<string> {
  const { db, signer } = deps;
  const { payload: said, ...asked } = request;
  const payload = canonical(codePayload.parse(said));
  return db.transaction(async (tx) => {
    await store.lockIssuance(tx, request.issuanceId, request.caseId);
    const before = await store.findCode(tx, request.issuanceId);
    if (before) {
      requireSame(before, request);
      if (before.payload !== payload) throw new Refusal('SEAL_AUTHORISATION_INVALID');
      return before.code;
    }
    const { row, by, now } = await requireUse(tx, deps, request);
    const key = await store.findCodeKey(tx, row.id);
    if (!key) throw new Error(`seal ${row.id} has no key for codes`);
    const kid = kidOf(derOf(key.certificatePem));
    const code = compactJws({ alg: 'ES256', kid, typ: 'tq-code-1' }, payload, (data) =>
      signer.sign(codeKeyId(row.id), key.encryptedKey, data, 'ieee-p1363'),
    );
    await store.insertCode(tx, { ...asked, ...by, sealId: row.id, payload, code, at: now });
    return code;
  });
}

/**
 * Signs what licenses say of their state (状态声明): a compact JWS (RFC 7515, ES256) of the type asked, with the certificates below
 * the root in `x5c`. Throws ZodError where the claims are no object or too long.
 */
export async function attest(deps: WorkflowDependencies, request: AttestRequest): Promise<string> {
  const { typ, claims } = attestRequest.parse(request);
  const held = await authorities(deps);
  const x5c = [Buffer.from(derOf(held.status.certificatePem)).toString('base64')];
  return compactJws({ alg: 'ES256', typ, x5c }, JSON.stringify(claims), (data) =>
    deps.signer.sign('status', held.status.encryptedKey, data, 'ieee-p1363'),
  );
}

/** A timestamp token (时间戳, RFC 3161, DER) over a SHA-256 digest. Throws RangeError where it is none. */
export async function stamp(deps: WorkflowDependencies, digest: Uint8Array): Promise<Uint8Array> {
  return stampWith(deps, await authorities(deps), digest, deps.now());
}

/** Stops a seal or puts it back into use. */
export function setUse(
  deps: WorkflowDependencies,
  actor: Actor,
  asked: { seal: string; reason: string; to: 'SUSPENDED' | 'IN_USE'; dryRun: boolean },
): Promise<store.StoredSeal> {
  return onSeal(deps, asked, async (tx, { seal }, at) => {
    const { by, state } = asked.to === 'SUSPENDED' ? suspend(seal, actor) : resume(seal, actor, at);
    requireWords(asked.reason, 'reason');
    if (state === seal.state) return [];
    await store.setState(tx, seal.id, state);
    const event = state === 'SUSPENDED' ? ('SUSPENDED' as const) : ('RESUMED' as const);
    return [{ event, matterId: null, ...namesOf(by), reason: asked.reason, at }];
  });
}

function requireWords(words: string, field: string): void {
  if (words.trim() === '') throw new Refusal('REASON_MISSING', field);
  if ([...words].length > REASON_LENGTH) throw new Refusal('FIELD_TOO_LONG', field, `最多 ${REASON_LENGTH} 字`);
}

/** How a seal ends. */
export interface SealEnd {
  seal: string;
  reason: EndReason;
  words: string;
  /** From when the key may have been in other hands; asked for KEY_COMPROMISE alone. */
  compromisedAt: Date | null;
  dryRun: boolean;
}

/** Ends a seal for good (注销), revokes its certificates and publishes the list that says so. Twice changes nothing. */
export function endSeal(deps: WorkflowDependencies, actor: Actor, asked: SealEnd): Promise<store.StoredSeal> {
  return onSeal(deps, asked, async (tx, { seal, row }, at) => {
    const by = end(seal, actor, asked, at);
    requireWords(asked.words, 'words');
    if (seal.state === 'ENDED') return [];
    await store.setState(tx, seal.id, 'ENDED');
    const code = await store.findCodeKey(tx, seal.id);
    const { reason, compromisedAt } = asked;
    const revoked = {
      authority: 'issuing' as const,
      sealId: seal.id,
      reason,
      revokedAt: wholeSecond(at),
      compromisedAt,
    };
    const certificates = [row.certificatePem, ...(code ? [code.certificatePem] : [])];
    await store.insertRevocations(
      tx,
      certificates.map((pem) => ({ ...revoked, serial: serialOf(pem) })),
    );
    await publishList(tx, deps, 'issuing');
    return [{ event: 'ENDED' as const, matterId: null, ...namesOf(by), reason: asked.words, at }];
  });
}

/** Lets a seal be used for a matter, or no longer. */
export function setGrant(
  deps: WorkflowDependencies,
  actor: Actor,
  asked: { seal: string; matter: string; granted: boolean; dryRun: boolean },
): Promise<store.StoredSeal> {
  return onSeal(deps, asked, async (tx, { seal }, at) => {
    const by = requireGranter(seal, actor);
    if (asked.matter.length > MATTER_LENGTH) throw new Refusal('MATTER_UNKNOWN', 'matter');
    const entry = { matterId: asked.matter, ...namesOf(by), reason: null, at };
    if (asked.granted) {
      const added = await store.addGrants(tx, seal.id, [asked.matter]);
      return added.map(() => ({ event: 'GRANTED' as const, ...entry }));
    }
    if (!(await store.removeGrant(tx, seal.id, asked.matter))) throw new Refusal('SEAL_NOT_GRANTED', 'matter');
    return [{ event: 'GRANT_WITHDRAWN' as const, ...entry }];
  });
}

/** Longest picture in base64: a quarter of a megabyte. */
const PICTURE_LENGTH = 350_000;

/**
 * Sets the office's own picture of a seal, PNG in base64, or, by null, goes back to the drawn one. It stands in what is set from now on;
 * the same picture again changes nothing. Refuses FIELD_MALFORMED, FIELD_TOO_LONG.
 */
export function setPicture(
  deps: WorkflowDependencies,
  actor: Actor,
  asked: { seal: string; picture: string | null; reason: string; dryRun: boolean },
): Promise<store.StoredSeal> {
  return onSeal(deps, asked, async (tx, { seal, picture }, at) => {
    const by = namesOf(requireDesigner(seal, actor, at));
    requireWords(asked.reason, 'reason');
    const png = asked.picture === null ? null : readPicture(asked.picture);
    const digest = png && sha256(png);
    if (digest === picture) return [];
    await store.insertPicture(tx, { sealId: seal.id, digest, png, ...by, at });
    return [{ event: 'PICTURE_CHANGED' as const, matterId: null, ...by, reason: asked.reason, at }];
  });
}

function readPicture(base64: string): Uint8Array {
  if (base64.length > PICTURE_LENGTH) throw new Refusal('FIELD_TOO_LONG', 'picture', '图片超过 256 KiB');
  const png = Buffer.from(base64, 'base64');
  if (png.toString('base64') !== base64) throw new Refusal('FIELD_MALFORMED', 'picture', '图片须以 base64 编码');
  try {
    imageOf(png);
    return png;
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    throw new Refusal(error.tooLarge ? 'FIELD_TOO_LONG' : 'FIELD_MALFORMED', 'picture', error.message);
  }
}

/**
 * The office's own picture, PNG, of the seal that may be used for a matter now, or null where that seal is drawn. Refuses as `sign` does
 * where no seal may be used.
 */
export async function pictureFor({ db, now }: WorkflowDependencies, asked: PictureRequest): Promise<Uint8Array | null> {
  const stored = await store.listSealsOf(db, asked.organ);
  const seals = stored.map(({ seal }) => seal);
  const { id } = requireUsable(seals, asked.organ, asked.matterId, now());
  const digest = stored.find(({ seal }) => seal.id === id)?.picture ?? null;
  return digest === null ? null : store.findPicture(db, digest);
}

function namesOf({ id, name }: Person): { actorId: string; actor: string } {
  return { actorId: id, actor: name };
}

function onSeal(
  { db, now }: WorkflowDependencies,
  { seal: id, dryRun }: { seal: string; dryRun: boolean },
  act: (tx: Transaction, stored: store.StoredSeal, at: Date) => Promise<store.SealAct[]>,
): Promise<store.StoredSeal> {
  return transact(db, dryRun, async (tx) => {
    const stored = await store.lockSeal(tx, id);
    if (!stored) throw new Refusal('SEAL_UNKNOWN', 'seal');
    const at = now();
    const acts = await act(tx, stored, at);
    return acts.length === 0 ? stored : store.enterSealActs(tx, id, acts, at);
  });
}
