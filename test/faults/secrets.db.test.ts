import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createDecipheriv, createPrivateKey } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deriveRolePassword } from '../../db/roles.ts';
import { findFreePort } from '../../scripts/hub/port.ts';
import { waitUntil } from '../support/until.ts';

/**
 * Tests that private keys are only in the signer's memory. A whole hub runs and seals. Then its memory, a heap
 * snapshot, its output and its data folder are searched for the numbers of the keys, in every form in which they could
 * occur.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_MS = 100_000;
const DEMO_MS = 120_000;
const CHUNK_BYTES = 1 << 24;
/** Bytes of a secret to search for: too many to occur by chance. */
const PIECE_BYTES = 24;

/** Searches for many byte strings in one pass. */
class Search {
  readonly #marks = new Uint8Array(1 << 21);
  readonly #byHead = new Map<number, { name: string; bytes: Buffer }[]>();

  add(name: string, bytes: Buffer): void {
    const head = bytes.readUIntBE(0, 3);
    this.#marks[head >> 3] = (this.#marks[head >> 3] ?? 0) | (1 << (head & 7));
    this.#byHead.set(head, [...(this.#byHead.get(head) ?? []), { name, bytes }]);
  }

  /** Adds a secret as big-endian and little-endian bytes, and as hex and base64 at any offset of a longer text. */
  addSecret(name: string, secret: Buffer): void {
    const piece = secret.subarray(0, PIECE_BYTES);
    this.add(`${name} as bytes`, piece);
    // OpenSSL stores numbers in little-endian order.
    this.add(`${name} as a number`, Buffer.from(secret).reverse().subarray(-PIECE_BYTES));
    for (const hex of [piece.toString('hex'), piece.toString('hex').toUpperCase()])
      this.#addText(`${name} in hex`, hex);
    for (const form of ['base64', 'base64url'] as const) {
      for (const at of [0, 1, 2]) {
        const encodedPart = secret.subarray(at, at + PIECE_BYTES - (PIECE_BYTES % 3));
        this.#addText(`${name} in ${form}`, encodedPart.toString(form));
      }
    }
  }

  #addText(name: string, text: string): void {
    this.add(name, Buffer.from(text, 'latin1'));
    this.add(`${name}, two bytes a letter`, Buffer.from(text, 'utf16le'));
  }

  /** Adds to `found` the names of the byte strings that occur in some bytes. */
  searchIn(bytes: Buffer, found: Set<string>): void {
    let head = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
    for (let i = 2; i < bytes.length; i++) {
      head = ((head << 8) | (bytes[i] ?? 0)) & 0xffffff;
      if ((((this.#marks[head >> 3] ?? 0) >> (head & 7)) & 1) === 0) continue;
      for (const pattern of this.#byHead.get(head) ?? []) {
        if (bytes.subarray(i - 2, i - 2 + pattern.bytes.length).equals(pattern.bytes)) found.add(pattern.name);
      }
    }
  }
}

/** Searches the readable memory of a process, as in a core dump. */
function searchMemory(pid: number, search: Search): { found: Set<string>; bytes: number } {
  const found = new Set<string>();
  let bytes = 0;
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from = '', to = '', file = ''] = /^([0-9a-f]+)-([0-9a-f]+) r\S* \S+ \S+ \d+\s*(.*)$/.exec(line) ?? [];
      // Skip library code, which holds no keys, and [vvar], which cannot be read.
      if (from === '' || file === '[vvar]' || file.includes('.so')) continue;
      const end = Number.parseInt(to, 16);
      for (let at = Number.parseInt(from, 16); at < end; at += CHUNK_BYTES - PIECE_BYTES * 4) {
        const read = readOrZero(memory, chunk, Math.min(CHUNK_BYTES, end - at), at);
        search.searchIn(chunk.subarray(0, read), found);
        bytes += read;
      }
    }
  } finally {
    closeSync(memory);
  }
  return { found, bytes };
}

function readOrZero(memory: number, into: Buffer, length: number, at: number): number {
  try {
    return readSync(memory, into, 0, length, at);
  } catch {
    return 0;
  }
}

interface StoredKey {
  id: string;
  encrypted_key: Buffer;
}

/** Opens a key with the database and the key file alone. Shares no code with the signer. */
function openStoredKey({ id, encrypted_key: sealedBytes }: StoredKey, keyEncryptionKey: Buffer) {
  const dataKey = decrypt(id, keyEncryptionKey, sealedBytes.subarray(12, 72));
  const plain = decrypt(id, dataKey, sealedBytes.subarray(72));
  return {
    own: dataKey,
    jwk: createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' }),
  };
}

function decrypt(id: string, key: Buffer, sealedBytes: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealedBytes.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(Buffer.from(id)).setAuthTag(sealedBytes.subarray(12, 28));
  return Buffer.concat([decipher.update(sealedBytes.subarray(28)), decipher.final()]);
}

describe.skipIf(process.platform !== 'linux')('private keys', () => {
  let folder: string;
  let hub: ChildProcess;
  let output = '';
  const search = new Search();
  const primes: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tongquan-secrets-'));
    const env = { PATH: process.env.PATH, DATA_FOLDER: folder, PORT: String(await findFreePort()) };
    const hubEnvironment = { ...env, LIBRARY_PORT: String(await findFreePort()) };
    // On this signal Node writes a heap snapshot into its working folder.
    const nodeArguments = ['--heapsnapshot-signal=SIGUSR2', join(ROOT, 'scripts/start.ts')];
    hub = spawn(process.execPath, nodeArguments, { cwd: folder, env: { ...hubEnvironment, DATA_FOLDER: folder } });
    for (const stream of [hub.stdout, hub.stderr]) {
      stream?.on('data', (chunk) => {
        output += chunk;
      });
    }
    await waitUntil('the hub is ready', async () => /^ready /m.test(output));
    const demo = spawnSync(process.execPath, ['scripts/demo/main.ts'], {
      cwd: ROOT,
      env: hubEnvironment,
      timeout: DEMO_MS,
    });
    expect(demo.status, String(demo.stderr)).toBe(0);
    await readSecrets();
  }, START_MS + DEMO_MS);

  async function readSecrets(): Promise<void> {
    const { keys } = JSON.parse(readFileSync(join(folder, 'signer/key-encryption-keys.json'), 'utf8'));
    const keyEncryptionKey = Buffer.from(keys[0], 'base64');
    search.addSecret('the key-encryption key', keyEncryptionKey);
    const { databaseKey } = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8'));
    const port = readFileSync(join(folder, 'postgres/postmaster.pid'), 'utf8').split('\n')[3];
    const password = deriveRolePassword(Buffer.from(databaseKey, 'base64'), 'tq_seals');
    const sql = postgres(`postgres://tq_seals:${password}@127.0.0.1:${port}/tongquan`, { max: 1 });
    const rows = await sql<StoredKey[]>`select id, encrypted_key from seals.authority
      union all select seal_id, encrypted_key from seals.seal_certificate
      union all select seal_id || ' code', encrypted_key from seals.seal_code_key`;
    await sql.end();
    for (const row of rows) {
      const { own: dataKey, jwk } = openStoredKey(row, keyEncryptionKey);
      search.addSecret(`${row.id}: the key of its envelope`, dataKey);
      for (const part of ['d', 'p', 'q'] as const) {
        const secret = jwk[part];
        if (secret === undefined) continue;
        search.addSecret(`${row.id}: ${part}`, Buffer.from(secret, 'base64url'));
        if (part === 'p') primes.push(`${row.id}: p`);
      }
    }
  }

  afterAll(async () => {
    const ended = new Promise((done) => hub.once('close', done));
    hub.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  test('are found in the memory of the signer', () => {
    expect(primes.length).toBeGreaterThan(10);
    const { found, bytes } = searchMemory(findChildPid(hub, 'signer/main.ts'), search);
    expect(bytes).toBeGreaterThan(1e7);
    const opened = [...found].filter((name) => primes.some((prime) => name.startsWith(prime)));
    expect(opened.length, [...found].join()).toBeGreaterThan(2);
    expect([...found].some((name) => name.startsWith('the key-encryption key'))).toBe(true);
  });

  test('are not in the memory of the hub, nor in its heap snapshot', async () => {
    const { found, bytes } = searchMemory(hub.pid ?? 0, search);
    expect(bytes).toBeGreaterThan(1e8);
    expect([...found]).toEqual([]);
    const snapshots = () => readdirSync(folder).filter((name) => name.endsWith('.heapsnapshot'));
    hub.kill('SIGUSR2');
    const snapshot = await waitUntil('a snapshot is written', async () => {
      const [name] = snapshots();
      const path = join(folder, name ?? '');
      return name !== undefined && readFileSync(path).subarray(-4).toString().trimEnd().endsWith('}') && path;
    });
    const foundInSnapshot = new Set<string>();
    search.searchIn(readFileSync(snapshot), foundInSnapshot);
    expect([...foundInSnapshot]).toEqual([]);
  }, 90_000);

  test('are not in the output of the hub, nor in its data folder outside the signer’s file', () => {
    const found = new Set<string>();
    search.searchIn(Buffer.from(output), found);
    const files = listFiles(folder).filter((path) => !path.includes('/signer/'));
    expect(files.some((path) => path.includes('/postgres/pg_wal/'))).toBe(true);
    for (const path of files) search.searchIn(readIfThere(path), found);
    expect([...found]).toEqual([]);
    search.searchIn(readFileSync(join(folder, 'signer/key-encryption-keys.json')), found);
    expect(found.size).toBeGreaterThan(0);
    expect(statSync(join(folder, 'signer/key-encryption-keys.json')).mode & 0o077).toBe(0);
  });
});

/** Returns a file's bytes, none if it is gone: PostgreSQL replaces files while it runs. */
function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

function findChildPid(parent: ChildProcess, program: string): number {
  const pids = readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8').trim().split(' ').map(Number);
  const child = pids.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program));
  if (child === undefined) throw new Error(`no ${program} runs`);
  return child;
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
