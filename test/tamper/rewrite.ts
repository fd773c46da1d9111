import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeCheckpoint } from '../../subgraphs/kernel/tlog/checkpoint.ts';
import { readKey, writeSignature } from '../../subgraphs/kernel/tlog/note.ts';
import { hashLeaf } from '../../subgraphs/kernel/tlog/tree.ts';
import {
  bundleEntries,
  growTree,
  listNewTiles,
  TILE_WIDTH,
  type TileHash,
  tilePath,
} from '../../subgraphs/seals/log/tile.ts';
import type { Inside } from './inside.ts';

/** The log as an insider rewrites it. Database and files are rebuilt from a list of leaves and signed again. */

export interface HeldLeaf {
  serial: number;
  kind: string;
  subject: string;
  entry: string;
  at: Date;
}

/** Returns the leaves in the order of the log. */
export async function readLeaves({ sql }: Inside): Promise<HeldLeaf[]> {
  const rows = await sql`select l.serial::int, l.kind, l.subject, l.entry, l.at from seals.log_sequence s
    join seals.log_leaf l using (serial) order by s.index`;
  return rows.map(({ serial, kind, subject, entry, at }) => ({ serial, kind, subject, entry, at }));
}

const hashOf = ({ entry }: HeldLeaf) => hashLeaf(Buffer.from(entry));

function rootOf(leaves: readonly HeldLeaf[], size: number): Uint8Array {
  return growTree([], 0, leaves.slice(0, size).map(hashOf)).root;
}

/** Returns a checkpoint note, signed by the log's own key. */
export async function signCheckpoint(inside: Inside, size: number, root: Uint8Array): Promise<string> {
  const [row] = await inside.sql`select origin, encrypted_key from seals.log_key`;
  if (!row) throw new Error('the log has no key');
  const text = writeCheckpoint({ origin: row.origin, size, root });
  const signature = inside.keys.open('log', row.encrypted_key)(Buffer.from(text));
  return `${text}\n${writeSignature(readKey(inside.house.logKey), signature)}`;
}

/**
 * Rewrites the log in the database to these leaves and signs again every checkpoint whose root changes. Drops the
 * cosignatures of those checkpoints, because an insider cannot forge them.
 */
export async function rewriteDatabase(inside: Inside, leaves: readonly HeldLeaf[]): Promise<void> {
  const { sql } = inside;
  const known = await sql`select size::int, at from seals.log_checkpoint order by size`;
  const last = known.at(-1)?.at ?? new Date();
  const kept = known.filter(({ size }) => size <= leaves.length);
  if (kept.at(-1)?.size !== leaves.length) kept.push({ size: leaves.length, at: last });
  await sql`delete from seals.log_sequence`;
  await sql`delete from seals.log_leaf where serial <> all(${leaves.map(({ serial }) => serial)})`;
  await sql`delete from seals.log_pending`;
  const held = await sql`select serial::int, entry from seals.log_leaf`;
  const entries = new Map(held.map(({ serial, entry }) => [serial, entry]));
  for (const leaf of leaves.filter(({ serial, entry }) => entries.get(serial) !== entry)) {
    const { serial, kind, subject, entry, at } = leaf;
    const hash = Buffer.from(hashOf(leaf));
    await sql`insert into seals.log_leaf (serial, kind, subject, entry, hash, at) overriding system value
      values (${serial}, ${kind}, ${subject}, ${entry}, ${hash}, ${at})
      on conflict (serial) do update set kind = excluded.kind, subject = excluded.subject, entry = excluded.entry,
        hash = excluded.hash, at = excluded.at`;
  }
  const places = leaves.map(({ serial }, index) => ({ index, serial }));
  await sql`insert into seals.log_sequence ${sql(places)}`;
  await sql`delete from seals.log_tile`;
  const { root, fullTiles: made } = growTree([], 0, leaves.map(hashOf));
  for (const { level, index, hash } of made) {
    await sql`insert into seals.log_tile values (${level}, ${index}, ${Buffer.from(hash)})`;
  }
  await sql`update seals.log_head set size = ${leaves.length}, root = ${Buffer.from(root)}`;
  const before = await sql`select size::int, root from seals.log_checkpoint`;
  const sameAt = new Set(
    before
      .filter(({ size, root: old }) => size <= leaves.length && old.equals(rootOf(leaves, size)))
      .map((one) => one.size),
  );
  await sql`delete from seals.log_cosignature where size <> all(${[...sameAt]})`;
  await sql`delete from seals.log_checkpoint where size <> all(${[...sameAt]})`;
  for (const { size, at } of kept.filter((one) => !sameAt.has(one.size))) {
    const signedRoot = Buffer.from(rootOf(leaves, size));
    const note = await signCheckpoint(inside, size, signedRoot);
    await sql`insert into seals.log_checkpoint values (${size}, ${signedRoot}, ${note}, ${at})`;
  }
}

/**
 * Writes every tile and the checkpoint of these leaves, as if the log had been published at once. Publishes `note`
 * instead of a new checkpoint if it is given.
 */
export async function rewriteFiles(inside: Inside, leaves: readonly HeldLeaf[], note?: string): Promise<void> {
  const folder = inside.house.logFolder;
  rmSync(join(folder, 'tile'), { recursive: true, force: true });
  writeTiles(
    folder,
    leaves.map((leaf) => Buffer.from(leaf.entry)),
  );
  const signed = note ?? (await signCheckpoint(inside, leaves.length, rootOf(leaves, leaves.length)));
  writeFileSync(join(folder, 'checkpoint'), signed);
}

/** Writes the tiles of hashes and entries, computed from the entries. */
export function writeTiles(folder: string, entries: readonly Buffer[]): void {
  const rows: Uint8Array[][] = [entries.map((entry) => hashLeaf(entry))];
  for (const { level, index, hash } of growTree([], 0, rows[0] ?? []).fullTiles as TileHash[]) {
    const row = rows[level] ?? [];
    rows[level] = row;
    row[index] = hash;
  }
  for (const tile of listNewTiles(0, entries.length, entries.length)) {
    const [start, end] = [tile.n * TILE_WIDTH, tile.n * TILE_WIDTH + tile.width];
    const bytes =
      tile.level === 'entries'
        ? bundleEntries(entries.slice(start, end))
        : Buffer.concat((rows[tile.level] ?? []).slice(start, end));
    put(join(folder, tilePath(tile)), bytes);
  }
}

/** Rewrites database and files consistently, as the holder of the log's key can. */
export async function rewriteBoth(inside: Inside, leaves: readonly HeldLeaf[]): Promise<void> {
  await rewriteDatabase(inside, leaves);
  await rewriteFiles(inside, leaves);
}

/** Returns the objects that reveal a rewritten history: the log, and the checkpoints that witnesses signed. */
export async function namesOfRewriting({ house }: Inside): Promise<string[]> {
  const sizes = house.witnesses.map(({ checkpoint }) => `checkpoint:${checkpoint.split('\n')[1]}`);
  return ['log', ...sizes];
}

/** Returns the objects of a leaf, in the form in which auditors name them. */
export function namesOfLeaf({ kind, subject, entry }: HeldLeaf, index: number): string[] {
  const said = JSON.parse(entry);
  const about: Record<string, string[]> = {
    SEAL_USE: [`use:${subject}`, `license:${said.identifier}`],
    CODE_USE: [`code:${subject}`],
    SEAL_EVENT: [`event:${subject}`],
    REVOCATION_LIST: [`list:${subject}`],
    CERTIFICATE: [`certificate:${subject}`],
  };
  return [`leaf:${index}`, ...(about[kind] ?? [])];
}

/** Returns the hash tile and the entry tile of a leaf in a tree of that size, as paths under the log's folder. */
export function tilesOf(index: number, size: number): string[] {
  const n = Math.floor(index / TILE_WIDTH);
  const width = Math.min(TILE_WIDTH, size - n * TILE_WIDTH);
  return [tilePath({ level: 0, n, width }), tilePath({ level: 'entries', n, width })];
}

/** Returns the files of the folder as relative paths, sorted. Returns [] if the folder does not exist. */
export function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(folder.length + 1))
    .sort();
}

export function put(path: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

export function readPublished({ house }: Inside): string {
  return readFileSync(join(house.logFolder, 'checkpoint'), 'utf8');
}
