import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { buildVerifier } from './build.ts';

/**
 * `npm run verifier -- [FILE]`: writes the offline verifier as one file, `verify.mjs` unless it is named, and prints
 * its SHA-256 as the transparency log has it.
 */
const [path = 'verify.mjs', ...others] = process.argv.slice(2);
if (others.length > 0 || path.startsWith('-')) {
  console.error('用法 usage: npm run verifier -- [FILE]');
  process.exit(2);
}
const { bytes, release } = await buildVerifier();
writeFileSync(path, bytes);
console.log(`${createHash('sha256').update(bytes).digest('hex')}  ${path}  ${release}  ${bytes.length} B`);
