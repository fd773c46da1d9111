import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type EvidenceDependencies, gatherBundle, stateNow } from '../evidence/workflow.ts';
import { verifyCode } from '../verify/code.ts';
import type { LicenseStatus } from '../verify/status.ts';
import type { Judgement, Step } from '../verify/verdict.ts';
import { verify } from '../verify/verify.ts';
import * as store from './store.ts';

/** Verification by the hub (核验). Gathers the evidence, then calls the same functions as the offline verifier. */

export interface Verification extends Judgement {
  provenAt: string | null;
  claimedAt: string | null;
  signer: { name: string; organisation: string } | null;
  status: LicenseStatus;
  /** Identifier of the license version of the file or the code, or null. */
  identifier: string | null;
}

const FIND = '查找本系统的存档';
const UNKNOWN_FILE = '本机构没有制发过这一文件';
const NOTHING_SAID: LicenseStatus = { state: 'UNKNOWN', asOf: null, source: null, reason: UNKNOWN_FILE };

/** Judges the hub's own copy of a file by its SHA-256. Returns SIGNED_DATA_NOT_FOUND if the hub did not issue it. */
export async function verifyDigest(deps: EvidenceDependencies, digest: string): Promise<Verification> {
  const issued = await store.findIssued(deps.db, digest);
  if (issued) return verifyIssued(deps, digest, issued);
  return {
    verdict: 'INDETERMINATE',
    subIndication: 'SIGNED_DATA_NOT_FOUND',
    steps: [{ name: FIND, passed: false, detail: UNKNOWN_FILE }],
    provenAt: null,
    claimedAt: null,
    signer: null,
    status: NOTHING_SAID,
    identifier: null,
  };
}

/**
 * Judges an uploaded file. A file that the hub issued is judged with all stored evidence, any other one by today's
 * certificates and lists.
 */
export async function verifyDocument(
  deps: EvidenceDependencies,
  file: Uint8Array,
  signature: Uint8Array | null,
): Promise<Verification> {
  const digest = createHash('sha256').update(file).digest('hex');
  const issued = await store.findIssued(deps.db, digest);
  if (issued) return verifyIssued(deps, digest, signature ? { ...issued, signature } : issued);
  const report = verify({ file, signature, ...(await materialOf(deps, [])) }, deps.now());
  const identifier = (report.record ?? report.statement)?.ZZBS ?? null;
  return { ...report, steps: [{ name: FIND, passed: null, detail: UNKNOWN_FILE }, ...report.steps], identifier };
}

async function verifyIssued(deps: EvidenceDependencies, digest: string, issued: store.Issued): Promise<Verification> {
  const { identifier, file, signature } = issued;
  const text = await gatherBundle(deps, identifier);
  // The bundle belongs to the license's document. The statement of a later act has no bundle.
  const bundle = text !== null && JSON.parse(text).document === digest ? Buffer.from(text) : null;
  const statement = await stateNow(deps, identifier);
  const report = verify({ file, signature, bundle, statement, ...(await materialOf(deps, [])) }, deps.now());
  const found: Step = { name: FIND, passed: true, detail: '与本系统制发的文件逐字节相同' };
  return { ...report, steps: [found, ...report.steps], identifier };
}

/** Judges the text of a QR code by published certificates, revocation lists, and the license's current state. */
export async function verifyText(deps: EvidenceDependencies, text: string): Promise<Verification> {
  const { kid, identifier } = peek(text);
  const material = await materialOf(deps, kid === null ? [] : [kid]);
  const statement = identifier === null ? null : await stateNow(deps, identifier);
  const { payload, signer, ...report } = verifyCode(text, { ...material, statement }, deps.now());
  return {
    ...report,
    provenAt: null,
    claimedAt: null,
    signer: payload && { name: signer ?? '', organisation: payload.o },
    identifier: payload && identifier,
  };
}

/** Reads the current root, certificates, revocation lists and log keys. */
async function materialOf({ material }: EvidenceDependencies, kids: readonly string[]) {
  const { root, issuing, codes, rootList, issuingList, logKeys } = await material({ codes: [...kids], use: null });
  // A license that was just sealed is not in the log yet.
  const log = { keys: logKeys, required: false };
  return { roots: [root], certificates: [issuing, ...codes], revocation: [rootList, issuingList], log };
}

const head = z.object({ kid: z.string().regex(/^[0-9a-f]{16}$/) });
const claims = z.object({ i: z.string().max(120) });

/** Reads key id and identifier from a code without verifying them, to know which evidence to gather. */
function peek(text: string): { kid: string | null; identifier: string | null } {
  const [first = '', second = ''] = text
    .trim()
    .slice(text.trim().indexOf('#') + 1)
    .split('.');
  return {
    kid: head.safeParse(jsonOf(first)).data?.kid ?? null,
    identifier: claims.safeParse(jsonOf(second)).data?.i ?? null,
  };
}

function jsonOf(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
