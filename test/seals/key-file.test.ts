import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { addKey, adoptKey, forgetOldKeys, openKeyFile, readKeyFile } from '../../subgraphs/seals/signer/key-file.ts';

/** Tests the file of key-encryption keys on a real file system. */

const folder = mkdtempSync(join(tmpdir(), 'tongquan-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let path: string;
let count = 0;
beforeEach(() => {
  path = join(folder, `${count++}`, 'signer', 'keys.json');
});

const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);
const listFiles = () => readdirSync(dirname(path));

describe('the key file', () => {
  test('is created if missing, readable by its owner alone, and is kept afterwards', () => {
    const [key, ...more] = openKeyFile(path);
    expect([key?.length, more]).toEqual([32, []]);
    expect([modeOf(path), modeOf(dirname(path))]).toEqual(['600', '700']);
    expect(openKeyFile(path)).toEqual([key]);
    expect(readKeyFile(path)).toEqual([key]);
    expect(listFiles()).toEqual(['keys.json']);
  });

  test('is created once by concurrent starts', async () => {
    const module = new URL('../../subgraphs/seals/signer/key-file.ts', import.meta.url).href;
    const code = `const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.module).then(({ openKeyFile }) => parentPort.postMessage(openKeyFile(workerData.path)));`;
    const pendingKeys = Array.from(
      { length: 4 },
      () =>
        new Promise<Uint8Array[]>((done, fail) => {
          const worker = new Worker(code, { eval: true, workerData: { module, path } });
          worker.once('message', done).once('error', fail);
        }),
    );
    const keys = (await Promise.all(pendingKeys)).map(([key]) => Buffer.from(key ?? []).toString('hex'));
    expect([new Set(keys).size, keys[0]?.length]).toEqual([1, 64]);
    expect(listFiles()).toEqual(['keys.json']);
  });

  test('puts a new key first, and can forget all but the newest', () => {
    const [first] = openKeyFile(path);
    addKey(path);
    const [second, ...older] = readKeyFile(path);
    expect(older).toEqual([first]);
    expect(second).not.toEqual(first);
    // A rotation that was interrupted continues with the key that it created.
    addKey(path);
    expect(readKeyFile(path)).toEqual([second, first]);
    forgetOldKeys(path);
    expect(openKeyFile(path)).toEqual([second]);
    addKey(path);
    expect(readKeyFile(path).slice(1)).toEqual([second]);
    forgetOldKeys(path);
    expect(modeOf(path)).toBe('600');
    expect(listFiles()).toEqual(['keys.json']);
  });

  test('adopts the key of an earlier release', () => {
    const key = new Uint8Array(32).fill(7);
    adoptKey(path, key);
    expect(openKeyFile(path)).toEqual([key]);
    expect([modeOf(path), modeOf(dirname(path))]).toEqual(['600', '700']);
  });

  test('puts an adopted key of an earlier release after the existing keys', () => {
    const [existingKey] = openKeyFile(path);
    const key = new Uint8Array(32).fill(7);
    for (const _ of [1, 2]) adoptKey(path, key);
    expect(readKeyFile(path)).toEqual([existingKey, key]);
  });

  test.each([
    '',
    '{}',
    '{"keys":[]}',
    '{"keys":["no base64"]}',
    '{"keys":"AAAA"}',
    `{"keys":${JSON.stringify(Array(17).fill('AAAA'))}}`,
  ])('is neither accepted nor replaced if it contains %s', (text) => {
    openKeyFile(path);
    writeFileSync(path, text);
    for (const operation of [openKeyFile, readKeyFile, addKey, forgetOldKeys]) expect(() => operation(path)).toThrow();
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});
