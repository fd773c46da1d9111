import { join } from 'node:path';
import { LogFault } from '../../../subgraphs/kernel/tlog/fault.ts';
import { type NoteKey, verifySignatures, writeKey } from '../../../subgraphs/kernel/tlog/note.ts';
import { isSame } from '../../../subgraphs/kernel/tlog/tree.ts';
import { BootError } from '../folder.ts';
import { FOLDER_FORMAT } from '../marker.ts';
import { locateSignerKeyFile } from '../secrets.ts';
import type { Disagreement } from './agreement.ts';
import type { HubState, StartCheck, Wrong } from './check.ts';
import type { DatabaseState, LogState } from './database-state.ts';
import type { FolderState, PublishedLog } from './folder-state.ts';
import { PRODUCTION_CHECKS } from './production.ts';

/** What a start compares before it changes anything. A hub that one of these checks refuses does not act. */

/** The folder and the database of a started hub, with its log on both sides. */
interface Logs {
  folder: FolderState;
  database: DatabaseState;
  log: LogState;
  published: PublishedLog | null;
}

/** Builds a check that compares the published log with that of the database. */
function compareLogs(find: (logs: Logs, state: HubState) => Wrong | null): StartCheck['find'] {
  return (state) => {
    const { folder, database } = state;
    if (!database?.log || folder.log === 'UNREADABLE') return null;
    return find({ folder, database, log: database.log, published: folder.log }, state);
  };
}

/** The clocks of two machines may differ by this much. */
const MAX_CLOCK_DIFFERENCE_MS = 300_000;

export const START_CHECKS: readonly StartCheck[] = [
  ...PRODUCTION_CHECKS,
  {
    code: 'FOLDER_NEWER',
    compares: 'the form of the folder with the one that this release writes',
    isResumable: false,
    find({ folder: { folder, marker } }) {
      if (marker === null || (marker !== 'UNREADABLE' && marker.format <= FOLDER_FORMAT)) return null;
      if (marker === 'UNREADABLE')
        return { zh: `${join(folder, 'hub.json')} 无法读取`, en: 'the marker of the data folder cannot be read' };
      return {
        zh: `数据目录由较新的版本 ${marker.release} 写成，请用该版本启动`,
        en: `the data folder is of the newer release ${marker.release}: start that release`,
      };
    },
  },
  {
    code: 'SECRETS_UNREADABLE',
    compares: 'the form of the file of secrets',
    isResumable: false,
    find: ({ folder: { folder, secrets } }) =>
      secrets === 'UNREADABLE'
        ? {
            zh: `${join(folder, 'secrets.json')} 无法读取，请从备份恢复`,
            en: 'the secrets cannot be read, restore them',
          }
        : null,
  },
  {
    code: 'SECRETS_MISSING',
    compares: 'the database in the folder with the files of secrets beside it',
    isResumable: false,
    ends: true,
    find({ folder: { folder, hasDatabase, isForeign, secrets, hasSignerKeys } }) {
      if (!hasDatabase || isForeign || (secrets !== null && hasSignerKeys)) return null;
      const missing = secrets === null ? join(folder, 'secrets.json') : locateSignerKeyFile(folder);
      return { zh: `${missing} 不见了，请从备份恢复`, en: 'the secrets of this data folder are missing, restore them' };
    },
  },
  {
    code: 'DATABASE_MISSING',
    compares: 'what the folder remembers of a database with the database in it',
    isResumable: false,
    find({ folder: { hasDatabase, isForeign, log, marker } }) {
      const remembers = log !== null || (marker !== null && marker !== 'UNREADABLE' && marker.logKey !== undefined);
      if (hasDatabase || isForeign || !remembers) return null;
      return {
        zh: '数据目录中的数据库（postgres）不见了，请从备份恢复；数据库在别处时请设置 DATABASE_URL',
        en: 'the database of this data folder is missing: restore it, or set DATABASE_URL if it is elsewhere',
      };
    },
  },
  {
    code: 'LOG_UNREADABLE',
    compares: 'the form of the published checkpoint',
    isResumable: false,
    find: ({ folder: { folder, log } }) =>
      log === 'UNREADABLE'
        ? {
            zh: `${join(folder, 'log/checkpoint')} 无法读取，请从备份恢复`,
            en: 'the published checkpoint cannot be read, restore it',
          }
        : null,
  },
  {
    code: 'FOLDER_EMPTY',
    compares: 'a folder without secrets with the database that it names',
    isResumable: false,
    find({ folder: { folder, secrets }, database }) {
      if (!database || secrets !== null || (!database.hasHub && database.roles.length === 0)) return null;
      return {
        zh: `DATABASE_URL 上已有一个系统，而数据目录 ${folder} 中没有它的密钥：请恢复数据目录，或改用另一个数据库`,
        en: 'DATABASE_URL holds a hub, and the data folder has none of its secrets: restore the folder, or name another server',
      };
    },
  },
  {
    code: 'SECRETS_FOREIGN',
    compares: 'the passwords that the secrets give with those of the roles in the database',
    isResumable: false,
    find({ folder: { secrets }, database }) {
      if (!database || secrets === null) return null;
      const closed = database.roles.filter(({ opens }) => !opens).map(({ name }) => name);
      if (database.isAdminKnown && closed.length === 0) return null;
      return {
        zh: `secrets.json 打不开这个数据库（${closed.join('、') || 'postgres'}）：二者不属于同一系统`,
        en: 'the secrets do not open the database: they are of another hub',
      };
    },
  },
  {
    code: 'DATABASE_IN_USE',
    compares: 'the lock of a running hub on the database with this start',
    isResumable: false,
    find: ({ database }) =>
      database?.isInUse ? { zh: '另一个系统正在使用这个数据库', en: 'another hub is running on this database' } : null,
  },
  {
    code: 'DATABASE_NEWER',
    compares: 'the migrations that the database has had with those of this release',
    isResumable: false,
    find({ database }) {
      if (!database || database.unknownMigrations.length === 0) return null;
      return {
        zh: '数据库已由较新的版本升级，请用该版本启动',
        en: 'the database has migrations of a newer release: start that release',
      };
    },
  },
  {
    code: 'DATABASE_EMPTY',
    compares: 'what the folder has published with a database without a log',
    isResumable: false,
    find({ folder: { log, marker, secrets }, database }) {
      const remembers = log !== null || (marker !== null && marker !== 'UNREADABLE' && marker.logKey !== undefined);
      if (!database || database.log !== null || !remembers || secrets === null) return null;
      return {
        zh: '数据目录已公布过日志，而数据库中什么也没有：请恢复数据库，或改正 DATABASE_URL',
        en: 'the folder has published a log, and the database has none: restore the database, or correct DATABASE_URL',
      };
    },
  },
  {
    code: 'HUB_FOREIGN',
    compares: 'the key of the log in the folder with the one in the database',
    isResumable: false,
    find: compareLogs(({ folder: { marker }, log: { key }, published }) => {
      const isMarked = marker === null || marker === 'UNREADABLE' || marker.logKey === undefined;
      if ((isMarked || marker.logKey === writeKey(key)) && (published === null || isSignedBy(published, key)))
        return null;
      return {
        zh: '数据目录与数据库不属于同一系统（日志的公钥不同）',
        en: 'the data folder and the database are of different hubs: the keys of their logs differ',
      };
    }),
  },
  {
    code: 'DATABASE_BEHIND_LOG',
    compares: 'the size of the published log with that in the database',
    isResumable: true,
    find: compareLogs(({ log, published }) => {
      if (published === null || published.size <= log.size) return null;
      return {
        zh: `数据库比已公布的日志旧：日志有 ${published.size} 条，数据库只有 ${log.size} 条`,
        en: `the database is older than its log: ${log.size} of ${published.size} leaves`,
      };
    }),
  },
  {
    code: 'LOG_FORKED',
    compares: 'the root of the published log with the one that the database signed at that size',
    isResumable: false,
    find: compareLogs(({ log, published }) => {
      if (published === null || published.size > log.size) return null;
      if (log.publishedRoot && isSame(log.publishedRoot, published.root)) return null;
      return {
        zh: '已公布的日志与数据库中的日志不是同一部：数据库曾被恢复到旧状态后又继续使用，请恢复较新的备份',
        en: 'the published log and that of the database have grown apart: restore the newer backup',
      };
    }),
  },
  {
    code: 'LOG_MISSING',
    compares: 'a folder without a log with a database that has published one',
    isResumable: true,
    // A hub that was killed may have left one checkpoint unpublished.
    find: compareLogs(({ log, published, folder: { folder } }) =>
      published === null && log.checkpointCount > 1
        ? {
            zh: `已公布的日志 ${join(folder, 'log')} 不见了，无从知道数据库是不是最新`,
            en: 'the published log is missing: nothing shows whether the database is the newest',
          }
        : null,
    ),
  },
  {
    code: 'LOG_TRUNCATED',
    compares: 'the published checkpoint with the files that it needs',
    isResumable: true,
    find: compareLogs(({ published }) =>
      published !== null && published.missingTile !== null
        ? {
            zh: `已公布的日志缺少文件 ${published.missingTile}`,
            en: 'the published log lacks files that its checkpoint needs',
          }
        : null,
    ),
  },
  {
    code: 'DATABASE_BEHIND_WITNESS',
    compares: 'the size of the log with what the city library and other witnesses have signed',
    isResumable: true,
    find: compareLogs(({ database, log }, { aheadWitnesses = [] }) => {
      const seen = Math.max(database.witnessedSize, ...aheadWitnesses.map(({ size }) => size));
      if (seen <= log.size) return null;
      const name = aheadWitnesses.find(({ size }) => size === seen)?.name ?? '市证照库';
      return {
        zh: `数据库比见证人（${name}）所见旧：见证人签过 ${seen} 条，数据库只有 ${log.size} 条`,
        en: `the database is older than what a witness has signed: ${log.size} of ${seen} leaves`,
      };
    }),
  },
  {
    code: 'SCHEMAS_APART',
    compares: 'what each of the four schemas has recorded of the others',
    isResumable: true,
    find({ folder: { marker }, database }) {
      const [first] = listUnaccepted(marker, database?.disagreements ?? []);
      if (!first) return null;
      return {
        zh: `数据库各部分不是同一时刻的：${first.older} 较旧（缺 ${first.count} 项）`,
        en: `the parts of the database are of different times: ${first.older} is older (${first.name}: ${first.count} missing)`,
      };
    },
  },
  {
    code: 'CLOCK_BEHIND',
    compares: 'the clock with the newest instant in the log',
    isResumable: true,
    find: compareLogs(({ folder: { marker }, log: { newestAt } }, { now }) => {
      const acceptedClock = marker === null || marker === 'UNREADABLE' ? undefined : marker.acceptedClock;
      const isAccepted = acceptedClock !== undefined && newestAt !== null && newestAt <= new Date(acceptedClock);
      if (newestAt === null || isAccepted || now.getTime() + MAX_CLOCK_DIFFERENCE_MS >= newestAt.getTime()) return null;
      return {
        zh: `时钟落后：现在是 ${now.toISOString()}，而日志已记到 ${newestAt.toISOString()}，请校准时钟`,
        en: 'the clock is behind what was recorded: set it right',
      };
    }),
  },
  {
    code: 'SIGNER_KEYS_MISSING',
    compares: 'the private keys in the database with the file of the keys that open them',
    isResumable: false,
    find({ folder: { folder, hasSignerKeys }, database }) {
      if (!database || database.keys.length === 0 || hasSignerKeys) return null;
      return {
        zh: `${locateSignerKeyFile(folder)} 不见了，请从备份恢复`,
        en: "the signer's keys are missing, restore them",
      };
    },
  },
  {
    code: 'KEYS_CLOSED',
    compares: "the private keys in the database with the signer's keys",
    isResumable: false,
    find({ unopenedKeys = [] }) {
      if (unopenedKeys.length === 0) return null;
      return {
        zh: `签名机的密钥打不开数据库中的 ${unopenedKeys.length} 把私钥（如 ${unopenedKeys[0]}）：请恢复与数据库同时备份的密钥`,
        en: "the signer's keys do not open the private keys in the database: restore those of the same backup",
      };
    },
  },
];

function isSignedBy({ note, origin }: PublishedLog, key: NoteKey): boolean {
  try {
    return origin === key.name && verifySignatures(note, [key]).length > 0;
  } catch (error) {
    if (error instanceof LogFault) return false;
    throw error;
  }
}

/** Returns the comparisons that found more than `npm run resume` has accepted. */
function listUnaccepted(marker: FolderState['marker'], disagreements: readonly Disagreement[]): Disagreement[] {
  const accepted = marker === null || marker === 'UNREADABLE' ? {} : marker.accepted;
  return disagreements.filter(({ name, count }) => count > (accepted[name] ?? 0));
}

/** Why a start does not act: the first check that refused. Its message is one line for a person. */
export class StartRefusal extends BootError {
  readonly check: StartCheck;

  constructor(check: StartCheck, { zh, en }: Wrong) {
    const hint = check.isResumable
      ? ['；或见 docs/operations.md 中的 npm run resume', '; or see npm run resume in docs/operations.md']
      : ['', ''];
    super(`系统拒绝运行 ${check.code}：${zh}${hint[0]} — ${en}${hint[1]}`);
    this.check = check;
  }
}

/** Returns what refuses the start, in the order of the table. */
export function listRefusals(state: HubState): StartRefusal[] {
  return START_CHECKS.flatMap((check) => {
    const wrong = check.find(state);
    return wrong ? [new StartRefusal(check, wrong)] : [];
  });
}
