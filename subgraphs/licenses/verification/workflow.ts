import { createHash } from 'node:crypto';
import type { Parse } from '../../kernel/foreign/pool.ts';
import { attestVersionState, type EvidenceDependencies, gatherEvidence } from '../evidence/workflow.ts';
import type { PARSERS } from '../parsers.ts';
import type { LicenseStatus } from '../verify/status.ts';
import type { Judgement, Step } from '../verify/verdict.ts';
import * as store from './store.ts';

/**
 * Verification by the hub (核验). Gathers the evidence, then calls the same functions as the offline verifier, in a
 * worker.
 */

export interface VerificationDependencies extends EvidenceDependencies {
  parse: Parse<typeof PARSERS>;
  /** Address at which the public reaches the hub. */
  publicUrl: string;
}

export interface Verification extends Judgement {
  provenAt: string | null;
  claimedAt: string | null;
  signer: { name: string; organisation: string } | null;
  status: LicenseStatus;
  /** Identifier of the license version of the file or the code, or null. */
  identifier: string | null;
  /** SHA-256 of the verified file if it opens a bundle that is not public. */
  secretDigest?: string | null;
}

const FIND_STEP = '查找本系统的存档';
const UNKNOWN_FILE = '本机构没有制发过这一证照文件';
/** This subgraph stores no notices (文书), so it judges one by the signature inside it. */
const NOTICE_FILE = '文书不在证照存档中，按文件内的签名核验';
const UNKNOWN_STATUS: LicenseStatus = { state: 'UNKNOWN', asOf: null, source: null, reason: UNKNOWN_FILE };

/** Judges the hub's own copy of a file by its SHA-256. Returns SIGNED_DATA_NOT_FOUND if the hub did not issue it. */
export async function verifyDigest(deps: VerificationDependencies, digest: string): Promise<Verification> {
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
  deps: VerificationDependencies,
  file: Uint8Array,
  signature: Uint8Array | null,
): Promise<Verification> {
  const digest = createHash('sha256').update(file).digest('hex');
  const issuedFile = await store.findIssuedFile(deps.db, digest);
  if (issuedFile) return verifyIssued(deps, digest, signature ? { ...issuedFile, signature } : issuedFile);
  const evidence = { file, signature, ...(await readMaterial(deps, [])) };
  const report = await deps.parse('verify', { evidence, at: deps.now() }, { given: [file] });
  const identifier = (report.record ?? report.statement)?.ZZBS ?? report.registered?.sub ?? null;
  const detail = report.notice ? NOTICE_FILE : UNKNOWN_FILE;
  return { ...report, steps: [{ name: FIND_STEP, passed: null, detail }, ...report.steps], identifier };
}

async function verifyIssued(
  deps: VerificationDependencies,
  digest: string,
  issuedFile: store.IssuedFile,
): Promise<Verification> {
  const { identifier, file, signature } = issuedFile;
  const gathered = await gatherEvidence(deps, identifier);
  // The bundle belongs to the license's document. The statement of a later act has no bundle.
  const isOfDocument = gathered !== null && JSON.parse(gathered.text).document === digest;
  const bundle = isOfDocument ? Buffer.from(gathered.text) : null;
  const statement = await attestVersionState(deps, identifier);
  const evidence = { file, signature, bundle, statement, ...(await readMaterial(deps, [])) };
  const report = await deps.parse('verify', { evidence, at: deps.now() });
  const archiveStep: Step = { name: FIND_STEP, passed: true, detail: '与本系统制发的文件逐字节相同' };
  const isSecret = gathered?.secretDigest === digest;
  return { ...report, steps: [archiveStep, ...report.steps], identifier, secretDigest: isSecret ? digest : null };
}

/** Judges the text of a QR code by published certificates, revocation lists, and the license's current state. */
export async function verifyText(deps: VerificationDependencies, text: string): Promise<Verification> {
  const { kid, identifier } = await deps.parse('readCodeHints', text);
  const material = await readMaterial(deps, kid === null ? [] : [kid]);
  const statement = identifier === null ? null : await attestVersionState(deps, identifier);
  const addresses = await listAddresses(deps, identifier);
  const request = { text, material: { ...material, statement, addresses }, at: deps.now() };
  const { payload, signer, ...report } = await deps.parse('verifyCode', request);
  return {
    ...report,
    provenAt: null,
    claimedAt: null,
    signer: payload && { name: signer ?? '', organisation: payload.o },
    identifier: payload && identifier,
  };
}

/** Lists the hub's address, and the one in the license's own record: a paper keeps the address printed on it. */
async function listAddresses({ db, publicUrl }: VerificationDependencies, identifier: string | null) {
  const printed = identifier === null ? null : await store.findAskAddress(db, identifier);
  return printed === null ? [publicUrl] : [publicUrl, printed.slice(0, -`/v/${identifier}`.length)];
}

/** Reads the current root, certificates, revocation lists and log keys. */
async function readMaterial({ material }: VerificationDependencies, kids: readonly string[]) {
  const { root, issuing, codes, rootList, issuingList, logKeys } = await material({ codes: [...kids], use: null });
  // A license that was just sealed is not in the log yet.
  const log = { keys: logKeys, required: false };
  return { roots: [root], certificates: [issuing, ...codes], revocation: [rootList, issuingList], log };
}
