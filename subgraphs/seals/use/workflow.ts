import type { Transaction } from '../../../db/client.ts';
import { computeContentDigest, sha256, toCanonicalJson } from '../../kernel/events/events.ts';
import type { Halt } from '../../kernel/halt.ts';
import { PdfError } from '../../kernel/pdf/pdf.ts';
import { digestSealable } from '../../kernel/pdf/sealed-pdf.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { readUnverifiedAuthoriser } from '../../kernel/sealing/authorisation.ts';
import { hasSalt } from '../../kernel/sealing/salt.ts';
import {
  type CodeRequest,
  codePayload,
  type SealUseRequest,
  type SignAnswer,
  type SignRequest,
} from '../../kernel/sealing/sign.ts';
import {
  buildChain,
  ensureAuthorities,
  type PkiDependencies,
  pickCurrent,
  toCertifiedKey,
} from '../certification/certification-workflow.ts';
import type { LogWatch } from '../log/watch-store.ts';
import { requireUsable, type Seal } from '../seal.ts';
import { SUITES } from '../signer/cms.ts';
import { type Authoriser, codeKeyId } from '../signer/signer.ts';
import * as ledger from './store.ts';

/** What a use of a seal needs besides the keys: the log must be the one that this process knows. */
export interface UseDependencies extends PkiDependencies {
  watch: LogWatch;
  halt: Halt;
}

/** Throws Halted if the hub has halted, or if the database was set back since this process last looked. */
export async function requireLog(tx: Transaction, { watch, halt }: UseDependencies): Promise<void> {
  halt.requireActing();
  if (!(await watch.look(tx))) halt.raise('DATABASE_SET_BACK');
  halt.requireActing();
}

/**
 * Seals the digest of a prepared file (用印). One transaction stores the signature with its timestamp and records the use
 * in the seal's ledger. So no signature is unrecorded. The same issuance id always returns the same bytes. A decision
 * is sealed once. Refuses SEAL_AUTHORISATION_INVALID, SEAL_CONTENT_DIFFERS, SEAL_UNKNOWN, SEAL_NOT_GRANTED,
 * SEAL_SUSPENDED, SEAL_EXPIRED.
 */
export async function sign(deps: UseDependencies, request: SignRequest): Promise<SignAnswer> {
  for (;;) {
    const answer = await signOnce(deps, request);
    if (answer) return answer;
    // Renew the authorities between attempts. Inside an attempt, renewal would keep others from the seals that the
    // transaction locks.
    await ensureAuthorities(deps);
  }
}

/** Returns null if nothing was signed because an authority must be renewed first. */
function signOnce(deps: UseDependencies, request: SignRequest): Promise<SignAnswer | null> {
  const { db, signer, now } = deps;
  return db.transaction(async (tx) => {
    await requireLog(tx, deps);
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
 * Requires a case that is not yet sealed, and a usable seal that is granted to the person whom the authorisation names,
 * or to whoever decides if that person decides for the seal's organ. The signer verifies the authorisation.
 * `requireSameAuthoriser` then compares the verified person with the named one.
 */
function requireUse<Key>(
  { isCaseSealed, seals, keys }: Pick<ledger.UseContext<unknown, Key>, 'isCaseSealed' | 'seals' | 'keys'>,
  request: SealUseRequest,
  at: Date,
): { seal: Seal; key: Key; authoriserId: string } {
  if (isCaseSealed) throw new Refusal('SEAL_AUTHORISATION_INVALID', null, '此办件已用印');
  const { organ, matterId, act, level } = request;
  const { name: _, ...authoriser } = readUnverifiedAuthoriser(request.authorisation);
  const authoriserId = authoriser.personId;
  const seal = requireUsable(seals, { organ, matterId, act, level, ...authoriser }, at);
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
  const { duplicateBlanks = [] } = request;
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
    duplicateBlanks: duplicateBlanks.length > 0 ? duplicateBlanks : null,
    contentDigest: computeContentDigest(content),
    isSalted: hasSalt(content),
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
export function signCode(deps: UseDependencies, rawRequest: CodeRequest): Promise<string> {
  const { db, signer, now } = deps;
  const request = { ...rawRequest, payload: codePayload.parse(rawRequest.payload) };
  const payload = toCanonicalJson(request.payload);
  return db.transaction(async (tx) => {
    await requireLog(tx, deps);
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
