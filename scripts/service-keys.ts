import { createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  readPublicKeys,
  SERVICES,
  type Service,
  type ServicePublicKeys,
  writePublicKeys,
} from '../subgraphs/kernel/sealing/service-keys.ts';
import { generateServiceKeys, openIdentity } from '../subgraphs/kernel/sealing/service-token.ts';

/**
 * `npm run service-keys -- FOLDER`: makes the key pairs by which the processes of a hub know each other, one file
 * `<process>.key` each, and `public.json` for all. `-- FOLDER begin PROCESS` starts to change the key of one process,
 * and `-- FOLDER end PROCESS` completes it (docs/operations.md).
 */

const USAGE = `用法 usage: npm run service-keys -- FOLDER [begin|end ${SERVICES.join('|')}]`;

function writeSecret(file: string, key: KeyObject): void {
  writeFileSync(file, `${key.export({ type: 'pkcs8', format: 'der' }).toString('base64')}\n`, {
    mode: 0o600,
    flag: 'wx',
    flush: true,
  });
}

/** Replaces the set of public keys as a whole. */
function writeSet(folder: string, keys: ServicePublicKeys): void {
  const draft = join(folder, `public.json.${process.pid}`);
  writeFileSync(draft, `${writePublicKeys(keys)}\n`, { flush: true });
  renameSync(draft, join(folder, 'public.json'));
}

/** Makes the keys of all processes. Throws if the folder has some. */
export function createKeys(folder: string): void {
  if (existsSync(join(folder, 'public.json'))) throw new Error(`${folder} 中已有密钥 — has keys already`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { identities, publicKeys } = generateServiceKeys();
  for (const service of SERVICES) writeSecret(join(folder, `${service}.key`), identities[service].privateKey);
  writeSet(folder, publicKeys);
}

/** Makes the next key of a process, in `<process>.next.key`. Both of its keys then stand in `public.json`. */
export function beginChange(folder: string, service: Service): void {
  const keys = readPublicKeys(readFileSync(join(folder, 'public.json'), 'utf8'));
  const next = generateServiceKeys();
  writeSecret(join(folder, `${service}.next.key`), next.identities[service].privateKey);
  writeSet(folder, { ...keys, [service]: [...keys[service], ...next.publicKeys[service]] });
}

/** Ends the change: `<process>.key` is the next key, and the old one is no longer in `public.json`. */
export function endChange(folder: string, service: Service): void {
  const [current, next] = [join(folder, `${service}.key`), join(folder, `${service}.next.key`)];
  const keys = readPublicKeys(readFileSync(join(folder, 'public.json'), 'utf8'));
  const nextKey = createPublicKey(openIdentity(service, Buffer.from(readFileSync(next, 'utf8'), 'base64')).privateKey);
  rmSync(current, { force: true });
  renameSync(next, current);
  writeSet(folder, { ...keys, [service]: [nextKey] });
}

if (import.meta.main) {
  const [folder, step, name, ...rest] = process.argv.slice(2);
  const service = SERVICES.find((one) => one === name);
  try {
    if (folder === undefined || rest.length > 0) throw new Error(USAGE);
    if (step === undefined) createKeys(folder);
    else if (service && step === 'begin') beginChange(folder, service);
    else if (service && step === 'end') endChange(folder, service);
    else throw new Error(USAGE);
    console.log(`${folder}/public.json`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
