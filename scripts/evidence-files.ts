import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isSealedPdf } from '../subgraphs/kernel/pdf/pdf.ts';
import { type LoggedUse, MAX_BUNDLE_BYTES } from '../subgraphs/licenses/verify/evidence.ts';
import { parseLoggedUse } from '../subgraphs/licenses/verify/format/log.ts';
import { isJws } from '../subgraphs/licenses/verify/jws/register.ts';
import { readList } from '../subgraphs/licenses/verify/revocation.ts';

/** Reads the files of `npm run verify` and the evidence files next to them. */

const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_FILES = 1_000_000;
const MAX_DEPTH = 32;

/** A command line or a file that cannot be processed. Its message is the one line that a person sees. */
export class UsageError extends Error {}

export function readLimitedFile(path: string, fileKind: string): Buffer {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) throw new UsageError(`${fileKind} ${path} 不是文件 — not a file`);
    if (stats.size > MAX_FILE_BYTES) throw new UsageError(`${fileKind} ${path} 过大 — larger than 64 MiB`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${fileKind} ${path} 无法读取 — cannot be read`);
  }
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g;
const REVOCATION_LISTS = /-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/g;

/** Returns the DER of each PEM block that the pattern finds, or the file itself as one DER if it has no such block. */
function decodeBlocks(bytes: Buffer, pattern: RegExp): Buffer[] {
  const blocks = [...bytes.toString('latin1').matchAll(pattern)].map((match) => Buffer.from(match[1] ?? '', 'base64'));
  return blocks.length > 0 ? blocks : [bytes];
}

/** Reads the certificates of a file: one in DER, or one or more in PEM. Throws UsageError. */
export function readCertificateFile(path: string, fileKind: string): Buffer[] {
  const blocks = decodeBlocks(readLimitedFile(path, fileKind), CERTIFICATES);
  try {
    return blocks.map((block) => new X509Certificate(block).raw);
  } catch {
    throw new UsageError(`${fileKind} ${path} 不是证书 — not a certificate`);
  }
}

/** Reads the revocation lists of a file: one in DER, or one or more in PEM. Throws UsageError. */
export function readListFile(path: string): Buffer[] {
  const blocks = decodeBlocks(readLimitedFile(path, '吊销列表'), REVOCATION_LISTS);
  try {
    for (const block of blocks) readList(block);
    return blocks;
  } catch {
    throw new UsageError(`吊销列表 ${path} 不是能用的吊销列表 — not a revocation list`);
  }
}

/** A document and its evidence. A member is null if there is no such file. */
export interface Document {
  path: string;
  file: Buffer | null;
  signaturePath: string | null;
  signature: Buffer | null;
  bundle: Buffer | null;
  /** The log's proof from the file `X.tlog-proof` next to it. */
  logged: LoggedUse | null;
}

const stripExtension = (path: string) => path.replace(/\.(pdf|json|jwt)$/i, '');

/**
 * Reads a document and its evidence. Looks for files that are not named next to the document:
 * for `X.pdf` these are `X.p7s` or `X.pdf.p7s`, `X.evidence.json` and `X.tlog-proof`. Throws UsageError.
 */
export function readDocument(path: string, explicitPaths: { signature?: string; evidence?: string } = {}): Document {
  if (/\.p7s$/i.test(path)) {
    return {
      path,
      file: null,
      signaturePath: path,
      signature: readLimitedFile(path, '签名文件'),
      bundle: null,
      logged: null,
    };
  }
  const file = readLimitedFile(path, '文件');
  const isSigned = isJws(file) || isSealedPdf(file);
  const signaturePath = explicitPaths.signature ?? (isSigned ? null : findSibling(path, '.p7s'));
  const evidencePath = explicitPaths.evidence ?? findSibling(path, '.evidence.json');
  const bundle = evidencePath === null ? null : readLimitedFile(evidencePath, '证据包');
  if (bundle && bundle.length > 2 * MAX_BUNDLE_BYTES) throw new UsageError(`证据包 ${evidencePath} 过大 — too large`);
  const signature = signaturePath === null ? null : readLimitedFile(signaturePath, '签名文件');
  const proofPath = findSibling(path, '.tlog-proof');
  const logged = proofPath === null ? null : readProofFile(proofPath);
  return { path, file, signaturePath, signature, bundle, logged };
}

function readProofFile(path: string): LoggedUse {
  try {
    return parseLoggedUse(readLimitedFile(path, '日志证明').toString('utf8'));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`日志证明 ${path} 不是规定的形式 — not a tlog-proof`);
  }
}

function findSibling(path: string, extension: string): string | null {
  const candidates = [`${stripExtension(path)}${extension}`, `${path}${extension}`];
  return candidates.find((candidate) => candidate !== path && existsSync(candidate)) ?? null;
}

/** Reads the keys of a log and its witnesses, one vkey per line. Lines that begin with # are comments. */
export function readKeyFile(path: string): string[] {
  const lines = readLimitedFile(path, '日志公钥')
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

/**
 * Lists the documents of a folder and its subfolders:
 * PDFs, statements with a signature next to them, statements of the register, and signatures without a document.
 */
export function listDocuments(folder: string): string[] {
  const paths: string[] = [];
  const walk = (at: string, depth: number) => {
    if (depth > MAX_DEPTH) throw new UsageError(`目录 ${at} 过深 — nested too deep`);
    const entries = readdirSync(at, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(at, entry.name);
      if (entry.isDirectory()) walk(path, depth + 1);
      else if (entry.isFile() && isDocument(path)) paths.push(path);
      if (paths.length > MAX_FILES) throw new UsageError(`目录 ${folder} 的文件过多 — too many files`);
    }
  };
  try {
    walk(folder, 0);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`目录 ${folder} 无法读取 — cannot be read`);
  }
  return paths;
}

/** The name of a statement of the register: `<identifier>.spoil.jwt`, with the act's short id in an export. */
const REGISTERED = /\.[a-z]+(\.[0-9a-f]{8})?\.jwt$/;

function isDocument(path: string): boolean {
  if (/\.pdf$/i.test(path) || REGISTERED.test(path)) return true;
  if (/\.json$/i.test(path))
    return !/\.evidence\.json$/i.test(path) && findSibling(path, '.p7s') !== null && !belongsToPdf(path);
  if (!/\.p7s$/i.test(path)) return false;
  const basePath = path.replace(/\.p7s$/i, '');
  return ![basePath, `${basePath}.pdf`, `${basePath}.PDF`, `${basePath}.json`].some((candidate) =>
    existsSync(candidate),
  );
}

/** Returns whether `X.p7s` belongs to `X.pdf`. If both `X.pdf` and `X.json` exist, it is the PDF's signature. */
function belongsToPdf(path: string): boolean {
  return existsSync(`${stripExtension(path)}.pdf`) && !existsSync(`${path}.p7s`);
}
