import { readFileSync } from 'node:fs';
import type { VerifierFile } from './leaf.ts';

/** The first line of `verify.mjs` names its release. */
const BANNER = /^\/\/ Tongquan \(同权\) ([\w.-]{1,40}): /;

/** Reads an offline verifier that `npm run verifier` wrote. Throws if it cannot be read, or is another file. */
export function readVerifierFile(path: string): VerifierFile {
  const bytes = readFileSync(path);
  const release = BANNER.exec(bytes.toString('utf8', 0, 200))?.[1];
  if (release === undefined) throw new Error(`${path} is no verifier`);
  return { bytes, release };
}
