/**
 * An evidence bundle (证据包): proves a license file offline, without any service. JSON, at most 16 kB. Signers below
 * the pinned root sign everything in it. It does not contain the document itself.
 */
export interface Bundle {
  format: 'tongquan-evidence-1';
  /** License identifier (GB/T 36904). */
  identifier: string;
  /** SHA-256 of the sealed PDF, hex. */
  document: string;
  /** Certificates that the signatures do not enclose: DER, base64. */
  certificates: readonly string[];
  /** Revocation lists (RFC 5280) of every authority on the path: DER, base64. */
  revocation: readonly string[];
  /** The issuer's last statement of the license's state: a compact JWS of typ `license-status+jwt`, or null. */
  status: string | null;
  /** Proves that the transparency log contains the seal use. */
  log?: LoggedUse | undefined;
  /** Archive timestamps, oldest first. */
  stamps: readonly ArchiveStamp[];
  /**
   * Material from the day of the download, not covered by any stamp: lists for judging the newest stamp, and the
   * newest statement of the state.
   */
  latest?: { revocation: readonly string[]; status: string; log?: LoggedUse | undefined } | undefined;
}

/**
 * A timestamp over everything before it. `token` (RFC 3161, DER, base64) covers the SHA-256 of the canonical JSON (RFC
 * 8785) of the bundle without `latest`. There, `stamps` contains the earlier stamps, then this one without `token`. Its
 * certificates and revocation lists date from the day of the stamp.
 */
export interface ArchiveStamp {
  certificates: readonly string[];
  revocation: readonly string[];
  token: string;
}

/** A leaf of the transparency log and its proof of inclusion: C2SP tlog-proof. */
export interface LoggedUse {
  entry: Readonly<Record<string, unknown>>;
  proof: string;
}

/** Maximum size of a bundle. */
export const MAX_BUNDLE_BYTES = 16_384;
