import { z } from 'zod';
import { readAttachment } from '../../kernel/attachment.ts';
import { canonical, contentDigest, type GrantContent, grantContent, sha256 } from '../../kernel/events.ts';
import { PdfError } from '../../kernel/pdf.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { readSealable } from '../../kernel/sealed-pdf.ts';
import type { CodeRequest, SealUseRequest, SignRequest } from '../../kernel/sign.ts';

/**
 * Compares what is to be sealed with what a person authorised. The signer seals nothing else, whoever asks. Pure
 * functions.
 */

const text = z.string();
/** The fields of a license's record (GB/T 36903) that its case decided. The rest is the hub's own numbering. */
const recordForm = z.looseObject({
  ZZMC: text,
  ZZLXDM: text,
  ZZBH: text,
  ZZBS: text,
  ZZBFJG: text,
  CZZT: text,
  CZZTDM: text,
  CZZTDMLX: text,
  ZZYXQQSRQ: text,
  ZZYXQJZRQ: text,
  ZZQZR: text,
  KZ_CZ: text,
  KZ_SX: text,
  KZ_NR: z.array(z.unknown()),
  ZZQZSJ: text,
  ZZQZMC: text,
  KZ_EWM: text.optional(),
});
type SealedRecord = z.infer<typeof recordForm>;
/** The fields of a statement on a license that a case decided to cancel. */
const statementForm = z.looseObject({ CZ: text, ZZBH: text, ZZBS: text, ZZQZR: text });
/** The fields of a decision document that its seal shows. */
const noticeForm = z.looseObject({ caseNumber: text, issuedAt: text, organ: z.looseObject({ name: text }) });

const ATTACHED = { license: 'metadata.json', notice: 'notice.json' } as const;

/**
 * Requires that the document says what was authorised. Returns the SHA-256 (hex) that the signature is made over.
 * Refuses SEAL_CONTENT_DIFFERS.
 */
export function requireDocument(request: SignRequest, authorisedBy: string): string {
  const { document, content, act, caseId, profile, identifier } = request;
  const { file, digest, shown } =
    profile === 'PADES' ? readSealableOf(document) : { file: document, digest: sha256(document), shown: null };
  if (act === 'DECISION') {
    requireText(attached(file, ATTACHED.notice), content);
    const { success, data } = noticeForm.safeParse(content);
    if (!success || data.caseNumber !== identifier) throw differs();
    requireShown(shown, data.organ.name, data.issuedAt);
  } else if (caseId === null) {
    requireText(file, content);
    // The statement must be of the act that was authorised: the allow-list was asked about that one.
    if (content.ZZBS !== identifier || content.CZ !== act) throw differs();
  } else if (act === 'CANCEL') requireStatement(readJson(file, statementForm), request, authorisedBy);
  else {
    const record = readJson(attached(file, ATTACHED.license), recordForm);
    requireRecord(record, request, authorisedBy);
    requireOwnCode(record);
    requireShown(shown, record.ZZQZMC, record.ZZQZSJ);
  }
  return digest;
}

/** Requires that a code is about a record that says what was authorised. Refuses SEAL_CONTENT_DIFFERS. */
export function requireCode(request: CodeRequest, authorisedBy: string): void {
  const { record, payload } = request;
  const read = recordForm.safeParse(record);
  if (!read.success) throw differs();
  const { ZZBS: i, ZZBFJG: o, ZZYXQQSRQ: f, ZZYXQJZRQ: t, CZZT: holder } = read.data;
  requireRecord(read.data, request, authorisedBy);
  const { h, ...said } = payload;
  if (canonical(said) !== canonical({ i, o, f, t, d: digestOf(record) })) throw differs();
  // A masked name shows only characters of the holder's name.
  if ([...h].some((letter) => letter !== '*' && !holder.includes(letter))) throw differs();
}

const differs = () => new Refusal('SEAL_CONTENT_DIFFERS');

/**
 * Requires the expected data that viewers show outside the signed content: the seal's name, and the time of sealing to
 * the second.
 */
function requireShown(shown: { name: string; at: Date } | null, name: string, at: string): void {
  if (!shown) return;
  if (shown.name !== name || shown.at.getTime() !== Math.floor(Date.parse(at) / 1000) * 1000) throw differs();
}

function readSealableOf(document: Uint8Array) {
  try {
    const { unsigned, digest, name, signedOn: at } = readSealable(document);
    return { file: unsigned, digest: digest.toString('hex'), shown: { name, at } };
  } catch (error) {
    if (error instanceof PdfError) throw differs();
    throw error;
  }
}

function attached(file: Uint8Array, name: string): Uint8Array {
  try {
    const bytes = readAttachment(file, name);
    if (bytes) return bytes;
  } catch (error) {
    if (!(error instanceof PdfError)) throw error;
  }
  throw differs();
}

function readJson<Read>(bytes: Uint8Array, form: z.ZodType<Read>): Read {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw differs();
  }
  const read = form.safeParse(value);
  if (!read.success) throw differs();
  requireText(bytes, value);
  return read.data;
}

/**
 * Requires that bytes are the canonical text of a content. Compares bytes, since invalid UTF-8 could decode to the same
 * text.
 */
function requireText(said: Uint8Array, content: unknown): void {
  if (!Buffer.from(canonical(content)).equals(said)) throw differs();
}

/**
 * Requires that a record says exactly what the decider saw (see `grantContent`). It must have the requested act and
 * identifier, and name the decider.
 */
function requireRecord(record: SealedRecord, request: SealUseRequest, authorisedBy: string): void {
  const { holder, ...content } = grantOf(request);
  const agrees =
    record.ZZMC === content.licenseName &&
    record.ZZLXDM === content.licenseType &&
    record.CZZT === holder.name &&
    record.CZZTDM === holder.code &&
    record.CZZTDMLX === (holder.codeKind === 'USCC' ? '001' : '111') &&
    record.ZZYXQQSRQ === content.validFrom &&
    record.ZZYXQJZRQ === (content.validUntil ?? '长期') &&
    canonical(record.KZ_NR) === canonical(content.fields) &&
    (content.licenseNumber === null || record.ZZBH === content.licenseNumber) &&
    record.KZ_CZ === request.act &&
    record.KZ_SX === content.matterId &&
    record.ZZBS === request.identifier &&
    record.ZZQZR === authorisedBy;
  if (!agrees) throw differs();
}

function requireStatement(said: z.infer<typeof statementForm>, request: SealUseRequest, authorisedBy: string): void {
  const { licenseNumber } = grantOf(request);
  const agrees =
    said.CZ === 'CANCEL' &&
    said.ZZBH === licenseNumber &&
    said.ZZBS === request.identifier &&
    said.ZZQZR === authorisedBy;
  if (!agrees) throw differs();
}

function grantOf({ content, act, matterId }: SealUseRequest): GrantContent {
  const { success, data } = grantContent.safeParse(content);
  if (!success || data.action !== act || data.matterId !== matterId) throw differs();
  return data;
}

/** Requires that a code on the document is about this very record. */
function requireOwnCode({ KZ_EWM: code, ...record }: SealedRecord): void {
  if (code === undefined) return;
  const [, payload = ''] = code.slice(code.indexOf('#') + 1).split('.');
  const said = readJson(Buffer.from(payload, 'base64url'), z.looseObject({ d: text }));
  if (said.d !== digestOf(record)) throw differs();
}

/** Returns the SHA-256 of a record's canonical text, base64url, as codes contain it. */
function digestOf(record: unknown): string {
  return Buffer.from(contentDigest(record), 'hex').toString('base64url');
}
