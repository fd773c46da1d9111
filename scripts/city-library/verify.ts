import { isDeepStrictEqual } from 'node:util';
import type { Question, State, VersionRecord } from './protocol.ts';

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

/** Answers a question about a stored license version, on the day `today` (YYYY-MM-DD). */
export function answerQuestion(
  question: Question,
  certificate: { state: State; documentDigest: string; record: VersionRecord } | null,
  today: string,
): Verdict {
  const { identifier, ...claims } = question;
  if (identifier === undefined || Object.keys(claims).length === 0) return 4;
  if (!certificate) return 5;
  const { record } = certificate;
  const facts: Required<Omit<Question, 'identifier'>> = {
    number: record.ZZBH,
    documentDigest: certificate.documentDigest,
    holderName: record.CZZT,
    holderCode: record.CZZTDM,
    issuerCode: record.ZZBFJGDM,
  };
  if (!isDeepStrictEqual({ ...facts, ...claims }, facts)) return 6;
  if (certificate.state === 'SUSPENDED') return 2;
  if (certificate.state !== 'VALID') return 3;
  if (record.ZZYXQJZRQ !== '长期' && record.ZZYXQJZRQ < today) return 3;
  return today < record.ZZYXQQSRQ ? 1 : 0;
}
