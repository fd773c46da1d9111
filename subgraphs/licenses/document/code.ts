import { createHash } from 'node:crypto';
import { toCanonicalJson } from '../../kernel/events/events.ts';
import { isPersonRecord } from '../../kernel/identity/identity.ts';
import type { CodePayload } from '../../kernel/sealing/sign.ts';
import type { AttachedRecord, LicenseRecord } from '../act/record.ts';
import { requireSealed } from '../registration/record.ts';

/** The QR code of a license (二维码): a link, and after `#` a signed text that anyone can check without network. */

/** Characters of an organisation's name that stay visible at its beginning and end. */
const NAME_HEAD_CHARS = 4;
const NAME_TAIL_CHARS = 4;

/** Masks a holder's name for the code: a person keeps the first character, an organisation its beginning and end. */
export function maskName(name: string, kind: LicenseRecord['CZZTDMLX']): string {
  const letters = [...name];
  if (isPersonRecord(kind)) return `${letters[0] ?? ''}${'*'.repeat(Math.max(letters.length - 1, 1))}`;
  const hiddenCount = letters.length - NAME_HEAD_CHARS - NAME_TAIL_CHARS;
  if (hiddenCount <= 0) return `${letters.slice(0, 2).join('')}${'*'.repeat(Math.max(letters.length - 2, 1))}`;
  return `${letters.slice(0, NAME_HEAD_CHARS).join('')}${'*'.repeat(Math.min(hiddenCount, 4))}${letters.slice(-NAME_TAIL_CHARS).join('')}`;
}

/** Returns the payload that the code of a record signs. */
export function buildCodePayload(record: LicenseRecord): CodePayload {
  return {
    i: record.ZZBS,
    h: maskName(record.CZZT, record.CZZTDMLX),
    o: record.ZZBFJG,
    f: record.ZZYXQQSRQ,
    t: record.ZZYXQJZRQ,
    d: createHash('sha256').update(toCanonicalJson(record)).digest('base64url'),
  };
}

/** Returns the record as attached to its PDF: with the text of its code, if it has one. */
export function buildAttachedRecord(record: LicenseRecord, code: string | null): AttachedRecord {
  const sealed = requireSealed(record);
  return code === null ? sealed : { ...sealed, KZ_EWM: `${record.KZ_HYDZ}#${code}` };
}

/** Returns the `kid` in the header of a code, which identifies its certificate. */
export function readCodeKid(code: string): string {
  const { kid } = JSON.parse(Buffer.from(code.split('.')[0] ?? '', 'base64url').toString('utf8')) as { kid: string };
  return kid;
}
