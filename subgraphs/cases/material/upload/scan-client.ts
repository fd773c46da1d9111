import type { MediaType } from './file.ts';

/** The verdict of a scanner on a file. */
export type ScanVerdict =
  | { verdict: 'CLEAN' }
  | { verdict: 'INFECTED'; reason: string }
  /** The scanner cannot be reached. The file is stored and waits. */
  | { verdict: 'UNAVAILABLE'; reason: string };

/** The port to an office's scanner. If one is connected, it scans every uploaded file before anyone can read it. */
export type Scan = (bytes: Uint8Array, meta: { mediaType: MediaType; digest: string }) => Promise<ScanVerdict>;

/** Shorter than the gateway's timeout for a subgraph, so that the uploader receives the result. */
const SCAN_TIMEOUT_MS = 10_000;

/**
 * Asks a scanner. Returns UNAVAILABLE if it throws or takes too long: an unscanned file never counts as clean. Returns
 * CLEAN if the office has connected none: the hub has examined the file itself.
 */
export async function askScanner(
  scan: Scan | null,
  bytes: Uint8Array,
  meta: Parameters<Scan>[1],
  timeoutMs = SCAN_TIMEOUT_MS,
): Promise<ScanVerdict> {
  if (!scan) return { verdict: 'CLEAN' };
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
