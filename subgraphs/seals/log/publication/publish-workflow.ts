import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Database, Reader } from '../../../../db/client.ts';
import { readCheckpoint } from '../../../kernel/tlog/checkpoint.ts';
import { readNote } from '../../../kernel/tlog/note.ts';
import { isSame, type TreeHead } from '../../../kernel/tlog/tree.ts';
import * as store from '../store.ts';
import { bundleEntries, listNewTiles, TILE_WIDTH, type Tile, tilePath } from '../tile.ts';
import { isOpenTile } from './access.ts';

/** The log as static files, which anybody may copy, serve and compare. */

/** Maximum of checkpoints published in one transaction. A new folder catches up in several transactions. */
const MAX_CHECKPOINTS_PER_RUN = 8;
const CHECKPOINT = 'checkpoint';
const FILE_MODE = 0o644;
/** A tile never changes. The mode says whether everybody may read it, so that a file server shows no closed entries. */
const TILE_MODES = { open: 0o444, closed: 0o400 } as const;
const FOLDER_MODE = 0o755;

export interface PublishOptions {
  db: Database;
  folder: string;
  /** Keys of the witnesses whose signatures are published. */
  witnesses: readonly string[];
}

/** The database does not have what was published or seen: it was set back to an older state. Nothing may be signed. */
export class SetBack extends Error {
  override readonly name = 'SetBack';
}

/**
 * Publishes what the database has and the folder does not have. Returns true if more is left. Throws SetBack if the
 * folder holds a tree that the database does not have. Then the database was restored to an older state, or the folder
 * was forged, and nothing may be signed.
 */
export async function publish(options: PublishOptions): Promise<boolean> {
  const { db, folder, witnesses } = options;
  const published = await requirePublished(db, folder);
  const newest = await store.findSigned(db, 'newest', witnesses);
  if (!newest || published?.note === newest.note) return false;
  return publishNew(options);
}

/**
 * Returns the checkpoint in a folder, or null if there is none. Throws SetBack if the database does not have it.
 * Changes nothing.
 */
async function requirePublished(db: Reader, folder: string): Promise<(TreeHead & { note: string }) | null> {
  const published = await readPublished(folder);
  if (!published) return null;
  const { size, root } = published;
  const known = await store.findCheckpoint(db, size);
  if (!known || !isSame(known.root, root))
    throw new SetBack(`${folder} tells of a log of ${size} leaves that the database does not have: was it set back?`);
  return published;
}

/**
 * Publishes the new tiles, then the checkpoint that needs them. One copy of the hub publishes at a time. Does not check
 * that the folder belongs to this log: the caller must know that. Returns true if more is left.
 */
export function publishNew({ db, folder, witnesses }: PublishOptions): Promise<boolean> {
  return db.transaction(async (tx) => {
    if (!(await store.tryPublishLock(tx))) return false;
    // Another copy may have published into this folder before this transaction got the lock.
    const published = await readPublished(folder);
    const checkpoints = await store.listCheckpoints(tx, published?.size ?? 0, MAX_CHECKPOINTS_PER_RUN);
    const signedCheckpoint = await store.findSigned(tx, checkpoints.at(-1)?.size ?? published?.size ?? 0, witnesses);
    if (!signedCheckpoint) return false;
    let size = published?.size ?? 0;
    for (const checkpoint of checkpoints) {
      await publishTiles(tx, folder, listNewTiles(size, checkpoint.size, signedCheckpoint.checkpoint.size));
      size = checkpoint.size;
    }
    await replaceFile(join(folder, CHECKPOINT), Buffer.from(signedCheckpoint.note));
    return checkpoints.length === MAX_CHECKPOINTS_PER_RUN;
  });
}

/** Reads the checkpoint in a folder, with its whole text. Returns null if there is none. */
async function readPublished(folder: string): Promise<(TreeHead & { note: string }) | null> {
  const bytes = await readFileIfExists(join(folder, CHECKPOINT));
  return bytes && { ...readCheckpoint(readNote(bytes).text), note: bytes.toString() };
}

async function publishTiles(db: Reader, folder: string, tiles: readonly Tile[]): Promise<void> {
  const contents = await Promise.all(tiles.map(async (tile) => ({ tile, bytes: await readTile(db, tile) })));
  for (const { tile, bytes } of contents) {
    const path = join(folder, tilePath(tile));
    await writeFileOnce(path, bytes, tile.level === 'entries' ? modeOf(bytes) : FILE_MODE);
    if (tile.width === TILE_WIDTH) await rm(`${path}.p`, { recursive: true, force: true });
  }
}

const modeOf = (entries: Uint8Array) => (isOpenTile(entries) ? TILE_MODES.open : TILE_MODES.closed);

/** Prepares the folder at the start: it belongs to this database, and closed tiles are closed. Throws SetBack. */
export async function prepareFolder(db: Reader, folder: string): Promise<void> {
  await requirePublished(db, folder);
  await closeTiles(folder);
}

/** Gives the tiles of entries that an earlier release published, or that a copy brought, their modes. */
export async function closeTiles(folder: string): Promise<void> {
  const root = join(folder, 'tile/entries');
  const files = await readdir(root, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const file of files) {
    const path = join(file.parentPath, file.name);
    if (!file.isFile() || file.name.endsWith('.draft')) continue;
    const mode = (await stat(path)).mode & 0o777;
    if (mode !== TILE_MODES.open && mode !== TILE_MODES.closed) await chmod(path, modeOf(await readFile(path)));
  }
}

/** Reads a tile's bytes from the database. */
async function readTile(db: Reader, { level, n, width }: Tile): Promise<Uint8Array> {
  const start = n * TILE_WIDTH;
  if (level !== 'entries') {
    const hashes = await store.listHashes(db, level, start, width);
    return requireRowCount(Buffer.concat(hashes), hashes.length, width);
  }
  const entries = await store.listEntries(db, start, width);
  return requireRowCount(bundleEntries(entries.map((entry) => Buffer.from(entry))), entries.length, width);
}

function requireRowCount(bytes: Uint8Array, count: number, width: number): Uint8Array {
  if (count !== width) throw new Error(`a tile of the log has ${count} of ${width} rows`);
  return bytes;
}

/** Writes a file that never changes again. Throws if the file exists with other content. */
async function writeFileOnce(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const existing = await readFileIfExists(path);
  if (!existing) return replaceFile(path, bytes, mode);
  if (!isSame(existing, bytes)) throw new Error(`${path} stands in the log with other content`);
}

/** Replaces a file atomically. The file is on disk when this returns. */
async function replaceFile(path: string, bytes: Uint8Array, mode: number = FILE_MODE): Promise<void> {
  await makeFolder(dirname(path));
  const draft = `${path}.${randomUUID()}.draft`;
  const file = await open(draft, 'wx', mode);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
}

async function makeFolder(folder: string): Promise<void> {
  const topmost = await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  if (topmost === undefined) return;
  for (let current = folder; current.length >= topmost.length; current = dirname(current))
    await syncFolder(dirname(current));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Returns a file's bytes, or null if there is none. */
export async function readFileIfExists(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return null;
    throw error;
  }
}
