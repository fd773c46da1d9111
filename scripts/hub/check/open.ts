import { setTimeout as pause } from 'node:timers/promises';
import type { WitnessAddress } from '../../../subgraphs/seals/log/witness-client.ts';
import type { Signer } from '../../../subgraphs/seals/signer/signer.ts';
import { type OpenDatabase, openEmbedded, openForeign } from '../database.ts';
import { openSecrets, type Secrets } from '../secrets.ts';
import type { HubState, Mode } from './check.ts';
import { listRefusals, type StartRefusal } from './checks.ts';
import { readDatabaseState } from './database-state.ts';
import { type FolderState, readFolderState } from './folder-state.ts';
import { askWitnesses } from './witness-sizes.ts';

/** Opens folder and database of a hub that does not run, after the checks of a start. */

export interface OpenOptions {
  dataFolder: string;
  databaseUrl: string | null;
  /** Witnesses to ask how much of the log they have signed. */
  witnesses?: readonly WitnessAddress[];
  /** How the hub is to run. */
  mode?: Mode;
  /** Called with the server as soon as it runs, to be stopped at the end. */
  onOpen: (database: OpenDatabase) => void;
  /** Called before the embedded database is created, with the new secrets. */
  onFirstStart: (secrets: Secrets) => Promise<void>;
  /** Called when the checks have let a folder pass that has no secrets yet, before they are created. */
  onNewFolder?: () => void;
  /** Whether to go on in spite of what refuses a start. Only `npm run resume` does. */
  tolerates?: (refusal: StartRefusal) => boolean;
}

export interface CheckedHub {
  state: HubState;
  database: OpenDatabase;
  secrets: Secrets;
  /** What refused the start and was tolerated. */
  refusals: readonly StartRefusal[];
}

/** A hub that was killed a moment ago may still hold its lock. */
const LOCK_TIMEOUT_MS = 1_500;
const LOCK_POLL_MS = 100;

/**
 * Reads folder and database, runs the start's checks, and creates the secrets of a first start. Throws StartRefusal
 * before anything is changed. The caller must hold the lock of the folder.
 */
export async function openChecked(options: OpenOptions): Promise<CheckedHub> {
  const { dataFolder, databaseUrl, mode, tolerates = () => false } = options;
  const require = (state: HubState) => {
    const refusals = listRefusals(state);
    const refusal = refusals.find((candidate) => !tolerates(candidate));
    if (refusal) throw refusal;
    return refusals;
  };
  const folder = readFolderState(dataFolder, databaseUrl !== null);
  const state: HubState = { folder, ...(mode && { mode }), now: new Date() };
  require(state);
  const database = await (databaseUrl === null ? openOwn(options, folder) : openForeign(databaseUrl));
  options.onOpen(database);
  state.database = await readUnlocked(database.url, folder);
  const { log } = state.database;
  if (log?.newestNote) {
    const newest = { size: log.size, note: log.newestNote };
    Object.assign(state, await askWitnesses(newest, options.witnesses ?? []));
  }
  const refusals = require(state);
  if (folder.secrets === null) options.onNewFolder?.();
  return { state, database, secrets: openSecrets(dataFolder), refusals };
}

/** Starts the embedded database. Only a first start creates it, after its secrets. */
async function openOwn(options: OpenOptions, folder: FolderState): Promise<OpenDatabase> {
  const { dataFolder, onFirstStart, onNewFolder } = options;
  if (folder.secrets === null) onNewFolder?.();
  if (!folder.hasDatabase) await onFirstStart(openSecrets(dataFolder));
  const { secrets } = folder;
  return openEmbedded(dataFolder, secrets === null || secrets === 'UNREADABLE' ? openSecrets(dataFolder) : secrets);
}

async function readUnlocked(url: string, { secrets, log }: FolderState) {
  const databaseKey = secrets === null || secrets === 'UNREADABLE' ? null : secrets.databaseKey;
  const publishedSize = log === null || log === 'UNREADABLE' ? null : log.size;
  for (const deadline = Date.now() + LOCK_TIMEOUT_MS; ; await pause(LOCK_POLL_MS)) {
    const state = await readDatabaseState(url, { databaseKey, publishedSize });
    if (!state.isInUse || Date.now() > deadline) return state;
  }
}

/** Throws StartRefusal if the signer cannot open a private key of the database. Changes nothing. */
export async function requireOpenKeys(state: HubState, signer: Signer): Promise<void> {
  const keys = state.database?.keys ?? [];
  const opened = await Promise.allSettled(keys.map((key) => signer.rewrap(key)));
  const unopenedKeys = keys.filter((_, i) => opened[i]?.status === 'rejected').map(({ keyId }) => keyId);
  const [refusal] = listRefusals({ ...state, unopenedKeys }).filter(({ check }) => check.code === 'KEYS_CLOSED');
  if (refusal) throw refusal;
}

/** Returns the refusal of a start on a database that another hub has locked since it was read. */
export function buildInUseRefusal(state: HubState): StartRefusal {
  const { folder, database, now } = state;
  const refusals = listRefusals({ folder, database: database && { ...database, isInUse: true }, now });
  const refusal = refusals.find(({ check }) => check.code === 'DATABASE_IN_USE');
  if (!refusal) throw new Error('no check finds that a database is in use');
  return refusal;
}
