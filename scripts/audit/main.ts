import { join } from 'node:path';
import { parseArgs } from 'node:util';
import postgres from 'postgres';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { OPERATOR } from '../../subgraphs/kernel/outgoing/address.ts';
import { sendRequest } from '../../subgraphs/kernel/outgoing/http-client.ts';
import { LogFault } from '../../subgraphs/kernel/tlog/fault.ts';
import { KEY_TYPES, type NoteKey, readKey, readNote, verifySignatures } from '../../subgraphs/kernel/tlog/note.ts';
import type { PersonKeys } from '../../subgraphs/seals/signer/person/credential.ts';
import { readPersonKeys } from '../../subgraphs/seals/signer/person/person-file.ts';
import { makeProgressBar } from '../bar.ts';
import { readCertificateFile, readKeyFile, readLimitedFile, UsageError } from '../evidence-files.ts';
import { findHubDatabase } from '../hub/running-database.ts';
import { audit, CHECKS } from './audit.ts';
import type { AuditInput, AuditWitness, Finding } from './finding.ts';

/**
 * `npm run audit`: compares log, database and files, and prints every deviation.
 * docs/audit.md explains each finding.
 */

const EXIT = { clean: 0, findings: 1, unable: 2 } as const;
const USAGE = `用法 usage: npm run audit -- --log-key FILE [--checkpoint FILE|URL]… [--root FILE] [--data FOLDER] [--database URL] [--log FOLDER] [--person-keys FILE] [--json]
  --log-key     日志和各见证人的公钥，每行一个；应从别处取得 keys of log and witnesses, a line each, got from elsewhere
  --checkpoint  见证人（含市库）处取得的检查点 a checkpoint as a witness, or the city library, gives it out
  --person-keys 签名机的个人签名凭据文件，应从签名机的运维人员处取得 the signer's file of persons' keys, from its operator
退出码 exit code: 0 没有问题 clean，1 有问题 findings，2 无法审计 unable`;
const FETCH_TIMEOUT_MS = 10_000;
const MAX_CHECKPOINT_BYTES = 65_536;

const environment = readEnvironment('audit');

function parseOptions() {
  try {
    const { values } = parseArgs({
      options: {
        data: { type: 'string', default: environment.DATA_FOLDER },
        database: { type: 'string' },
        log: { type: 'string' },
        root: { type: 'string' },
        'log-key': { type: 'string' },
        'person-keys': { type: 'string' },
        checkpoint: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch {
    throw new UsageError(USAGE);
  }
}

/** Reads the keys of the log and its witnesses, and the checkpoints of the witnesses. */
async function readTrust(
  keyFile: string,
  checkpoints: readonly string[],
): Promise<{ logKey: NoteKey; witnesses: AuditWitness[] }> {
  const keys = readKeyFile(keyFile).map((text) => {
    try {
      return readKey(text);
    } catch (error) {
      if (error instanceof LogFault) throw new UsageError(`${keyFile} 中的公钥不正确 — not a key: ${text}`);
      throw error;
    }
  });
  const [logKey, ...otherLogKeys] = keys.filter(({ type }) => type === KEY_TYPES.log);
  if (!logKey || otherLogKeys.length > 0)
    throw new UsageError(`${keyFile} 须有一个日志公钥 — must hold the key of one log`);
  const notes = await Promise.all(checkpoints.map(readCheckpointAt));
  const witnesses = keys
    .filter(({ type }) => type === KEY_TYPES.witness)
    .map((key) => ({ key, checkpoint: notes.find((note) => isSignedBy(note, key)) ?? null }));
  const unclaimedIndex = notes.findIndex((note) => !witnesses.some(({ key }) => isSignedBy(note, key)));
  if (unclaimedIndex >= 0)
    throw new UsageError(`检查点 ${checkpoints[unclaimedIndex]} 不是所列见证人签的 — by no witness that is listed`);
  return { logKey, witnesses };
}

function isSignedBy(note: string, key: NoteKey): boolean {
  try {
    return verifySignatures(readNote(note), [key]).length > 0;
  } catch (error) {
    if (error instanceof LogFault) return false;
    throw error;
  }
}

async function readCheckpointAt(location: string): Promise<string> {
  if (!/^https?:\/\//.test(location)) return readLimitedFile(location, '检查点').toString('utf8');
  try {
    const limits = { timeoutMs: FETCH_TIMEOUT_MS, maxAnswerBytes: MAX_CHECKPOINT_BYTES };
    const { status, bytes } = await sendRequest(location, { method: 'GET', reach: OPERATOR, ...limits });
    if (status === 200) return bytes.toString('utf8');
  } catch {}
  throw new UsageError(`检查点 ${location} 无法取得 — cannot be fetched`);
}

/** Reads the signer's file of persons' keys. Null if none is given. */
function readPersonKeyFile(path: string | undefined): PersonKeys | null {
  if (path === undefined) return null;
  try {
    return readPersonKeys(path);
  } catch {
    throw new UsageError(`${path} 不是签名机的个人签名凭据文件 — not the signer's file of persons' keys`);
  }
}

async function runAudit(): Promise<number> {
  const options = parseOptions();
  const { data = 'data', database, log, root, checkpoint, json, 'log-key': keyFile } = options;
  if (keyFile === undefined) throw new UsageError(USAGE);
  const trust = await readTrust(keyFile, checkpoint ?? []);
  const personKeys = readPersonKeyFile(options['person-keys']);
  const roots = readCertificateFile(root ?? join(data, 'root.pem'), '根证书');
  const url = findHubDatabase(database, environment.DATABASE_URL, data);
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  let bar = makeProgressBar(1);
  const files = { logFolder: log ?? join(data, 'log'), roots, personKeys };
  const input: Omit<AuditInput, 'sql'> = { ...files, ...trust, now: new Date() };
  input.onProgress = (done, total) => {
    if (done === 0) bar = makeProgressBar(total);
    bar.show(done);
  };
  input.onNote = (note) => console.log(json ? JSON.stringify({ note }) : `  · ${note}`);
  const findings: Finding[] = [];
  const startedAt = performance.now();
  try {
    // A hub may be running: the whole audit must see one snapshot.
    await sql.begin('isolation level repeatable read read only', async (tx) => {
      for await (const finding of audit({ ...input, sql: tx }, json ? undefined : (name) => console.log(`· ${name}`))) {
        findings.push(finding);
        bar.clear();
        console.log(json ? JSON.stringify(finding) : `  ✗ ${finding.code}  ${finding.object}  ${finding.detail}`);
      }
      const [erased] = await tx<{ acts: number }[]>`select count(*)::int as acts from seals.erasure`;
      if (!json && erased && erased.acts > 0) console.log(`  已依法删除内容的办理 acts erased by law: ${erased.acts}`);
    });
  } finally {
    await sql.end();
  }
  if (!json) console.log(formatSummary(findings, trust.witnesses, (performance.now() - startedAt) / 1000));
  return findings.length === 0 ? EXIT.clean : EXIT.findings;
}

function formatSummary(findings: readonly Finding[], witnesses: readonly AuditWitness[], seconds: number): string {
  const checkpointCount = witnesses.filter(({ checkpoint }) => checkpoint !== null).length;
  const witnessSummary = `见证人 witnesses ${witnesses.length}，取得检查点 heard ${checkpointCount}`;
  const warning =
    checkpointCount === 0
      ? '\n没有见证人的检查点：日志若被整个改写，无从发现 — without a witness a log that was rewritten as a whole cannot be told'
      : '';
  const objects = new Set(findings.map(({ object }) => object)).size;
  const verdict =
    findings.length === 0
      ? `没有问题 clean，${CHECKS.length} 项 checks`
      : `${findings.length} 个问题 findings，涉及 ${objects} 个对象 objects`;
  return `\n${verdict}（${witnessSummary}，${seconds.toFixed(1)} s）${warning}`;
}

try {
  process.exitCode = await runAudit();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = EXIT.unable;
}
