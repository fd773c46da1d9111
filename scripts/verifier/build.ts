import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { VerifierFile } from '../../subgraphs/seals/log/leaf.ts';

/** The offline verifier as one file, from the sources that the hub itself runs. */

const PROJECT = new URL('../../', import.meta.url);
const ENTRY = './scripts/verify.ts';
/** The oldest Node that runs the file. */
const TARGET = 'node20';

/**
 * Builds `verify.mjs`: `npm run verify` with all that it imports. It needs nothing but Node 20 or later. The same
 * sources make the same bytes, wherever they lie. Throws if something cannot be bundled.
 */
export async function buildVerifier(): Promise<VerifierFile> {
  const { rolldown } = await import('rolldown');
  const release = readRelease();
  const bundle = await rolldown({
    input: ENTRY,
    cwd: fileURLToPath(PROJECT),
    platform: 'node',
    tsconfig: false,
    transform: { target: TARGET },
    // Comments name files by where they lie.
    experimental: { attachDebugInfo: 'none' },
    onLog: (_, log) => {
      throw new Error(log.message);
    },
  });
  const { output } = await bundle.generate({ format: 'esm', banner: buildBanner(release), codeSplitting: false });
  await bundle.close();
  const [chunk, ...others] = output;
  if (others.length > 0) throw new Error('the verifier is not one file');
  return { bytes: Buffer.from(chunk.code), release };
}

function readRelease(): string {
  return (JSON.parse(readFileSync(new URL('package.json', PROJECT), 'utf8')) as { version: string }).version;
}

function buildBanner(release: string): string {
  return `// Tongquan (同权) ${release}: verifies licenses offline. node verify.mjs, Node 20 or later. Apache-2.0.
// It contains zod (MIT) and canonicalize (Apache-2.0).`;
}
