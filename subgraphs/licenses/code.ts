import { createHash } from 'node:crypto';
import { toCanonicalJson } from '../kernel/events.ts';
import type { CodePayload } from '../kernel/sign.ts';
import type { AttachedRecord, LicenseRecord } from './record.ts';

/** The QR code of a license (二维码): a link, and behind `#` what anyone can check without network. */

/** Characters of an organisation's name that stay at its beginning and end. */
const NAME_HEAD = 4;
const NAME_TAIL = 4;

/** A holder's name as the code shows it: of a citizen the first character, of an organisation the beginning and the end. */
export function maskName(name: string, kind: LicenseRecord['CZZTDMLX']): string {
  const letters = [...name];
  if (kind === '111') return `${letters[0] ?? ''}${'*'.repeat(Math.max(letters.length - 1, 1))}`;
  const hidden = letters.length - NAME_HEAD - NAME_TAIL;
  if (hidden <= 0) return `${letters.slice(0, 2).join('')}${'*'.repeat(Math.max(letters.length - 2, 1))}`;
  return `${letters.slice(0, NAME_HEAD).join('')}${'*'.repeat(Math.min(hidden, 4))}${letters.slice(-NAME_TAIL).join('')}`;
}

/** What the code of a record says. */
export function codePayloadOf(record: LicenseRecord): CodePayload {
  return {
    i: record.ZZBS,
    h: maskName(record.CZZT, record.CZZTDMLX),
    o: record.ZZBFJG,
    f: record.ZZYXQQSRQ,
    t: record.ZZYXQJZRQ,
    d: createHash('sha256').update(toCanonicalJson(record)).digest('base64url'),
  };
}

/** The record as it is attached to its PDF: with the text of its code, where it has one. */
export function attachedOf(record: LicenseRecord, code: string | null): AttachedRecord {
  return code === null ? record : { ...record, KZ_EWM: `${record.KZ_HYDZ}#${code}` };
}

/** Which certificate a code names: `kid` of its header. */
export function kidOf(code: string): string {
  const { kid } = JSON.parse(Buffer.from(code.split('.')[0] ?? '', 'base64url').toString('utf8')) as { kid: string };
  return kid;
}
