import { isDeepStrictEqual } from 'node:util';
import type { Question, State, VersionRecord } from './protocol.ts';
import { type Joins, stateOn, type ValidityState } from './validity.ts';

/** The answers of `POST /certificates/verify`. */
export const VERDICTS = {
  0: '证照真实有效。',
  1: '证照尚未生效。',
  2: '证照已暂扣。',
  3: '证照已不再有效。',
  4: '查询信息不完整。',
  5: '没有此证照。',
  6: '查询信息与证照不一致。',
} as const;
export type Verdict = keyof typeof VERDICTS;

/** The answer for each state. Every other one is no longer valid. */
const STATE_VERDICTS: Partial<Record<ValidityState, Verdict>> = { VALID: 0, NOT_YET_VALID: 1, SUSPENDED: 2 };

/** What an answer is about. Absent: no renewal waits, and none holds off the last day. */
interface AnsweredCertificate extends Partial<Joins> {
  state: State;
  documentDigest: string;
  record: VersionRecord;
}

/** Answers a question about a stored license version, on the day `today` (YYYY-MM-DD). */
export function answerQuestion(question: Question, certificate: AnsweredCertificate | null, today: string): Verdict {
  const { identifier, ...claims } = question;
  if (identifier === undefined || Object.keys(claims).length === 0) return 4;
  if (!certificate) return 5;
  const { record, state, supersededFrom = null, heldUntil = null } = certificate;
  const facts: Required<Omit<Question, 'identifier'>> = {
    number: record.ZZBH,
    documentDigest: certificate.documentDigest,
    holderName: record.CZZT,
    holderCode: record.CZZTDM,
    issuerCode: record.ZZBFJGDM,
  };
  if (!isDeepStrictEqual({ ...facts, ...claims }, facts)) return 6;
  return STATE_VERDICTS[stateOn(state, record, today, { supersededFrom, heldUntil })] ?? 3;
}
