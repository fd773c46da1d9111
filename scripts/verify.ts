import { existsSync, readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Report, verify } from '../subgraphs/licenses/verify/verify.ts';

/** `npm run verify -- FILE.pdf [--signature FILE.p7s] --root root.pem [--json]`: offline, no database. Exit 0 passed, 1 failed, 2 indeterminate. */

const EXIT = { TOTAL_PASSED: 0, TOTAL_FAILED: 1, INDETERMINATE: 2 } as const;
const WORDS = { TOTAL_PASSED: '通过', TOTAL_FAILED: '不通过', INDETERMINATE: '无法判定' } as const;
const FILE_LIMIT_BYTES = 64 * 1024 * 1024;
const USAGE = '用法 usage: npm run verify -- FILE.pdf [--signature FILE.p7s] --root root.pem [--json]';

function read(path: string, what: string): Uint8Array {
  try {
    if (statSync(path).size > FILE_LIMIT_BYTES) throw new Error('too large');
    return readFileSync(path);
  } catch {
    throw new Error(`${what} ${path} 无法读取 — cannot be read`);
  }
}

/** The signature beside the PDF: `X.pdf.p7s`, or `X.p7s`. */
function beside(pdf: string): string | null {
  return [`${pdf}.p7s`, pdf.replace(/\.pdf$/i, '.p7s')].find((path) => path !== pdf && existsSync(path)) ?? null;
}

function print(report: Report): void {
  for (const { name, passed, detail } of report.steps) console.log(`${passed ? '✓' : '✗'} ${name}：${detail}`);
  const sub = report.subIndication === null ? '' : `，${report.subIndication}`;
  console.log(`\n签名结论 signature: ${WORDS[report.verdict]}（${report.verdict}${sub}）`);
  console.log('证照状态 license status: 未知（离线核验不查询状态）— unknown offline');
  if (report.record) {
    const { ZZMC, ZZBH, CZZT, ZZBFJG, ZZYXQQSRQ, ZZYXQJZRQ, KZ_HYDZ } = report.record;
    console.log(
      `\n${ZZMC}  ${ZZBH}\n持证主体 ${CZZT}\n颁发机构 ${ZZBFJG}\n有效期 ${ZZYXQQSRQ} 至 ${ZZYXQJZRQ}\n查询状态 ${KZ_HYDZ}`,
    );
  }
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { signature: { type: 'string' }, root: { type: 'string' }, json: { type: 'boolean' } },
  });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1 || values.root === undefined) throw new Error(USAGE);
  const pdf = read(file, '文件');
  const signaturePath = values.signature ?? beside(file);
  const signature = signaturePath === null ? null : read(signaturePath, '签名文件');
  const report = verify({ pdf, signature, roots: [read(values.root, '根证书')] }, new Date());
  if (values.json) console.log(JSON.stringify(report, null, 2));
  else print(report);
  process.exitCode = EXIT[report.verdict];
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = EXIT.INDETERMINATE;
}
