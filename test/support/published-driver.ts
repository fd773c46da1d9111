import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const PATCH = new URL('../../patches/postgres+3.4.9.patch', import.meta.url);

/** Copies the driver into a folder below the system's temporary folder, takes the patch out, and returns its URL. */
export function copyPublishedDriver(folder: string): string {
  const copy = join(folder, 'node_modules/postgres');
  cpSync(new URL('../../node_modules/postgres', import.meta.url), copy, { recursive: true });
  const { status, stderr } = spawnSync('git', ['apply', '-R', '-'], {
    cwd: folder,
    env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() },
    input: readFileSync(PATCH),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return pathToFileURL(join(copy, 'src/index.js')).href;
}
