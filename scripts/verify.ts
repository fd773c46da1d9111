import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Report, verify } from '../subgraphs/licenses/verify/verify.ts';

/**
 * `npm run verify -- FILE.pdf [--signature FILE.p7s] --root root.pem [--json]`: judges a license offline, without database.
 * The signature is looked for beside the PDF: for `X.pdf` first `X.p7s`, then `X.pdf.p7s`.
 */

const EXIT = { TOTAL_PASSED: 0, TOTAL_FAILED: 1, INDETERMINATE: 2 } as const;
const WORDS = { TOTAL_PASSED: '通过', TOTAL_FAILED: '不通过', INDETERMINATE: '无法判定' } as const;
const FILE_LIMIT_BYTES = 64 * 1024 * 1024;
const USAGE = `用法 usage: npm run verify -- FILE.pdf [--signature FILE.p7s] --root root.pem [--json]
退出码 exit code: 0 签名通过 passed，1 签名不通过 failed，2 无法判定、用法不对或文件无法读取 indeterminate, bad usage, unreadable file`;

/** A command line or a file that nothing can be said about; its message is the one line a person sees. */
class UsageError extends Error {}

function read(path: string, what: string): Buffer {
  try {
    const found = statSync(path);
    if (!found.isFile()) throw new UsageError(`${what} ${path} 不是文件 — not a file`);
    if (found.size > FILE_LIMIT_BYTES) throw new UsageError(`${what} ${path} 过大 — larger than 64 MiB`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${what} ${path} 无法读取 — cannot be read`);
  }
}

/** The root certificates in a file, DER or one or more in PEM. */
function readRoots(path: string): Buffer[] {
  const bytes = read(path, '根证书');
  const blocks = bytes.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  try {
    return (blocks ?? [bytes]).map((one) => new X509Certificate(one).raw);
  } catch {
    throw new UsageError(`根证书 ${path} 不是证书 — not a certificate`);
  }
}

function beside(pdf: string): string | null {
  const candidates = [pdf.replace(/\.pdf$/i, '.p7s'), `${pdf}.p7s`];
  return candidates.find((path) => path !== pdf && existsSync(path)) ?? null;
}

const MARK = new Map<boolean | null, string>([
  [true, '✓'],
  [false, '✗'],
  [null, '·'],
]);

function print({ steps, verdict, subIndication, status, record }: Report, signaturePath: string | null): void {
  if (signaturePath !== null) console.log(`签名文件 ${signaturePath}`);
  for (const { name, passed, detail } of steps) console.log(`${MARK.get(passed)} ${name}：${detail}`);
  const sub = subIndication === null ? '' : `，${subIndication}`;
  console.log(`\n签名结论 signature: ${WORDS[verdict]}（${verdict}${sub}）`);
  console.log(`证照状态 license status: ${status === 'UNKNOWN' ? '未知，离线核验不查询 — unknown offline' : status}`);
  if (!record) return;
  console.log(`查询状态 ask here: ${record.KZ_HYDZ}\n`);
  console.log(`${record.ZZMC}  ${record.ZZBH}\n电子证照标识 ${record.ZZBS}\n持证主体 ${record.CZZT}`);
  console.log(`颁发机构 ${record.ZZBFJG}\n有效期 ${record.ZZYXQQSRQ} 至 ${record.ZZYXQJZRQ}`);
}

function parse() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { signature: { type: 'string' }, root: { type: 'string' }, json: { type: 'boolean' } },
    });
    const [file, ...others] = positionals;
    const { root, signature, json } = values;
    if (file !== undefined && others.length === 0 && root !== undefined) return { file, root, signature, json };
  } catch {}
  throw new UsageError(USAGE);
}

try {
  const { file, root, signature: named, json } = parse();
  const pdf = read(file, '文件');
  const signaturePath = named ?? beside(file);
  const signature = signaturePath === null ? null : read(signaturePath, '签名文件');
  const report = verify({ pdf, signature, roots: readRoots(root) }, new Date());
  if (json) console.log(JSON.stringify(report, null, 2));
  else print(report, signaturePath);
  process.exitCode = EXIT[report.verdict];
} catch (error) {
  console.error(error instanceof UsageError ? error.message : `无法核验 cannot verify: ${error}`);
  process.exitCode = EXIT.INDETERMINATE;
}
