import { z } from 'zod';
import {
  computeContentDigest,
  type GrantContent,
  grantContent,
  sha256,
  toCanonicalJson,
} from '../../../kernel/events/events.ts';
import { toRecordedOwnership } from '../../../kernel/identity/co-ownership.ts';
import { IDENTITY_KINDS } from '../../../kernel/identity/identity.ts';
import { caseStatementReason, LICENSE_ACTS, makesVersion } from '../../../kernel/license-acts.ts';
import { printedNumber } from '../../../kernel/license-type/license-key.ts';
import { readAttachment } from '../../../kernel/pdf/attachment.ts';
import { PdfError } from '../../../kernel/pdf/pdf.ts';
import { readSealable } from '../../../kernel/pdf/sealed-pdf.ts';
import { Refusal } from '../../../kernel/refusal.ts';
import { hasSalt } from '../../../kernel/sealing/salt.ts';
import type { CodeRequest, SealUseRequest, SignRequest } from '../../../kernel/sealing/sign.ts';
import {
  type SealableRecord,
  type SealableStatement,
  sealableDecision,
  sealableNotice,
  sealableRecord,
  sealableStatement,
} from './sealable.ts';

/**
 * Compares what is to be sealed with what a person authorised. The signer seals nothing else, whoever asks. Pure
 * functions.
 */

const ATTACHMENT_NAMES = { license: 'metadata.json', notice: 'notice.json' } as const;

/**
 * Requires that the document says what was authorised. Returns the SHA-256 (hex) that the signature is made over.
 * Refuses SEAL_CONTENT_DIFFERS.
 */
export function requireDocument(request: SignRequest, authorisedBy: string): string {
  const { document, content, act, caseId, profile, identifier } = request;
  const {
    file,
    digest,
    shown: appearance,
  } = profile === 'PADES' ? readSealableOf(document) : { file: document, digest: sha256(document), shown: null };
  if (act === 'DECISION') {
    requireSameText(readAttached(file, ATTACHMENT_NAMES.notice), content);
    const { success, data } = sealableDecision.safeParse(content);
    if (!success || data.caseNumber !== identifier) throw buildDiffersRefusal();
    requireAppearance(appearance, data.organ.name, data.issuedAt);
  } else if (act === 'NOTICE') {
    requireSameText(readAttached(file, ATTACHMENT_NAMES.notice), content);
    const { success, data } = sealableNotice.safeParse(content);
    if (!success || data.number !== identifier) throw buildDiffersRefusal();
    requireAppearance(appearance, data.organ.name, data.issuedAt);
  } else if (caseId === null) {
    requireSameText(file, content);
    requireOwnStatement(readJson(file, sealableStatement), request, authorisedBy);
  } else if (!makesVersion(act)) requireCaseStatement(readJson(file, sealableStatement), request, authorisedBy);
  else {
    const record = readJson(readAttached(file, ATTACHMENT_NAMES.license), sealableRecord);
    requireRecord(record, request, authorisedBy);
    requireOwnCode(record);
    requireAppearance(appearance, record.ZZQZMC, record.ZZQZSJ);
  }
  return digest;
}

/**
 * Requires that a code is about a version that a case granted, and that its record says what was authorised. An act
 * that makes no version has no code: such a code would pass as that of a license. Refuses SEAL_CONTENT_DIFFERS.
 */
export function requireCode(request: CodeRequest, authorisedBy: string): void {
  const { record, payload, act, caseId } = request;
  if (caseId === null || !makesVersion(act)) throw buildDiffersRefusal();
  const result = sealableRecord.safeParse(record);
  if (!result.success) throw buildDiffersRefusal();
  const { ZZBS: i, ZZBFJG: o, ZZYXQQSRQ: f, ZZYXQJZRQ: t, CZZT: holder } = result.data;
  requireRecord(result.data, request, authorisedBy);
  const { h, ...codeFacts } = payload;
  if (toCanonicalJson(codeFacts) !== toCanonicalJson({ i, o, f, t, d: computeDigest(record) }))
    throw buildDiffersRefusal();
  // A masked name shows only characters of the holder's name.
  if ([...h].some((letter) => letter !== '*' && !holder.includes(letter))) throw buildDiffersRefusal();
}

const buildDiffersRefusal = () => new Refusal('SEAL_CONTENT_DIFFERS');

/**
 * Requires the expected data that viewers show outside the signed content: the seal's name, and the time of sealing to
 * the second.
 */
function requireAppearance(appearance: { name: string; at: Date } | null, name: string, at: string): void {
  if (!appearance) return;
  if (appearance.name !== name || appearance.at.getTime() !== Math.floor(Date.parse(at) / 1000) * 1000)
    throw buildDiffersRefusal();
}

function readSealableOf(document: Uint8Array) {
  try {
    const { unsigned, digest, name, signedOn: at } = readSealable(document);
    return { file: unsigned, digest: digest.toString('hex'), shown: { name, at } };
  } catch (error) {
    if (error instanceof PdfError) throw buildDiffersRefusal();
    throw error;
  }
}

function readAttached(file: Uint8Array, name: string): Uint8Array {
  try {
    const bytes = readAttachment(file, name);
    if (bytes) return bytes;
  } catch (error) {
    if (!(error instanceof PdfError)) throw error;
  }
  throw buildDiffersRefusal();
}

function readJson<Parsed>(bytes: Uint8Array, schema: z.ZodType<Parsed>): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw buildDiffersRefusal();
  }
  const result = schema.safeParse(value);
  if (!result.success) throw buildDiffersRefusal();
  requireSameText(bytes, value);
  return result.data;
}

/**
 * Requires that bytes are the canonical text of a content. Compares bytes, since invalid UTF-8 could decode to the same
 * text.
 */
function requireSameText(bytes: Uint8Array, content: unknown): void {
  if (!Buffer.from(toCanonicalJson(content)).equals(bytes)) throw buildDiffersRefusal();
}

/**
 * Requires that a record says exactly what the decider saw (see `grantContent`). It must have the requested act and
 * identifier, and name the decider.
 */
function requireRecord(record: SealableRecord, request: SealUseRequest, authorisedBy: string): void {
  const { holder, coOwnership, ...content } = parseGrant(request);
  const ownership = coOwnership === undefined ? null : toRecordedOwnership(coOwnership);
  const agrees =
    isSaltedAs(record, content) &&
    record.ZZMC === content.licenseName &&
    record.ZZLXDM === content.licenseType &&
    record.KZ_LXBB === content.typeVersion &&
    record.CZZT === holder.name &&
    record.CZZTDM === holder.code &&
    record.CZZTDMLX === IDENTITY_KINDS[holder.codeKind].record &&
    record.ZZYXQQSRQ === content.validFrom &&
    record.ZZYXQJZRQ === (content.validUntil ?? '长期') &&
    toCanonicalJson(record.KZ_NR) === toCanonicalJson(content.fields) &&
    toCanonicalJson(record.KZ_GY ?? null) === toCanonicalJson(ownership) &&
    toCanonicalJson(record.KZ_BYX ?? []) === toCanonicalJson(content.unprinted ?? []) &&
    (content.licenseNumber === null || record.ZZBH === printedNumber(content.licenseNumber)) &&
    record.KZ_CZ === request.act &&
    record.KZ_SX === content.matterId &&
    record.ZZBS === request.identifier &&
    record.ZZQZR === authorisedBy;
  if (!agrees) throw buildDiffersRefusal();
}

/**
 * Requires that a statement is of the act that was authorised, says the state that the act leads to, and names the
 * person who authorised it: the allow-list was asked about that act.
 */
function requireStatement(statement: SealableStatement, { act, identifier }: SealUseRequest, authorisedBy: string) {
  const agrees =
    act !== 'DECISION' &&
    act !== 'NOTICE' &&
    statement.CZ === act &&
    statement.ZZBS === identifier &&
    statement.ZZZT === LICENSE_ACTS[act].to &&
    statement.ZZQZR === authorisedBy;
  if (!agrees) throw buildDiffersRefusal();
}

/** A grant with a random element is put only onto a record with one of its own: the leaf says that both have one. */
function isSaltedAs(record: object, grant: object): boolean {
  return hasSalt(record) || !hasSalt(grant);
}

/** Requires a statement on the organ's own authority. Its reason is the organ's own, and it names no case. */
function requireOwnStatement(statement: SealableStatement, request: SealUseRequest, authorisedBy: string): void {
  requireStatement(statement, request, authorisedBy);
  if (statement.KZ_BJBH !== null) throw buildDiffersRefusal();
}

/** Requires a statement that a case decided. Its reason is the fixed one, because the case decided no other words. */
function requireCaseStatement(statement: SealableStatement, request: SealUseRequest, authorisedBy: string): void {
  requireStatement(statement, request, authorisedBy);
  const grant = parseGrant(request);
  const { licenseNumber, action } = grant;
  const agrees =
    isSaltedAs(statement, grant) &&
    licenseNumber !== null &&
    statement.ZZBH === printedNumber(licenseNumber) &&
    statement.SM === caseStatementReason(action) &&
    statement.KZ_BJBH !== null &&
    [statement.KZ_JGZL, statement.KZ_NBBH, statement.KZ_JDWH, statement.KZ_TZ].every((own) => own === undefined);
  if (!agrees) throw buildDiffersRefusal();
}

function parseGrant({ content, act, matterId }: SealUseRequest): GrantContent {
  const { success, data } = grantContent.safeParse(content);
  if (!success || data.action !== act || data.matterId !== matterId) throw buildDiffersRefusal();
  return data;
}

/** Requires that a code on the document is about this very record. */
function requireOwnCode({ KZ_EWM: code, ...record }: SealableRecord): void {
  if (code === undefined) return;
  const [, payload = ''] = code.slice(code.indexOf('#') + 1).split('.');
  const codeClaims = readJson(Buffer.from(payload, 'base64url'), z.looseObject({ d: z.string() }));
  if (codeClaims.d !== computeDigest(record)) throw buildDiffersRefusal();
}

/** Returns the SHA-256 of a record's canonical text, base64url, as codes contain it. */
function computeDigest(record: unknown): string {
  return Buffer.from(computeContentDigest(record), 'hex').toString('base64url');
}
