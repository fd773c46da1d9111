import { createHash } from 'node:crypto';
import { z } from 'zod';
import { attestVersionState, type EvidenceDependencies, gatherBundle } from '../evidence/workflow.ts';
import { verifyCode } from '../verify/format/code.ts';
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

const FIND_STEP = '查找本系统的存档';
const UNKNOWN_FILE = '本机构没有制发过这一文件';
const UNKNOWN_STATUS: LicenseStatus = { state: 'UNKNOWN', asOf: null, source: null, reason: UNKNOWN_FILE };

/** Judges the hub's own copy of a file by its SHA-256. Returns SIGNED_DATA_NOT_FOUND if the hub did not issue it. */
export async function verifyDigest(deps: EvidenceDependencies, digest: string): Promise<Verification> {
  const issuedFile = await store.findIssuedFile(deps.db, digest);
  if (issuedFile) return verifyIssued(deps, digest, issuedFile);
  return {
    verdict: 'INDETERMINATE',
    subIndication: 'SIGNED_DATA_NOT_FOUND',
    steps: [{ name: FIND_STEP, passed: false, detail: UNKNOWN_FILE }],
    provenAt: null,
    claimedAt: null,
    signer: null,
    status: UNKNOWN_STATUS,
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
  const issuedFile = await store.findIssuedFile(deps.db, digest);
  if (issuedFile) return verifyIssued(deps, digest, signature ? { ...issuedFile, signature } : issuedFile);
  const report = verify({ file, signature, ...(await readMaterial(deps, [])) }, deps.now());
  const identifier = (report.record ?? report.statement)?.ZZBS ?? null;
  return { ...report, steps: [{ name: FIND_STEP, passed: null, detail: UNKNOWN_FILE }, ...report.steps], identifier };
}

async function verifyIssued(
  deps: EvidenceDependencies,
  digest: string,
  issuedFile: store.IssuedFile,
): Promise<Verification> {
  const { identifier, file, signature } = issuedFile;
  const text = await gatherBundle(deps, identifier);
  // The bundle belongs to the license's document. The statement of a later act has no bundle.
  const bundle = text !== null && JSON.parse(text).document === digest ? Buffer.from(text) : null;
  const statement = await attestVersionState(deps, identifier);
  const report = verify({ file, signature, bundle, statement, ...(await readMaterial(deps, [])) }, deps.now());
  const archiveStep: Step = { name: FIND_STEP, passed: true, detail: '与本系统制发的文件逐字节相同' };
  return { ...report, steps: [archiveStep, ...report.steps], identifier };
}

/** Judges the text of a QR code by published certificates, revocation lists, and the license's current state. */
export async function verifyText(deps: EvidenceDependencies, text: string): Promise<Verification> {
  const { kid, identifier } = readCodeHints(text);
  const material = await readMaterial(deps, kid === null ? [] : [kid]);
  const statement = identifier === null ? null : await attestVersionState(deps, identifier);
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
async function readMaterial({ material }: EvidenceDependencies, kids: readonly string[]) {
  const { root, issuing, codes, rootList, issuingList, logKeys } = await material({ codes: [...kids], use: null });
  // A license that was just sealed is not in the log yet.
  const log = { keys: logKeys, required: false };
  return { roots: [root], certificates: [issuing, ...codes], revocation: [rootList, issuingList], log };
}

const headerForm = z.object({ kid: z.string().regex(/^[0-9a-f]{16}$/) });
const claimsForm = z.object({ i: z.string().max(120) });

/** Reads key id and identifier from a code without verifying them, to know which evidence to gather. */
function readCodeHints(text: string): { kid: string | null; identifier: string | null } {
  const [headerPart = '', payloadPart = ''] = text
    .trim()
    .slice(text.trim().indexOf('#') + 1)
    .split('.');
  return {
    kid: headerForm.safeParse(parseJsonPart(headerPart)).data?.kid ?? null,
    identifier: claimsForm.safeParse(parseJsonPart(payloadPart)).data?.i ?? null,
  };
}

function parseJsonPart(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
