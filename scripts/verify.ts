import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { isFresh } from '../subgraphs/kernel/period/freshness.ts';
import { periodOf, printPeriod } from '../subgraphs/kernel/period/validity.ts';
import { type RegisterStatement, SPOIL_REASON_LABELS } from '../subgraphs/kernel/sealing/attest.ts';
import { type CodeReport, verifyCode } from '../subgraphs/licenses/verify/jws/code.ts';
import { isDeemedRenewed, type LicenseStatus } from '../subgraphs/licenses/verify/status.ts';
import { formatTime, toDisplayText, type Verdict } from '../subgraphs/licenses/verify/verdict.ts';
import { type Report, verify } from '../subgraphs/licenses/verify/verify.ts';
import { makeProgressBar } from './bar.ts';
import {
  type Document,
  listDocuments,
  readCertificateFile,
  readDocument,
  readKeyFile,
  readLimitedFile,
  readListFile,
  UsageError,
} from './evidence-files.ts';

/**
 * `npm run verify`: verifies licenses, statements of later acts, notices and QR codes offline, without a database.
 * `npm run verifier` writes it as one file, `verify.mjs`.
 */

const EXIT_CODES = { TOTAL_PASSED: 0, TOTAL_FAILED: 1, INDETERMINATE: 2 } as const;
const WORDS = { TOTAL_PASSED: '通过', TOTAL_FAILED: '不通过', INDETERMINATE: '无法判定' } as const;
/** From the best to the worst. */
const RANK: readonly Verdict[] = ['TOTAL_PASSED', 'INDETERMINATE', 'TOTAL_FAILED'];
const [, script = ''] = process.argv;
const COMMAND = script.endsWith('.mjs') ? `node ${basename(script)}` : 'npm run verify --';
const USAGE = `用法 usage: ${COMMAND} FILE.pdf|FILE.json|FILE.jwt|FOLDER… --root root.pem [--signature FILE.p7s] [--evidence FILE]
  或 or: ${COMMAND} --qr TEXT --root root.pem --certificates FILE.pem --crl FILE --crl FILE [--address https://HOST]…
另可 also: [--certificates FILE.pem]… [--crl FILE]… [--status-list FILE] [--log-key FILE]… [--at 2026-11-25T00:00:00Z]
  [--max-status-age HOURS] [--json]
退出码 exit code: 0 签名通过 passed，1 签名不通过 failed，2 无法判定、用法不对或文件无法读取 indeterminate, bad usage, unreadable file`;
const HOUR_MS = 3_600_000;
const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

function parseOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        signature: { type: 'string' },
        evidence: { type: 'string' },
        root: { type: 'string' },
        qr: { type: 'string' },
        address: { type: 'string', multiple: true },
        certificates: { type: 'string', multiple: true },
        crl: { type: 'string', multiple: true },
        'status-list': { type: 'string' },
        'log-key': { type: 'string', multiple: true },
        at: { type: 'string' },
        'max-status-age': { type: 'string' },
        json: { type: 'boolean' },
      },
    });
    const { root, qr, signature, evidence } = values;
    const isSingle = positionals.length === 1 || (signature === undefined && evidence === undefined);
    const isValidCall = qr === undefined ? positionals.length > 0 && isSingle : positionals.length === 0 && isSingle;
    if (root !== undefined && isValidCall) return { ...values, root, paths: positionals };
  } catch {}
  throw new UsageError(USAGE);
}

type Options = ReturnType<typeof parseOptions>;

/** Reads the material by which every file of a call is verified. */
function readMaterial({
  root,
  certificates = [],
  crl = [],
  'status-list': statusList,
  'log-key': logKeys,
  at,
  'max-status-age': maxAge,
}: Options) {
  if (maxAge !== undefined && !/^\d{1,6}$/.test(maxAge))
    throw new UsageError(`--max-status-age ${maxAge} 不是小时数 — not a number of hours`);
  if (at !== undefined && (!TIME.test(at) || Number.isNaN(Date.parse(at)))) {
    throw new UsageError(`时间 ${at} 不正确 — not a time (2026-11-25 or 2026-11-25T00:00:00Z)`);
  }
  return {
    roots: readCertificateFile(root, '根证书'),
    certificates: certificates.flatMap((path) => readCertificateFile(path, '证书')),
    revocation: crl.flatMap(readListFile),
    statusList: statusList === undefined ? null : readLimitedFile(statusList, '状态列表').toString('utf8').trim(),
    // A caller who names the log wants proof that the use of the seal was logged.
    log: logKeys === undefined ? null : { keys: logKeys.flatMap(readKeyFile), required: true },
    at: at === undefined ? new Date() : new Date(at),
    maxStatusAgeMs: maxAge === undefined ? null : Number(maxAge) * HOUR_MS,
  };
}

type Material = ReturnType<typeof readMaterial>;

/** Returns a report whose state is unknown if the word on it is too old for the caller. */
function withFreshState<Judged extends { status: LicenseStatus }>(
  report: Judged,
  { at, maxStatusAgeMs }: Pick<Material, 'at' | 'maxStatusAgeMs'>,
): Judged {
  const { state, asOf } = report.status;
  if (maxStatusAgeMs === null || state === 'UNKNOWN') return report;
  if (asOf !== null && isFresh(new Date(asOf), at, maxStatusAgeMs)) return report;
  const reason =
    asOf === null ? '只有证照载明的有效期' : `截至 ${asOf} 为 ${state}，已超过 ${maxStatusAgeMs / HOUR_MS} 小时`;
  return { ...report, status: { state: 'UNKNOWN', asOf, source: report.status.source, reason } };
}

const MARK = new Map<boolean | null, string>([
  [true, '✓'],
  [false, '✗'],
  [null, '·'],
]);

function printJudgement({ steps, verdict, subIndication, status }: Report | CodeReport, at: Date): void {
  for (const { name, passed, detail } of steps) console.log(`${MARK.get(passed)} ${name}：${detail}`);
  const sub = subIndication === null ? '' : `，${subIndication}`;
  console.log(`\n签名结论 signature: ${WORDS[verdict]}（${verdict}${sub}）`);
  console.log(`证照状态 license status: ${describeStatus(status, at)}`);
}

function describeStatus({ state, asOf, reason, source }: LicenseStatus, at: Date): string {
  if (state === 'UNKNOWN') return `未知 unknown（${reason}）`;
  if (source === 'PERIOD') return `${state}（按证照载明的有效期 by its own dates）`;
  const hours = Math.max(0, Math.floor((at.getTime() - Date.parse(asOf ?? '')) / HOUR_MS));
  return `${state}（截至 as of ${asOf}，${hours} 小时前 hours ago）`;
}

function printReport(report: Report, { signaturePath }: Document, at: Date): void {
  if (signaturePath !== null) console.log(`签名文件 ${signaturePath}`);
  printJudgement(report, at);
  const { record, statement, notice, registered, signer, provenAt, claimedAt } = report;
  if (registered) {
    printRegistered(registered, signer?.name ?? '');
    return;
  }
  if (signer) console.log(`签章 ${signer.name}，${signer.organisation}`);
  if (claimedAt) console.log(`签章时间 ${claimedAt}${provenAt ? `，时间戳证明不晚于 ${provenAt}` : '，没有时间戳'}`);
  if (statement) console.log(`\n声明 ${statement.CZ}  ${statement.ZZBH}\n电子证照标识 ${statement.ZZBS}`);
  if (notice)
    console.log(`\n${notice.title}  ${notice.number}\n受文人 ${notice.addressee}\n办件编号 ${notice.caseNumber}`);
  if (!record) return;
  console.log(
    `查询状态 ask here: ${record.KZ_HYDZ}\n\n${record.ZZMC}  ${record.ZZBH}\n电子证照标识 ${record.ZZBS}\n持证主体 ${record.CZZT}`,
  );
  console.log(`颁发机构 ${record.ZZBFJG}\n有效期 ${printPeriod(record.ZZYXQQSRQ, record.ZZYXQJZRQ)}`);
  if (isDeemedRenewed(report.status, periodOf(record)))
    console.log('视为准予延续 counts as renewed（行政许可法第五十条：期满前已申请延续，尚未制发新证照）');
}

function printRegistered(statement: RegisterStatement, signerName: string): void {
  const head = `登记声明 registered by ${signerName}，${formatTime(new Date(statement.iat * 1000))}`;
  console.log(`${head}\n电子证照标识 ${statement.sub}\n${statement.act}：${describeRegistered(statement)}`);
}

function describeRegistered(statement: RegisterStatement): string {
  if (statement.act === 'LAPSE') return `有效期至 ${statement.until}，已失效 — has lapsed`;
  switch (statement.act) {
    case 'REGISTER':
      return `存量登记，由发证机关 ${statement.organ} 的两人按台账 ${statement.file} 登记，没有电子印章 — from paper`;
    case 'SPOIL':
      return `空白证照 ${statement.spoiled} 作废（${SPOIL_REASON_LABELS[statement.reason]}），改用 ${statement.replacement}`;
    case 'HOLD':
      return `有效期至 ${statement.until}，延续申请 ${statement.case} 已于 ${statement.accepted} 受理，届满未作决定的，视为准予延续 — a renewal holds the end off`;
    case 'RELEASE':
      return `有效期至 ${statement.until}，延续申请 ${statement.case} 办结 settled：${statement.outcome}`;
  }
}

function verifyDocument(
  { file, signature, bundle, logged }: Document,
  { at, maxStatusAgeMs, ...material }: Material,
): Report {
  return withFreshState(verify({ file, signature, bundle, logged, ...material }, at), { at, maxStatusAgeMs });
}

function verifyOne(path: string, options: Options, material: Material): Verdict {
  const document = readDocument(path, options);
  const report = verifyDocument(document, material);
  if (options.json) console.log(JSON.stringify(report, null, 2));
  else printReport(report, document, material.at);
  return report.verdict;
}

/** Prints one line per document and a count at the end. Returns the worst verdict. */
function verifyMany(paths: readonly string[], { json }: Options, material: Material): Verdict {
  const counts: Record<Verdict, number> = { TOTAL_PASSED: 0, INDETERMINATE: 0, TOTAL_FAILED: 0 };
  const bar = makeProgressBar(paths.length);
  paths.forEach((path, i) => {
    const result = verifyOrExplain(path, material);
    counts[result.verdict]++;
    if (json || result.verdict !== 'TOTAL_PASSED') bar.clear();
    if (json) console.log(JSON.stringify({ file: path, ...result }));
    else if (result.verdict !== 'TOTAL_PASSED' || !process.stdout.isTTY) {
      console.log(
        `${WORDS[result.verdict]} ${path.replace(/\p{Cc}/gu, '�')}${result.why === '' ? '' : `：${result.why}`}`,
      );
    }
    bar.show(i + 1);
  });
  const countSummary = RANK.map((verdict) => `${WORDS[verdict]} ${verdict} ${counts[verdict]}`).join('，');
  if (!json) console.log(`\n共 ${paths.length} 份 documents：${countSummary}`);
  return RANK.findLast((verdict) => counts[verdict] > 0) ?? 'INDETERMINATE';
}

function verifyOrExplain(path: string, material: Material): Partial<Report> & { verdict: Verdict; why: string } {
  try {
    const report = verifyDocument(readDocument(path), material);
    const failed = report.steps.slice(0, -1).find((step) => step.passed === false);
    return { ...report, why: failed ? `${report.subIndication}，${failed.name}，${failed.detail}` : '' };
  } catch (error) {
    if (error instanceof UsageError) return { verdict: 'INDETERMINATE', why: error.message };
    throw error;
  }
}

function verifyText(text: string, { json, address }: Options, material: Material): Verdict {
  const { at, log: _, maxStatusAgeMs, ...rest } = material;
  const judged = verifyCode(text, { ...rest, ...(address && { addresses: address.map(trimSlash) }) }, at);
  const report = withFreshState(judged, { at, maxStatusAgeMs });
  if (json) console.log(JSON.stringify(report, null, 2));
  else {
    printJudgement(report, at);
    const { payload } = report;
    if (payload)
      console.log(
        `\n电子证照标识 ${toDisplayText(payload.i)}\n持证主体 ${toDisplayText(payload.h)}\n颁发机构 ${toDisplayText(payload.o)}`,
      );
    if (payload) console.log(`有效期 ${toDisplayText(printPeriod(payload.f, payload.t))}\n登记数据摘要 ${payload.d}`);
  }
  return report.verdict;
}

function trimSlash(address: string): string {
  return address.replace(/\/$/, '');
}

function runVerify(): Verdict {
  const options = parseOptions();
  const material = readMaterial(options);
  if (options.qr !== undefined) return verifyText(options.qr, options, material);
  const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const folders = options.paths.filter(isFolder);
  const [path = ''] = options.paths;
  if (options.paths.length === 1 && folders.length === 0) return verifyOne(path, options, material);
  if (options.signature !== undefined || options.evidence !== undefined) throw new UsageError(USAGE);
  const paths = options.paths.flatMap((target) => (folders.includes(target) ? listDocuments(target) : [target]));
  if (paths.length === 0) throw new UsageError(`目录 ${path} 中没有文件可核验 — nothing to verify`);
  return verifyMany(paths, options, material);
}

try {
  process.exitCode = EXIT_CODES[runVerify()];
} catch (error) {
  console.error(error instanceof UsageError ? error.message : `无法核验 cannot verify: ${error}`);
  process.exitCode = EXIT_CODES.INDETERMINATE;
}
