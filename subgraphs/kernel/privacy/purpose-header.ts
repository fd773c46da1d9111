import type { FastifyRequest } from 'fastify';
import { Refusal } from '../refusal.ts';
import type { StatedPurpose } from './purpose.ts';

/**
 * Returns the purpose that a request for a file states: `x-purpose`, a name of `PURPOSES`, and `x-purpose-remark`,
 * percent-encoded UTF-8 (RFC 8187). The only place where a route reads a purpose. Refuses FIELD_MALFORMED.
 */
export function readStatedPurpose({ headers }: Pick<FastifyRequest, 'headers'>): StatedPurpose {
  const read = (name: string): string | null => {
    const value = headers[name];
    if (typeof value !== 'string') return null;
    try {
      return decodeURIComponent(value);
    } catch {
      throw new Refusal('FIELD_MALFORMED', name);
    }
  };
  return { purpose: read('x-purpose'), remark: read('x-purpose-remark') };
}

/** A request with this header, `true`, asks only whether the file may be read. It is answered 204, and not recorded. */
export const REHEARSAL_HEADER = 'x-dry-run';

export function isRehearsal({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers[REHEARSAL_HEADER] === 'true';
}
