import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Exposure, findExposure } from '../../../subgraphs/kernel/environment/exposure.ts';
import type { Holding } from '../../../subgraphs/kernel/environment/kinds.ts';
import { type Checkpoint, readCheckpoint } from '../../../subgraphs/kernel/tlog/checkpoint.ts';
import { type Note, readNote } from '../../../subgraphs/kernel/tlog/note.ts';
import { listNewTiles, tilePath } from '../../../subgraphs/seals/log/tile.ts';
import { type Marker, readMarker } from '../marker.ts';
import { locateSignerKeyFile, readSecrets, type Secrets } from '../secrets.ts';

/** What a start reads of a data folder. Reading changes nothing. */
export interface FolderState {
  folder: string;
  marker: Marker | null | 'UNREADABLE';
  secrets: Secrets | null | 'UNREADABLE';
  hasSignerKeys: boolean;
  /** Whether the folder holds the embedded database. */
  hasDatabase: boolean;
  /** Whether DATABASE_URL names the database, and not the folder. */
  isForeign: boolean;
  log: PublishedLog | null | 'UNREADABLE';
  /** Files with secrets, and their folders, that every account of this machine may read or replace. */
  exposures: readonly Exposure[];
}

/** The published log: its checkpoint, and the path of a file that it needs and that is missing, or null. */
export interface PublishedLog extends Checkpoint {
  note: Note;
  text: string;
  missingTile: string | null;
}

export function readFolderState(folder: string, isForeign: boolean): FolderState {
  return {
    folder,
    isForeign,
    marker: readMarker(folder),
    secrets: readSecrets(folder),
    hasSignerKeys: existsSync(locateSignerKeyFile(folder)) || doesHubHoldKey(folder),
    hasDatabase: existsSync(join(folder, 'postgres/PG_VERSION')),
    log: readPublishedLog(join(folder, 'log')),
    exposures: listSecretPaths(folder).flatMap(([path, holds]) => findExposure(path, holds) ?? []),
  };
}

const PERSON_KEYS = 'person-keys.json';

/** Returns what of a folder holds secrets: the hub's, the signer's, and those for the library. */
function listSecretPaths(folder: string): [path: string, holds: Holding][] {
  const signerFolder = dirname(locateSignerKeyFile(folder));
  const signerFiles = existsSync(signerFolder) ? readdirSync(signerFolder) : [];
  return [
    [folder, 'SECRETS_FOLDER'],
    [join(folder, 'secrets.json'), 'SECRET'],
    [join(folder, 'library.json'), 'SECRET'],
    // The file of persons' keys holds no secret, but whoever writes it decides whose signature counts.
    ...signerFiles.map((file): [string, Holding] => [
      join(signerFolder, file),
      file === PERSON_KEYS ? 'TRUSTED' : 'SECRET',
    ]),
  ];
}

/** Up to release 0.3 the hub's secrets held the key-encryption key. */
function doesHubHoldKey(folder: string): boolean {
  const file = join(folder, 'secrets.json');
  return existsSync(file) && readFileSync(file, 'utf8').includes('"keyEncryptionKey"');
}

/** Reads the log that is published in a folder. Returns null if there is none. Verifies no signature. */
export function readPublishedLog(logFolder: string): PublishedLog | null | 'UNREADABLE' {
  const file = join(logFolder, 'checkpoint');
  if (!existsSync(file)) return null;
  try {
    const text = readFileSync(file, 'utf8');
    const note = readNote(text);
    const checkpoint = readCheckpoint(note.text);
    const { size } = checkpoint;
    const missingTile = listNewTiles(0, size, size)
      .map(tilePath)
      .find((path) => !existsSync(join(logFolder, path)));
    return { ...checkpoint, note, text, missingTile: missingTile ?? null };
  } catch {
    return 'UNREADABLE';
  }
}
