import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';

/**
 * The signer's list of authorisations that waited for their seal when the keys of processes changed, by digest. Each
 * was verified by the key of its time when the list was written. Only the operator of the signer's machine writes it.
 */

/** SHA-256 of each statement, in hex. */
export const knownAuthorisations = z.strictObject({ authorisations: z.array(z.string().regex(/^[0-9a-f]{64}$/)) });

const MAX_FILE_BYTES = 67_108_864;

/**
 * Returns a function that tells whether the file lists a digest. It reads the file each time: it is asked only about
 * what no key verifies. Without a file nothing is listed. The function throws if the file is malformed.
 */
export function openKnownFile(path: string | undefined): (digest: string) => boolean {
  return (digest) => {
    const stat = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    if (path === undefined || !stat) return false;
    if (stat.size > MAX_FILE_BYTES) throw new RangeError(`${path} has more than 64 MiB`);
    return knownAuthorisations.parse(JSON.parse(readFileSync(path, 'utf8'))).authorisations.includes(digest);
  };
}
