import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BootOptions } from '../../scripts/hub/boot.ts';

/** Folders and databases that do not belong together, or not to the way in which the hub is to run. */

/** Folder and database that a row starts from: `older` was copied before a license was issued, `newer` after it. */
export interface Mix {
  code: string;
  folder: 'older' | 'newer' | 'none';
  database: 'older' | 'newer' | 'none';
  /** Changes the copy of the folder. */
  changeFolder?: (folder: string) => void;
  /** Changes the copy of the database. */
  changeDatabase?: string;
  /** The folder holds the database, and DATABASE_URL is not set. */
  isEmbedded?: true;
  /** How the hub is to run. */
  mode?: Pick<BootOptions, 'isProduction' | 'issuer'>;
}

const editJson = (path: string, changes: object) => (folder: string) => {
  const file = join(folder, path);
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...changes }));
};
/** Returns the change that removes a file or folder. */
export const remove = (path: string) => (folder: string) => rmSync(join(folder, path), { recursive: true });
const otherKey = Buffer.alloc(32, 7).toString('base64');
const signerKeys = 'signer/key-encryption-keys.json';

/** Production, with an issuer that nobody asks. */
const PRODUCTION: NonNullable<Mix['mode']> = {
  isProduction: true,
  issuer: {
    ...{ issuer: 'https://login.office.example', audience: 'hub', kind: 'access', clients: [] },
    ...{ maxLifeSeconds: 60, staleSeconds: 60 },
  },
};
const beOfProduction = editJson('hub.json', { demonstration: false });
const open =
  (path: string, mode = 0o604) =>
  (folder: string) => {
    beOfProduction(folder);
    chmodSync(join(folder, path), mode);
  };

/** What a start refuses, by a sentence. Every check of a start has a row. */
export const MIXES: Record<string, Mix> = {
  'production without an issuer': {
    code: 'ISSUER_MISSING',
    folder: 'newer',
    database: 'newer',
    changeFolder: beOfProduction,
    mode: { isProduction: true, issuer: null },
  },
  'a demonstration in production': {
    code: 'DEMONSTRATION_FOLDER',
    folder: 'newer',
    database: 'newer',
    mode: PRODUCTION,
  },
  'a folder that does not say what it is for, in production': {
    code: 'DEMONSTRATION_FOLDER',
    folder: 'newer',
    database: 'newer',
    changeFolder: remove('hub.json'),
    mode: PRODUCTION,
  },
  'a folder of production in development': {
    code: 'PRODUCTION_FOLDER',
    folder: 'newer',
    database: 'newer',
    changeFolder: beOfProduction,
  },
  'secrets that others may read': {
    code: 'SECRETS_READABLE',
    folder: 'newer',
    database: 'newer',
    changeFolder: open('secrets.json'),
    mode: PRODUCTION,
  },
  "the signer's keys open to others": {
    code: 'SECRETS_READABLE',
    folder: 'newer',
    database: 'newer',
    changeFolder: open(signerKeys),
    mode: PRODUCTION,
  },
  'a folder of secrets into which others may write': {
    code: 'SECRETS_READABLE',
    folder: 'newer',
    database: 'newer',
    changeFolder: open('.', 0o713),
    mode: PRODUCTION,
  },
  'an older database beside a newer log': { code: 'DATABASE_BEHIND_LOG', folder: 'newer', database: 'older' },
  'an empty folder on the database of a hub': { code: 'FOLDER_EMPTY', folder: 'none', database: 'newer' },
  'a folder without its secrets': {
    code: 'FOLDER_EMPTY',
    folder: 'newer',
    database: 'newer',
    changeFolder: remove('secrets.json'),
  },
  'an empty server under a folder that has published': {
    code: 'SECRETS_FOREIGN',
    folder: 'newer',
    database: 'none',
    changeFolder: editJson('secrets.json', { databaseKey: otherKey }),
  },
  'a server that lost the database': { code: 'DATABASE_EMPTY', folder: 'newer', database: 'none' },
  'secrets of another hub': {
    code: 'SECRETS_FOREIGN',
    folder: 'newer',
    database: 'newer',
    changeFolder: editJson('secrets.json', { databaseKey: otherKey }),
  },
  'secrets that cannot be read': {
    code: 'SECRETS_UNREADABLE',
    folder: 'newer',
    database: 'newer',
    changeFolder: (folder) => writeFileSync(join(folder, 'secrets.json'), '{'),
  },
  "the signer's keys of another hub": {
    code: 'KEYS_CLOSED',
    folder: 'newer',
    database: 'newer',
    changeFolder: editJson(signerKeys, { keys: [otherKey] }),
  },
  'no keys of the signer': {
    code: 'SIGNER_KEYS_MISSING',
    folder: 'newer',
    database: 'newer',
    changeFolder: remove('signer'),
  },
  'a folder of a newer release': {
    code: 'FOLDER_NEWER',
    folder: 'newer',
    database: 'newer',
    changeFolder: editJson('hub.json', { format: 2, release: '9.0.0' }),
  },
  'a marker that cannot be read': {
    code: 'FOLDER_NEWER',
    folder: 'newer',
    database: 'newer',
    changeFolder: (folder) => writeFileSync(join(folder, 'hub.json'), 'x'),
  },
  'a database that a newer release has migrated': {
    code: 'DATABASE_NEWER',
    folder: 'newer',
    database: 'newer',
    changeDatabase: `insert into migrations.cases (hash, created_at) values ('x', 9999999999999)`,
  },
  'the log of another hub': {
    code: 'HUB_FOREIGN',
    folder: 'newer',
    database: 'newer',
    changeDatabase: `update seals.log_key set origin = 'other.example/log'`,
  },
  'a log that has grown apart': {
    code: 'LOG_FORKED',
    folder: 'older',
    database: 'newer',
    changeDatabase: `update seals.log_checkpoint set root = sha256('x')`,
  },
  'no published log': { code: 'LOG_MISSING', folder: 'newer', database: 'newer', changeFolder: remove('log') },
  'a published log without its files': {
    code: 'LOG_TRUNCATED',
    folder: 'newer',
    database: 'newer',
    changeFolder: remove('log/tile/0'),
  },
  'a checkpoint that cannot be read': {
    code: 'LOG_UNREADABLE',
    folder: 'newer',
    database: 'newer',
    changeFolder: (folder) => writeFileSync(join(folder, 'log/checkpoint'), 'x'),
  },
  'an older folder and database beside a library that has signed more': {
    code: 'DATABASE_BEHIND_WITNESS',
    folder: 'older',
    database: 'older',
  },
  'licenses older than the other schemas': {
    code: 'SCHEMAS_APART',
    folder: 'newer',
    database: 'newer',
    changeDatabase: `delete from licenses.act where id in (select id from licenses.act limit 1)`,
  },
  'seals older than the other schemas': {
    code: 'SCHEMAS_APART',
    folder: 'newer',
    database: 'newer',
    changeDatabase: `delete from seals.seal_use where case_id in (select case_id from licenses.act limit 1)`,
  },
  'cases older than the other schemas': {
    code: 'SCHEMAS_APART',
    folder: 'newer',
    database: 'newer',
    changeDatabase: `update cases.outbox_stream set head = 0 where stream like 'case:%'`,
  },
  'matters older than the other schemas': {
    code: 'SCHEMAS_APART',
    folder: 'newer',
    database: 'newer',
    changeDatabase: `delete from matters.outbox_stream where stream = (select min(stream) from matters.outbox_stream)`,
  },
  'a clock that was set back': {
    code: 'CLOCK_BEHIND',
    folder: 'newer',
    database: 'newer',
    changeDatabase: `update seals.log_checkpoint set at = now() + interval '1 hour'`,
  },
  'an older database in the folder beside a newer log': {
    code: 'DATABASE_BEHIND_LOG',
    folder: 'newer',
    database: 'older',
    isEmbedded: true,
  },
  'a folder that lost its database': {
    code: 'DATABASE_MISSING',
    folder: 'newer',
    database: 'none',
    isEmbedded: true,
  },
  'a folder with its database and without its secrets': {
    code: 'SECRETS_MISSING',
    folder: 'older',
    database: 'older',
    changeFolder: remove('secrets.json'),
    isEmbedded: true,
  },
};
