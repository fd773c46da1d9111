import { createHash } from 'node:crypto';
import { z } from 'zod';
import { toCanonicalJson } from '../../../kernel/events/events.ts';
import { parseForeignJson } from '../../../kernel/foreign/json.ts';
import { readProof, requireLoggedLeaf, type SignedCheckpoint, writeProof } from '../../../kernel/tlog/checkpoint.ts';
import { LogFault } from '../../../kernel/tlog/fault.ts';
import { KEY_TYPES, type NoteKey, readKey } from '../../../kernel/tlog/note.ts';
import { hashLeaf } from '../../../kernel/tlog/tree.ts';
import type { LoggedUse } from '../evidence.ts';
import { Failure, formatTime } from '../verdict.ts';

/** The transparency log (透明日志) that a verifier trusts. */
export interface LogTrust {
  /** Keys as text (vkey): the log's key and the witnesses' keys. More than half of the witnesses must have signed. */
  keys: readonly string[];
  /** Whether a seal use without a proof fails. */
  required: boolean;
}

/** What must be in the log: a signature with a seal, or a statement of the register. */
export type LoggedSubject =
  | { kind: 'SEAL_USE'; identifier: string; documentDigest: Uint8Array; signature: Uint8Array }
  | { kind: 'ATTESTATION'; digest: Uint8Array };

const attestationEntry = z.looseObject({ v: z.literal(1), kind: z.literal('ATTESTATION'), digest: z.string() });
/** The fields of a leaf that are compared with the signature. */
const useEntry = z.looseObject({
  v: z.literal(1),
  kind: z.literal('SEAL_USE'),
  identifier: z.string(),
  documentDigest: z.string(),
  signatureDigest: z.string(),
});

const proofFailure = (detail: string) => new Failure('NO_POE', detail);

/**
 * Requires proof that the log contains the signature. The proof is a leaf about it, under a checkpoint
 * signed by the log and by more than half of the trusted witnesses. Returns a description. Returns null if no log is
 * trusted, or if a proof is not required and is absent or has too few witnesses. Throws Failure NO_POE.
 */
export function requireLogged(
  loggedUse: LoggedUse | null,
  subject: LoggedSubject,
  trust: LogTrust | null,
): string | null {
  if (trust === null) return null;
  if (loggedUse === null) {
    if (trust.required) throw proofFailure('没有用印已记入透明日志的证明');
    return null;
  }
  const { log, witnesses } = parseKeys(trust);
  const checkpoint = requireProvenLeaf(loggedUse, { origin: log.name, log, witnesses });
  if (!isAbout(loggedUse.entry, subject)) throw proofFailure('日志中的记录不是关于这一签名的');
  const witnessNames = new Set(checkpoint.witnesses.map(({ key }) => key.name));
  if (witnesses.length > 0 && witnessNames.size * 2 <= witnesses.length) {
    if (!trust.required) return null;
    throw proofFailure(`${witnesses.length} 个见证人中只有 ${witnessNames.size} 个见证过日志的这一状态`);
  }
  const times = checkpoint.witnesses.flatMap(({ time }) => (time === null ? [] : [time]));
  const witnessDetail =
    times.length > 0
      ? `，见证人 ${[...witnessNames].join('、')} 于 ${formatTime(new Date(Math.min(...times) * 1000))} 见证`
      : '';
  return `“${log.name}”第 ${checkpoint.index} 条，日志共 ${checkpoint.size} 条${witnessDetail}`;
}

function isAbout(entry: unknown, subject: LoggedSubject): boolean {
  const toHex = (digest: Uint8Array) => Buffer.from(digest).toString('hex');
  if (subject.kind === 'ATTESTATION') return attestationEntry.safeParse(entry).data?.digest === toHex(subject.digest);
  const { success, data } = useEntry.safeParse(entry);
  return (
    success &&
    data.identifier === subject.identifier &&
    data.documentDigest === toHex(subject.documentDigest) &&
    data.signatureDigest === createHash('sha256').update(subject.signature).digest('hex')
  );
}

function parseKeys({ keys }: LogTrust): { log: NoteKey; witnesses: NoteKey[] } {
  try {
    const noteKeys = keys.map(readKey);
    const [log, ...others] = noteKeys.filter(({ type }) => type === KEY_TYPES.log);
    if (log && others.length === 0)
      return { log, witnesses: noteKeys.filter(({ type }) => type === KEY_TYPES.witness) };
  } catch (error) {
    if (!(error instanceof LogFault)) throw error;
  }
  throw proofFailure('日志公钥不正确：须有一个日志的，可有见证人的');
}

function requireProvenLeaf(
  { entry, proof }: LoggedUse,
  trust: { origin: string; log: NoteKey; witnesses: NoteKey[] },
): SignedCheckpoint & { index: number } {
  try {
    return requireLoggedLeaf(proof, hashLeaf(Buffer.from(toCanonicalJson(entry))), trust);
  } catch (error) {
    if (error instanceof LogFault) throw proofFailure(`日志证明不成立：${error.code}`);
    throw error;
  }
}

/** Parses a proof as the log publishes it, with its entry in the line `extra`. Throws LogFault. */
export function parseLoggedUse(text: string): LoggedUse {
  const { extra, ...proof } = readProof(text);
  const entry: unknown = parseForeignJson(Buffer.from(extra ?? []).toString('utf8') || 'null');
  return { entry: { ...(entry as object) }, proof: writeProof({ ...proof, extra: null }) };
}
