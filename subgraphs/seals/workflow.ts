import { X509Certificate } from 'node:crypto';
import { type Transaction, transact } from '../../db/client.ts';
import type { Actor, Person } from '../kernel/actor.ts';
import { computeContentDigest, sha256, toCanonicalJson } from '../kernel/events/events.ts';
import { PdfError } from '../kernel/pdf/pdf.ts';
import { PictureError, toSealImage } from '../kernel/pdf/seal-image.ts';
import { digestSealable } from '../kernel/pdf/sealed-pdf.ts';
import { requireAllowed } from '../kernel/policy.ts';
import { Refusal } from '../kernel/refusal.ts';
import {
  type AttestRequest,
  attestRequest,
  type CodeRequest,
  codePayload,
  type PictureRequest,
  type SealUseRequest,
  type SignAnswer,
  type SignRequest,
} from '../kernel/sealing/sign.ts';
import { readUnverifiedAuthoriser } from '../kernel/sealing/token.ts';
import { requireReason } from '../kernel/text.ts';
import {
  buildChain,
  ensureAuthorities,
  type PkiDependencies,
  pickCurrent,
  toCertifiedKey,
} from './certification/certification-workflow.ts';
import * as ledger from './ledger-store.ts';
import { buildAttestationLeaf, buildTimestampLeaf } from './log/leaf.ts';
import { insertLeaves } from './log/store.ts';
import { mayRequestCertificate, SEALS_POLICY } from './policy.ts';
import { organNameOf, requireFilingNumber, requireUsable, type Seal } from './seal.ts';
import { SUITES } from './signer/cms.ts';
import { type Authoriser, codeKeyId } from './signer/signer.ts';
import * as store from './store.ts';

const MAX_REASON_CHARS = 500;

/**
 * Seals the digest of a prepared file (用印). One transaction stores the signature with its timestamp and records the use
 * in the seal's ledger. So no signature is unrecorded. The same issuance id always returns the same bytes. A decision
 * is sealed once. Refuses SEAL_AUTHORISATION_INVALID, SEAL_CONTENT_DIFFERS, SEAL_UNKNOWN, SEAL_NOT_GRANTED,
 * SEAL_SUSPENDED, SEAL_EXPIRED.
 */
export async function sign(deps: PkiDependencies, request: SignRequest): Promise<SignAnswer> {
  for (;;) {
    const answer = await signOnce(deps, request);
    if (answer) return answer;
    // Renew the authorities between attempts. Inside an attempt, renewal would keep others from the seals that the
    // transaction locks.
    await ensureAuthorities(deps);
  }
}

/** Returns null if nothing was signed because an authority must be renewed first. */
function signOnce({ db, signer, now }: PkiDependencies, request: SignRequest): Promise<SignAnswer | null> {
  return db.transaction(async (tx) => {
    const context = await ledger.lockForSeal(tx, request);
    if (context.previous) return repeatAnswer(context.previous, context.seals, request);

    const { seal, key, authoriserId } = requireUse(context, request, now());
    const currentAuthorities = pickCurrent(context.authorities, now());
    if (!currentAuthorities) return null;
    const {
      signature,
      signedAt,
      by: authoriser,
    } = await signer.seal({
      key: { keyId: seal.id, encrypted: key.encryptedKey },
      chain: buildChain(key, currentAuthorities),
      stamp: toCertifiedKey(currentAuthorities.timestamp),
      request,
    });
    requireSameAuthoriser(authoriser, authoriserId);
    const suite = SUITES[request.profile];
    const useRow = { ...buildUse(request, authoriser), sealId: seal.id, documentDigest: computeDigest(request) };
    await ledger.insertUse(tx, { ...useRow, suite, signature, at: signedAt });
    return { state: 'SIGNED', signature, sealId: seal.id, sealName: seal.name, signedAt: signedAt.toISOString() };
  });
}

/**
 * Returns the SHA-256 of what is sealed: the byte ranges of a PDF (PADES), or the whole file (CADES). Refuses
 * SEAL_CONTENT_DIFFERS if the PDF has no such ranges.
 */
function computeDigest({ profile, document }: SignRequest): string {
  if (profile === 'CADES') return sha256(document);
  try {
    return digestSealable(document).toString('hex');
  } catch (error) {
    if (error instanceof PdfError) throw new Refusal('SEAL_CONTENT_DIFFERS');
    throw error;
  }
}

/**
 * Requires a case that is not yet sealed, and a usable seal that is granted to the person whom the authorisation names.
 * The signer verifies the authorisation. `requireSameAuthoriser` then compares the verified person with the named one.
 */
function requireUse<Key>(
  { isCaseSealed, seals, keys }: Pick<ledger.UseContext<unknown, Key>, 'isCaseSealed' | 'seals' | 'keys'>,
  request: SealUseRequest,
  at: Date,
): { seal: Seal; key: Key; authoriserId: string } {
  if (isCaseSealed) throw new Refusal('SEAL_AUTHORISATION_INVALID', null, '此办件已用印');
  const { organ, matterId } = request;
  const authoriserId = readUnverifiedAuthoriser(request.authorisation).actor;
  const seal = requireUsable(seals, { organ, matterId, personId: authoriserId }, at);
  const key = keys.get(seal.id);
  if (!key) throw new Error(`seal ${seal.id} has no key for this`);
  return { seal, key, authoriserId };
}

/** Requires that the verified authoriser is the person whose grant was checked. Refuses SEAL_AUTHORISATION_INVALID. */
function requireSameAuthoriser(authoriser: Authoriser, authoriserId: string): void {
  if (authoriser.actor !== authoriserId) throw new Refusal('SEAL_AUTHORISATION_INVALID');
}

/** Returns the columns that every use records. */
function buildUse({ content, ...request }: SealUseRequest, authoriser: Authoriser) {
  const { issuanceId, authorisation, organ, matterId, caseId, act: planActs, identifier, blankNumber = null } = request;
  const authoriserFields = { authorisedById: authoriser.actor, authorisedBy: authoriser.actorName };
  return {
    issuanceId,
    authorisation,
    organ,
    matterId,
    caseId,
    act: planActs,
    identifier,
    blankNumber,
    contentDigest: computeContentDigest(content),
    ...authoriserFields,
  };
}

/** Fields that must be equal in a recorded use and in a request for the same issuance. */
const ISSUANCE_FIELDS = ['organ', 'matterId', 'caseId', 'act', 'identifier'] as const;

function requireSameRequest(previous: ledger.UseRow | ledger.CodeRow, request: SignRequest | CodeRequest): void {
  const isSame =
    ISSUANCE_FIELDS.every((field) => previous[field] === request[field]) &&
    previous.contentDigest === computeContentDigest(request.content);
  if (!isSame) throw new Refusal('SEAL_AUTHORISATION_INVALID');
}

function repeatAnswer(previous: ledger.UseRow, seals: readonly Seal[], request: SignRequest): SignAnswer {
  requireSameRequest(previous, request);
  const profile = previous.suite.startsWith('PAdES') ? 'PADES' : 'CADES';
  if (profile !== request.profile || previous.documentDigest !== computeDigest(request))
    throw new Refusal('SEAL_AUTHORISATION_INVALID');
  const { signature, sealId, at } = previous;
  const seal = seals.find((candidate) => candidate.id === sealId);
  if (!seal) throw new Error(`no seal ${sealId}`);
  return { state: 'SIGNED', signature, sealId, sealName: seal.name, signedAt: at.toISOString() };
}

/**
 * Signs the payload of a QR code (二维码) with the seal's small key. Returns a compact JWS (RFC 7515, ES256). Conditions
 * and record are those of a signature. The same issuance id always returns the same code. Refuses as `sign` does.
 */
export function signCode(deps: PkiDependencies, rawRequest: CodeRequest): Promise<string> {
  const { db, signer, now } = deps;
  const request = { ...rawRequest, payload: codePayload.parse(rawRequest.payload) };
  const payload = toCanonicalJson(request.payload);
  return db.transaction(async (tx) => {
    const context = await ledger.lockForCode(tx, request);
    const { previous } = context;
    if (previous) {
      requireSameRequest(previous, request);
      if (previous.payload !== payload) throw new Refusal('SEAL_AUTHORISATION_INVALID');
      return previous.code;
    }
    const { seal, key: codeKey, authoriserId } = requireUse(context, request, now());
    const { certificatePem, encryptedKey: encrypted } = codeKey;
    const key = { keyId: codeKeyId(seal.id), encrypted, certificatePem };
    const { code, by: authoriser } = await signer.code({ key, request });
    requireSameAuthoriser(authoriser, authoriserId);
    await ledger.insertCode(tx, { ...buildUse(request, authoriser), sealId: seal.id, payload, code, at: now() });
    return code;
  });
}

/**
 * Signs a statement on the state of licenses (状态声明). Returns a compact JWS (RFC 7515, ES256) of the requested type,
 * with the certificates below the root in `x5c`. Throws ZodError if the claims are not an object or are too long.
 */
export async function attest(deps: PkiDependencies, rawRequest: AttestRequest): Promise<string> {
  const request = attestRequest.parse(rawRequest);
  const { status } = await ensureAuthorities(deps);
  const jws = await deps.signer.attest({ key: toCertifiedKey(status), request });
  await insertLeaves(deps.db, [buildAttestationLeaf(request.typ, jws, deps.now())]);
  return jws;
}

/** Returns a timestamp token (时间戳, RFC 3161, DER) over a SHA-256 digest. Throws RangeError if `digest` is not one. */
export async function stamp(deps: PkiDependencies, digest: Uint8Array): Promise<Uint8Array> {
  const { timestamp } = await ensureAuthorities(deps);
  const token = await deps.signer.stamp({ key: toCertifiedKey(timestamp), digest });
  await insertLeaves(deps.db, [buildTimestampLeaf(digest, token, deps.now())]);
  return token;
}

/** Suspends a seal (停用) or puts it back into use (恢复使用). */
export function setUse(
  deps: PkiDependencies,
  actor: Actor,
  input: { seal: string; reason: string; to: 'SUSPENDED' | 'IN_USE'; dryRun: boolean },
): Promise<store.StoredSeal> {
  return actOnSeal(deps, input, async (tx, { seal }, at) => {
    const { to: state } = input;
    const rule = state === 'SUSPENDED' ? SEALS_POLICY.suspendSeal : SEALS_POLICY.resumeSeal;
    const keeper = requireAllowed(rule, { seal, at }, actor);
    requireReason(input.reason, MAX_REASON_CHARS);
    if (state === seal.state) return [];
    await store.setSeal(tx, seal.id, { state });
    const event = state === 'SUSPENDED' ? ('SUSPENDED' as const) : ('RESUMED' as const);
    return [{ event, matterId: null, ...toActorFields(keeper), reason: input.reason, at }];
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
    await store.setSeal(tx, seal.id, { state: 'IN_USE' });
    return [{ event: 'PUT_INTO_USE' as const, matterId: null, ...toActorFields(keeper), reason: null, at }];
  });
}

/** Maximum of base64 characters of a picture: 256 KiB of bytes. */
const MAX_PICTURE_BASE64_CHARS = 350_000;

/**
 * Sets the office's own picture of a seal (PNG in base64). Null restores the drawn picture. Documents sealed from now
 * on show it. The same picture again changes nothing. Refuses FIELD_MALFORMED, FIELD_TOO_LONG.
 */
export function setPicture(
  deps: PkiDependencies,
  actor: Actor,
  input: { seal: string; picture: string | null; reason: string; dryRun: boolean },
): Promise<store.StoredSeal> {
  return actOnSeal(deps, input, async (tx, { seal, picture }, at) => {
    const keeperFields = toActorFields(requireAllowed(SEALS_POLICY.setSealPicture, { seal, at }, actor));
    requireReason(input.reason, MAX_REASON_CHARS);
    const png = input.picture === null ? null : parsePicture(input.picture);
    const digest = png && sha256(png);
    if (digest === picture) return [];
    await store.insertPicture(tx, { sealId: seal.id, digest, png, ...keeperFields, at });
    return [{ event: 'PICTURE_CHANGED' as const, matterId: null, ...keeperFields, reason: input.reason, at }];
  });
}

function parsePicture(base64: string): Uint8Array {
  if (base64.length > MAX_PICTURE_BASE64_CHARS) throw new Refusal('FIELD_TOO_LONG', 'picture', '图片超过 256 KiB');
  const png = Buffer.from(base64, 'base64');
  if (png.toString('base64') !== base64) throw new Refusal('FIELD_MALFORMED', 'picture', '图片须以 base64 编码');
  try {
    toSealImage(png);
    return png;
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    throw new Refusal(error.isTooLarge ? 'FIELD_TOO_LONG' : 'FIELD_MALFORMED', 'picture', error.message);
  }
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
export async function requestCertificate(deps: PkiDependencies, actor: Actor, id: string): Promise<string | null> {
  const [stored] = await store.findSeals(deps.db, [id]);
  if (!stored || !mayRequestCertificate({ seal: stored.seal, at: deps.now() }, actor)) return null;
  const { seal, certificate } = stored;
  const publicKey = new X509Certificate(certificate.certificatePem).publicKey;
  return deps.signer.request({
    key: { keyId: id, encrypted: certificate.encryptedKey },
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
