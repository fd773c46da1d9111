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
import type { Insider } from './insider.ts';

/** The log as an insider rewrites it. Database and files are rebuilt from a list of leaves and signed again. */

export interface LoggedLeaf {
  serial: number;
  kind: string;
  subject: string;
  entry: string;
  at: Date;
}

/** Returns the leaves in the order of the log. */
export async function readLeaves({ sql }: Insider): Promise<LoggedLeaf[]> {
  const rows = await sql`select l.serial::int, l.kind, l.subject, l.entry, l.at from seals.log_sequence s
    join seals.log_leaf l using (serial) order by s.index`;
  return rows.map(({ serial, kind, subject, entry, at }) => ({ serial, kind, subject, entry, at }));
}

const hashOf = ({ entry }: LoggedLeaf) => hashLeaf(Buffer.from(entry));

function rootOf(leaves: readonly LoggedLeaf[], size: number): Uint8Array {
  return growTree([], 0, leaves.slice(0, size).map(hashOf)).root;
}

/** Returns a checkpoint note, signed by the log's own key. */
export async function signCheckpoint(insider: Insider, size: number, root: Uint8Array): Promise<string> {
  const [row] = await insider.sql`select origin, encrypted_key from seals.log_key`;
  if (!row) throw new Error('the log has no key');
  const text = writeCheckpoint({ origin: row.origin, size, root });
  const signature = insider.keys.open('log', row.encrypted_key)(Buffer.from(text));
  return `${text}\n${writeSignature(readKey(insider.hubClone.logKey), signature)}`;
}

/**
 * Rewrites the log in the database to these leaves and signs again every checkpoint whose root changes. Drops the
 * cosignatures of those checkpoints, because an insider cannot forge them.
 */
export async function rewriteDatabase(insider: Insider, leaves: readonly LoggedLeaf[]): Promise<void> {
  const { sql } = insider;
  const checkpointRows = await sql`select size::int, at from seals.log_checkpoint order by size`;
  const last = checkpointRows.at(-1)?.at ?? new Date();
  const keptCheckpoints = checkpointRows.filter(({ size }) => size <= leaves.length);
  if (keptCheckpoints.at(-1)?.size !== leaves.length) keptCheckpoints.push({ size: leaves.length, at: last });
  await sql`delete from seals.log_sequence`;
  await sql`delete from seals.log_leaf where serial <> all(${leaves.map(({ serial }) => serial)})`;
  await sql`delete from seals.log_pending`;
  const storedLeaves = await sql`select serial::int, entry from seals.log_leaf`;
  const entries = new Map(storedLeaves.map(({ serial, entry }) => [serial, entry]));
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
  const { root, fullTiles: tileHashes } = growTree([], 0, leaves.map(hashOf));
  for (const { level, index, hash } of tileHashes) {
    await sql`insert into seals.log_tile values (${level}, ${index}, ${Buffer.from(hash)})`;
  }
  await sql`update seals.log_head set size = ${leaves.length}, root = ${Buffer.from(root)}`;
  const storedCheckpoints = await sql`select size::int, root from seals.log_checkpoint`;
  const unchangedSizes = new Set(
    storedCheckpoints
      .filter(({ size, root: oldRoot }) => size <= leaves.length && oldRoot.equals(rootOf(leaves, size)))
      .map((item) => item.size),
  );
  await sql`delete from seals.log_cosignature where size <> all(${[...unchangedSizes]})`;
  await sql`delete from seals.log_checkpoint where size <> all(${[...unchangedSizes]})`;
  for (const { size, at } of keptCheckpoints.filter((item) => !unchangedSizes.has(item.size))) {
    const signedRoot = Buffer.from(rootOf(leaves, size));
    const note = await signCheckpoint(insider, size, signedRoot);
    await sql`insert into seals.log_checkpoint values (${size}, ${signedRoot}, ${note}, ${at})`;
  }
}

/**
 * Writes every tile and the checkpoint of these leaves, as if the log had been published at once. Publishes `note`
 * instead of a new checkpoint if it is given.
 */
export async function rewriteFiles(insider: Insider, leaves: readonly LoggedLeaf[], note?: string): Promise<void> {
  const folder = insider.hubClone.logFolder;
  rmSync(join(folder, 'tile'), { recursive: true, force: true });
  writeTiles(
    folder,
    leaves.map((leaf) => Buffer.from(leaf.entry)),
  );
  const signed = note ?? (await signCheckpoint(insider, leaves.length, rootOf(leaves, leaves.length)));
  writeFileSync(join(folder, 'checkpoint'), signed);
}

/** Writes the tiles of hashes and entries, computed from the entries. */
function writeTiles(folder: string, entries: readonly Buffer[]): void {
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
    writeFile(join(folder, tilePath(tile)), bytes);
  }
}

/** Rewrites database and files consistently, as the holder of the log's key can. */
export async function rewriteBoth(insider: Insider, leaves: readonly LoggedLeaf[]): Promise<void> {
  await rewriteDatabase(insider, leaves);
  await rewriteFiles(insider, leaves);
}

/** Returns the objects that reveal a rewritten history: the log, and the checkpoints that witnesses signed. */
export async function namesOfRewriting({ hubClone }: Insider): Promise<string[]> {
  const sizes = hubClone.witnesses.map(({ checkpoint }) => `checkpoint:${checkpoint.split('\n')[1]}`);
  return ['log', ...sizes];
}

/** Returns the objects of a leaf, in the form in which auditors name them. */
export function namesOfLeaf({ kind, subject, entry }: LoggedLeaf, index: number): string[] {
  const entryFields = JSON.parse(entry);
  const objectsByKind: Record<string, string[]> = {
    SEAL_USE: [`use:${subject}`, `license:${entryFields.identifier}`],
    CODE_USE: [`code:${subject}`],
    SEAL_EVENT: [`event:${subject}`],
    REVOCATION_LIST: [`list:${subject}`],
    CERTIFICATE: [`certificate:${subject}`],
  };
  return [`leaf:${index}`, ...(objectsByKind[kind] ?? [])];
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
    .filter((item) => item.isFile())
    .map((item) => join(item.parentPath, item.name).slice(folder.length + 1))
    .sort();
}

function writeFile(path: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

export function readPublished({ hubClone }: Insider): string {
  return readFileSync(join(hubClone.logFolder, 'checkpoint'), 'utf8');
}
