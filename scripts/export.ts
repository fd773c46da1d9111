import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import postgres from 'postgres';
import { readEnvironment } from '../subgraphs/kernel/environment/read.ts';
import { sha256 } from '../subgraphs/kernel/events/events.ts';
import { OPERATOR } from '../subgraphs/kernel/outgoing/address.ts';
import { sendRequest } from '../subgraphs/kernel/outgoing/http-client.ts';
import { streamRows } from './audit/finding.ts';
import { makeProgressBar } from './bar.ts';
import { UsageError } from './evidence-files.ts';
import { toLocalUrl } from './hub/address.ts';
import { findHubDatabase } from './hub/running-database.ts';

/**
 * `npm run export`: exports the acts of a period with everything needed to verify them without the hub: documents and
 * statements, their evidence and proofs, certificates, revocation lists, and the log itself.
 */
const USAGE = `用法 usage: npm run export -- --from 2026-11-01 --to 2026-12-01 --out FOLDER [--url http://127.0.0.1:4000] [--data FOLDER] [--database URL] [--log FOLDER]
  起始日含当日，截止日不含当日（北京时间） from this day, before that day, Asia/Shanghai`;
const FETCH_TIMEOUT_MS = 30_000;
const MAX_FILE_BYTES = 67_108_864;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const CERTIFICATE_FILES = { 'root.pem': '/root.pem', 'certificates.pem': '/seals/certificates.pem' };
const STATUS_FILES = {
  'root.crl': '/seals/root.crl',
  'issuing.crl': '/seals/issuing.crl',
  'status-list.jwt': '/licenses/status-list',
};

const environment = readEnvironment('export');

function parseOptions() {
  try {
    const { values } = parseArgs({
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        out: { type: 'string' },
        url: { type: 'string', default: toLocalUrl(environment.HOST, environment.PORT) },
        data: { type: 'string', default: environment.DATA_FOLDER },
        database: { type: 'string' },
        log: { type: 'string' },
      },
    });
    const { from = '', to = '', out } = values;
    if (DAY.test(from) && DAY.test(to) && from < to && out !== undefined) return { ...values, from, to, out };
  } catch {}
  throw new UsageError(USAGE);
}

async function fetchFile(url: string): Promise<Buffer | null> {
  const limits = { timeoutMs: FETCH_TIMEOUT_MS, maxAnswerBytes: MAX_FILE_BYTES };
  const answer = await sendRequest(url, { method: 'GET', reach: OPERATOR, ...limits }).catch(() => null);
  if (!answer) throw new UsageError(`系统没有运行：${url} — the hub does not answer`);
  return answer.status === 200 ? answer.bytes : null;
}

async function requireFile(url: string): Promise<Buffer> {
  const bytes = await fetchFile(url);
  if (!bytes) throw new UsageError(`${url} 无法取得 — cannot be had`);
  return bytes;
}

interface ExportedAct {
  id: string;
  act: string;
  identifier: string;
  mediaType: string;
  file: Buffer;
  signature: Buffer | null;
}

async function exportAll(): Promise<void> {
  const { from, to, out, url = '', data = 'data', database, log } = parseOptions();
  if (existsSync(join(out, 'documents'))) throw new UsageError(`${out} 已有内容 — is not empty`);
  const sql = postgres(findHubDatabase(database, environment.DATABASE_URL, data), { max: 2, onnotice: () => {} });
  try {
    const period = sql`a.state = 'DONE' and a.done_at >= ${`${from}T00:00:00+08:00`}::timestamptz and a.done_at < ${`${to}T00:00:00+08:00`}::timestamptz`;
    const [count] = await sql<{ n: number }[]>`select count(*)::int as n from licenses.act a where ${period}`;
    // Only now: a database that cannot be read leaves no folder behind.
    mkdirSync(join(out, 'documents'), { recursive: true });
    const bar = makeProgressBar(count?.n ?? 0);
    const rows = sql<
      ExportedAct[]
    >`select a.id, a.act, a.identifier, d.media_type as "mediaType", d.bytes as file, s.bytes as signature from licenses.act a
      join licenses.document d on d.digest = a.document_digest left join licenses.document s on s.digest = a.signature_digest
      where ${period} order by a.serial`;
    let exportedCount = 0;
    let unprovenCount = 0;
    for await (const row of streamRows(rows, 50)) {
      if (!(await exportAct(row, url, join(out, 'documents')))) unprovenCount++;
      bar.show(++exportedCount);
    }
    for (const [name, path] of Object.entries({ ...CERTIFICATE_FILES, ...STATUS_FILES }))
      writeFileSync(join(out, name), await requireFile(`${url}${path}`));
    const witnesses = await sql<{ witness: string }[]>`select distinct witness from seals.log_cosignature order by 1`;
    const keys = [(await requireFile(`${url}/log/key`)).toString().trim(), ...witnesses.map(({ witness }) => witness)];
    const note = '# 请与从别处取得的公钥核对 — compare with the keys that you got elsewhere';
    writeFileSync(join(out, 'log-keys.txt'), `${note}\n${keys.join('\n')}\n`);
    copyLog(log ?? join(data, 'log'), join(out, 'log'));
    console.log(
      `${exportedCount} 项办理已导出到 ${out}${unprovenCount > 0 ? `，其中 ${unprovenCount} 项尚无日志证明` : ''} — acts exported\n${formatVerifyCommand(out)}`,
    );
  } finally {
    await sql.end();
  }
}

const MAX_COPY_ATTEMPTS = 5;

/** Copies the log. Partial tiles may disappear while a growing log is copied; then it is copied again. */
function copyLog(from: string, to: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith('.draft') });
      return;
    } catch (error) {
      if (attempt === MAX_COPY_ATTEMPTS) throw error;
      rmSync(to, { recursive: true, force: true });
    }
  }
}

/** Exports one act. Returns whether the log proves its signature. */
async function exportAct(row: ExportedAct, url: string, folder: string): Promise<boolean> {
  const { id, identifier, act, file, signature, mediaType } = row;
  if (mediaType === 'application/pdf') {
    writeFileSync(join(folder, `${identifier}.pdf`), file);
    if (signature) writeFileSync(join(folder, `${identifier}.p7s`), signature);
    const bundle = await fetchFile(`${url}/licenses/evidence/${identifier}?document=${sha256(file)}`);
    if (bundle) writeFileSync(join(folder, `${identifier}.evidence.json`), bundle);
    const bundleContent = JSON.parse(bundle?.toString() ?? '{}') as { log?: object; latest?: { log?: object } };
    return (bundleContent.log ?? bundleContent.latest?.log) !== undefined;
  }
  const name = `${identifier}.${act.toLowerCase()}.${id.slice(0, 8)}`;
  if (mediaType === 'application/jwt') {
    writeFileSync(join(folder, `${name}.jwt`), file);
    return exportProof(join(folder, name), `${url}/log/proof/${sha256(file)}?kind=ATTESTATION`);
  }
  writeFileSync(join(folder, `${name}.json`), file);
  if (signature) writeFileSync(join(folder, `${name}.p7s`), signature);
  return exportProof(join(folder, name), `${url}/log/proof/${id}${signature ? `?digest=${sha256(signature)}` : ''}`);
}

/** Writes the log's proof next to a file. Returns whether there is one. */
async function exportProof(path: string, proofUrl: string): Promise<boolean> {
  const proof = await fetchFile(proofUrl);
  if (proof) writeFileSync(`${path}.tlog-proof`, proof);
  return proof !== null;
}

function formatVerifyCommand(out: string): string {
  const verifyOptions = `--root ${out}/root.pem --log-key ${out}/log-keys.txt --certificates ${out}/certificates.pem --crl ${out}/root.crl --crl ${out}/issuing.crl`;
  return `核验 verify: npm run verify -- ${out}/documents ${verifyOptions}`;
}

try {
  await exportAll();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
