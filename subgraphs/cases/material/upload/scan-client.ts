import type { MediaType } from './file.ts';

/** The verdict of a scanner on a file. */
export type ScanVerdict =
  | { verdict: 'CLEAN' }
  | { verdict: 'INFECTED'; reason: string }
  /** The scanner cannot be reached. The file is stored and waits. */
  | { verdict: 'UNAVAILABLE'; reason: string };

/** The port to an office's scanner. Every uploaded file is scanned before anyone can read it. */
export type Scan = (bytes: Uint8Array, meta: { mediaType: MediaType; digest: string }) => Promise<ScanVerdict>;

/** Shorter than the gateway's timeout for a subgraph, so that the uploader receives the result. */
const SCAN_TIMEOUT_MS = 10_000;

/** Asks a scanner. Returns UNAVAILABLE if it throws or takes too long: an unscanned file never counts as clean. */
export async function askScanner(
  scan: Scan,
  bytes: Uint8Array,
  meta: Parameters<Scan>[1],
  timeoutMs = SCAN_TIMEOUT_MS,
): Promise<ScanVerdict> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<ScanVerdict>((resolve) => {
    timer = setTimeout(() => resolve({ verdict: 'UNAVAILABLE', reason: '超时' }), timeoutMs);
  });
  try {
    return await Promise.race([scan(bytes, meta), timeout]);
  } catch (error) {
    return { verdict: 'UNAVAILABLE', reason: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** The test string of EICAR, in two parts so that scanners do not report this source file. */
const EICAR = Buffer.from(['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD', '-ANTIVIRUS-TEST-FILE!$H+H*'].join(''));
/** Actions that a PDF runs by itself or at a click (ISO 32000-1, 12.6.4). */
const ACTIVE_NAMES = ['/JavaScript', '/Launch'];

/**
 * The built-in scanner. It finds the EICAR test string, and PDF actions in plain form that run programs or scripts.
 * It knows no other malware and does not read compressed streams. An office connects a real scanner.
 */
export const builtInScan: Scan = async (data, { mediaType }) => {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.includes(EICAR)) return { verdict: 'INFECTED', reason: 'EICAR 测试文件' };
  if (mediaType !== 'application/pdf') return { verdict: 'CLEAN' };
  // Any character of a PDF name may be written as #xx (ISO 32000-1, 7.3.5).
  const text = bytes
    .toString('latin1')
    .replace(/#([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const activeName = ACTIVE_NAMES.find((name) => text.includes(name));
  return activeName === undefined
    ? { verdict: 'CLEAN' }
    : { verdict: 'INFECTED', reason: `PDF 含活动内容 ${activeName}` };
};
