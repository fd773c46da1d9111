import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { beginChange, createKeys, endChange } from '../../scripts/service-keys.ts';
import { readPublicKeys, SERVICES, type Service } from '../../subgraphs/kernel/sealing/service-keys.ts';
import { openIdentity, readServiceToken, writeServiceToken } from '../../subgraphs/kernel/sealing/service-token.ts';

/** The keys of processes as files, and their change while the processes run. */

const folder = join(mkdtempSync(join(tmpdir(), 'tongquan-keys-')), 'keys');
afterAll(() => rmSync(join(folder, '..'), { recursive: true }));
const NOW = new Date('2026-11-26T09:00:00Z');

const readSet = () => readPublicKeys(readFileSync(join(folder, 'public.json'), 'utf8'));
const readKey = (service: Service, file: string = service) =>
  openIdentity(service, Buffer.from(readFileSync(join(folder, `${file}.key`), 'utf8'), 'base64'));

/** Whether a process with the key in a file is known by a set. */
async function isKnown(service: Service, file: string, publicKeys = readSet()): Promise<boolean> {
  const token = await writeServiceToken(readKey(service, file), 'signer', NOW);
  return readServiceToken(token, { receiver: 'signer', publicKeys }, NOW).then(
    () => true,
    () => false,
  );
}

test('every process has its own key, which only its owner reads', async () => {
  createKeys(folder);
  for (const service of SERVICES) {
    expect(statSync(join(folder, `${service}.key`)).mode & 0o777).toBe(0o600);
    for (const other of SERVICES) expect(await isKnown(service, other)).toBe(service === other);
  }
  expect(() => createKeys(folder)).toThrow('已有密钥');
});

test('a key is changed in steps, in each of which old and new sets know the process', async () => {
  const oldSet = readSet();
  beginChange(folder, 'seals');
  expect([await isKnown('seals', 'seals', oldSet), await isKnown('seals', 'seals')]).toEqual([true, true]);
  expect(await isKnown('seals', 'seals.next')).toBe(true);
  expect(() => beginChange(folder, 'seals')).toThrow('EEXIST');
  const bothSet = readSet();
  const oldKey = readKey('seals');
  endChange(folder, 'seals');
  expect(existsSync(join(folder, 'seals.next.key'))).toBe(false);
  expect([await isKnown('seals', 'seals', bothSet), await isKnown('seals', 'seals')]).toEqual([true, true]);
  const old = await writeServiceToken(oldKey, 'signer', NOW);
  const check = { receiver: 'signer' as const, publicKeys: readSet() };
  await expect(readServiceToken(old, check, NOW)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  expect(() => endChange(folder, 'seals')).toThrow('ENOENT');
});
