/**
 * What proves a license file when nobody can be asked any more (证据包): JSON, at most 16 kB, everything in it signed by
 * somebody below the pinned root. The document itself is not in it.
 */
export interface Bundle {
  format: 'tongquan-evidence-1';
  /** License identifier (GB/T 36904). */
  identifier: string;
  /** SHA-256 of the sealed PDF, hex. */
  document: string;
  /** Certificates that signatures do not carry themselves: DER, base64. */
  certificates: readonly string[];
  /** Revocation lists (RFC 5280) of every authority on the way: DER, base64. */
  revocation: readonly string[];
  /** The license's state as its issuer last said it: a compact JWS of typ `license-status+jwt`, or null. */
  status: string | null;
  /** That the use of the seal stands in the transparency log. */
  log?: LoggedUse | undefined;
  /** Archive timestamps, oldest first. */
  stamps: readonly ArchiveStamp[];
  /** Of the day it was given out, and under no stamp yet: lists to judge the newest stamp by, and the newest word on the state. */
  latest?: { revocation: readonly string[]; status: string; log?: LoggedUse | undefined } | undefined;
}

/**
 * A timestamp over everything before it: `token` (RFC 3161, DER, base64) covers the SHA-256 of the canonical JSON (RFC 8785)
 * of the bundle without `latest`, whose `stamps` are the ones before this one followed by this one without `token`. Its certificates and
 * revocation lists were the ones of its day.
 */
export interface ArchiveStamp {
  certificates: readonly string[];
  revocation: readonly string[];
  token: string;
}

/** A leaf of the transparency log, and why it stands there: C2SP tlog-proof. */
export interface LoggedUse {
  entry: Readonly<Record<string, unknown>>;
  proof: string;
}

/** Longest bundle that is read. */
export const BUNDLE_LIMIT_BYTES = 16_384;
