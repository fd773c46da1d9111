import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import compiler from 'relay-compiler';

/** `node relay.mjs <folder>`: Relay's compiler over `schema.graphql` and `src` in the folder. Prints what it made. */

const [, , folder] = process.argv;
mkdirSync(join(folder, 'generated'), { recursive: true });
writeFileSync(
  join(folder, 'relay.config.json'),
  JSON.stringify({
    src: './src',
    schema: './schema.graphql',
    language: 'javascript',
    artifactDirectory: './generated',
    eagerEsModules: true,
  }),
);
const binary = typeof compiler === 'string' ? compiler : compiler.default;
const { status, stdout, stderr } = spawnSync(binary, ['relay.config.json'], { cwd: folder, encoding: 'utf8' });
if (status !== 0) {
  console.error(stdout + stderr);
  process.exit(1);
}
console.log(JSON.stringify(readdirSync(join(folder, 'generated')).sort()));
