import postgres from 'postgres';
import { listUnknownMigrations, SUBGRAPHS, toDatabaseUrl } from '../../../db/migrate.ts';
import { deriveRolePassword, toRoleUrl } from '../../../db/roles.ts';
import { KEY_TYPES, type NoteKey, readRawKey } from '../../../subgraphs/kernel/tlog/note.ts';
import { EMPTY_ROOT } from '../../../subgraphs/kernel/tlog/tree.ts';
import type { KeyRef } from '../../../subgraphs/seals/signer/signer.ts';
import { type Disagreement, listDisagreements } from './agreement.ts';
import { HUB_LOCK_ID } from './hub-lock.ts';

/** What a start reads of the database, before it changes anything. Reading changes nothing. */
export interface DatabaseState {
  /** False if the server refuses the administrator's password, which the folder's secrets give. */
  isAdminKnown: boolean;
  /** Whether the server has the database of a hub. */
  hasHub: boolean;
  /** Whether a hub runs on it. */
  isInUse: boolean;
  /** Roles of a hub on this server. `opens`: whether it takes the password that the folder's secrets give. */
  roles: readonly { name: string; opens: boolean }[];
  /** Migrations that this release does not know, as `<subgraph> <time of its making>`. */
  unknownMigrations: readonly string[];
  /** The transparency log, or null if the database has none. */
  log: LogState | null;
  /** The largest tree of the log that the reference city library on this server has signed, or 0. */
  witnessedSize: number;
  disagreements: readonly Disagreement[];
  /** Every private key in its envelope. */
  keys: readonly KeyRef[];
}

export interface LogState {
  key: NoteKey;
  size: number;
  root: Uint8Array;
  checkpointCount: number;
  newestAt: Date | null;
  /** The newest checkpoint as a signed note, without signatures of witnesses. */
  newestNote: string | null;
  /** The root of the checkpoint of the published size, or null if there is none. */
  publishedRoot: Uint8Array | null;
}

/** Name of the hub's database, and of the reference city library's on the same server. */
export const HUB_DATABASE = 'tongquan';
export const LIBRARY_DATABASE = 'city_library';

const CONNECT_TIMEOUT_SECONDS = 5;
/** PostgreSQL: invalid_password. */
const WRONG_PASSWORD = '28P01';

const NOTHING: DatabaseState = {
  isAdminKnown: true,
  hasHub: false,
  isInUse: false,
  roles: [],
  unknownMigrations: [],
  log: null,
  witnessedSize: 0,
  disagreements: [],
  keys: [],
};

/** Reads a database. `databaseKey` is null if the folder has no secrets. `publishedSize` is of the folder's log. */
export async function readDatabaseState(
  adminUrl: string,
  { databaseKey, publishedSize }: { databaseKey: Uint8Array | null; publishedSize: number | null },
): Promise<DatabaseState> {
  if (!(await takesPassword(adminUrl))) return { ...NOTHING, isAdminKnown: false };
  const databases = await withClient(
    adminUrl,
    (sql) => sql<{ name: string }[]>`select datname as name from pg_database`,
  );
  const has = (name: string) => databases.some((database) => database.name === name);
  const hasHub = has(HUB_DATABASE);
  const hubUrl = hasHub ? toDatabaseUrl(adminUrl, HUB_DATABASE) : adminUrl;
  const roles = await readRoles(adminUrl, databaseKey, (role) =>
    role === LIBRARY_ROLE && has(LIBRARY_DATABASE) ? toDatabaseUrl(adminUrl, LIBRARY_DATABASE) : hubUrl,
  );
  const isInUse = hasHub && (await isHubLocked(adminUrl));
  // The tables of another hub are none of this one's business, and may be closed to it.
  if (!hasHub || databaseKey === null || roles.some(({ opens }) => !opens))
    return { ...NOTHING, hasHub, isInUse, roles };
  const found = await withClient(hubUrl, async (sql) => ({
    unknownMigrations: await listUnknownMigrations(sql),
    log: await readLog(sql, publishedSize),
    disagreements: await listDisagreements(sql),
    keys: await readKeys(sql),
  }));
  const readsLibrary = found.log !== null && has(LIBRARY_DATABASE) && roles.some(({ name }) => name === LIBRARY_ROLE);
  const witnessedSize = readsLibrary ? await readWitnessedSize(adminUrl, databaseKey, found.log?.key.name ?? '') : 0;
  return { ...NOTHING, hasHub, isInUse, roles, ...found, witnessedSize };
}

export const LIBRARY_ROLE = 'tq_city_library';
const HUB_ROLES = [...SUBGRAPHS.map((name) => `tq_${name}`), LIBRARY_ROLE];

async function readRoles(
  adminUrl: string,
  databaseKey: Uint8Array | null,
  urlOf: (role: string) => string,
): Promise<DatabaseState['roles']> {
  const rows = await withClient(
    adminUrl,
    (sql) =>
      sql<{ name: string }[]>`select rolname as name from pg_roles where rolname in ${sql(HUB_ROLES)} order by 1`,
  );
  return Promise.all(
    rows.map(async ({ name }) => {
      if (databaseKey === null) return { name, opens: false };
      return { name, opens: await takesPassword(toRoleUrl(urlOf(name), name, deriveRolePassword(databaseKey, name))) };
    }),
  );
}

/** Returns false if the server refuses the password. Any other failure says nothing about the password. */
async function takesPassword(url: string): Promise<boolean> {
  try {
    await withClient(url, (sql) => sql`select 1`);
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== WRONG_PASSWORD;
  }
}

async function withClient<Result>(url: string, run: (sql: postgres.Sql) => Promise<Result>): Promise<Result> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, connect_timeout: CONNECT_TIMEOUT_SECONDS });
  try {
    return await run(sql);
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** Whether a running hub holds its lock on the database (`hub-lock.ts`). */
function isHubLocked(adminUrl: string): Promise<boolean> {
  return withClient(adminUrl, async (sql) => {
    const rows = await sql`select from pg_locks l join pg_database d on d.oid = l.database
      where d.datname = ${HUB_DATABASE} and l.locktype = 'advisory' and l.objid = ${HUB_LOCK_ID} and l.granted`;
    return rows.length > 0;
  });
}

async function hasTable(sql: postgres.Sql, path: string): Promise<boolean> {
  const [row] = await sql`select to_regclass(${path}) is not null as known`;
  return row?.known === true;
}

async function readLog(sql: postgres.Sql, publishedSize: number | null): Promise<LogState | null> {
  if (!(await hasTable(sql, 'seals.log_key'))) return null;
  const [row] = await sql<
    {
      origin: string;
      pem: string;
      size: string | null;
      head: Uint8Array | null;
      count: number;
      newest: Date | null;
      note: string | null;
      root: Uint8Array | null;
    }[]
  >`select origin, public_key_pem as pem, (select size from seals.log_head), (select root as head from seals.log_head),
      (select count(*)::int from seals.log_checkpoint), (select max(at) as newest from seals.log_checkpoint),
      (select note from seals.log_checkpoint order by size desc limit 1),
      (select root from seals.log_checkpoint where size = ${publishedSize}) from seals.log_key`;
  if (!row) return null;
  return {
    key: { name: row.origin, type: KEY_TYPES.log, publicKey: readRawKey(row.pem) },
    size: Number(row.size ?? 0),
    root: row.head ?? EMPTY_ROOT,
    checkpointCount: row.count,
    newestAt: row.newest,
    newestNote: row.note,
    publishedRoot: row.root,
  };
}

/** Where each release keeps private keys, and the id to which each is bound. */
const KEY_TABLES = [
  { table: 'seals.authority', id: 'id' },
  { table: 'seals.log_key', id: `'log'` },
  { table: 'seals.seal_certificate', id: 'seal_id' },
  { table: 'seals.seal_code_key', id: `seal_id || ' code'` },
] as const;

async function readKeys(sql: postgres.Sql): Promise<KeyRef[]> {
  const keys: KeyRef[] = [];
  for (const { table, id } of KEY_TABLES) {
    if (!(await hasTable(sql, table))) continue;
    const rows = await sql.unsafe(`select ${id} as id, encrypted_key as encrypted from ${table}`);
    keys.push(...rows.map((row) => ({ keyId: String(row.id), encrypted: row.encrypted as Uint8Array })));
  }
  return keys;
}

async function readWitnessedSize(adminUrl: string, databaseKey: Uint8Array, origin: string): Promise<number> {
  const libraryUrl = toDatabaseUrl(adminUrl, LIBRARY_DATABASE);
  return withClient(toRoleUrl(libraryUrl, LIBRARY_ROLE, deriveRolePassword(databaseKey, LIBRARY_ROLE)), async (sql) => {
    if (!(await hasTable(sql, 'city_library.witnessed'))) return 0;
    const [row] = await sql`select size from city_library.witnessed where origin = ${origin} and note is not null`;
    return Number(row?.size ?? 0);
  });
}
