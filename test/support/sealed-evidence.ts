import type { AttachedRecord } from '../../subgraphs/licenses/act/record.ts';
import { renderLicense } from '../../subgraphs/licenses/document/render.ts';
import type { Bundle } from '../../subgraphs/licenses/verify/evidence.ts';
import { type Evidence, type Report, verify } from '../../subgraphs/licenses/verify/verify.ts';
import {
  addArchiveStamp,
  type CertificateOptions,
  createEcPair,
  createRsaPair,
  createSeal,
  digestForSeal,
  type IssuedCertificate,
  insertSeal,
  issueCertificate,
  issueRevocationList,
  issueTimestamp,
  type ListOptions,
  type SealOptions,
  sha256,
  type TokenOptions,
} from './pki-builder.ts';
import { sampleRecord } from './record.ts';

/** Authorities and a license sealed under them. A test changes one detail and checks the verdict. */

export const VERIFIED_AT = new Date('2026-11-25T00:00:00Z');
export const SIGNED_AT = new Date('2026-11-23T01:02:03Z');
export const STAMPED_AT = new Date('2026-11-23T01:02:05Z');
export const toDay = (text: string) => new Date(`${text}T00:00:00Z`);

const PAIRS = {
  root: createRsaPair(),
  issuing: createRsaPair(),
  seal: createRsaPair(),
  timestamp: createEcPair(),
  code: createEcPair(),
  status: createEcPair(),
};
export type Role = keyof typeof PAIRS;
export type Authorities = Record<Role, IssuedCertificate>;
export const PDF: Buffer = Buffer.from(renderLicense(sampleRecord));

/** Creates a root, an issuing authority and four certificates below it, with the changes of a test. */
export function createAuthorities(changes: Partial<Record<Role, CertificateOptions>> = {}): Authorities {
  const issueFor = (role: Role, options: CertificateOptions) =>
    issueCertificate({ pair: PAIRS[role], ...options, ...changes[role] });
  const longValidity = { until: toDay('2060-01-01') };
  const root = issueFor('root', { common: '测试根', isCa: true, pathLength: 1, ...longValidity });
  const issuing = issueFor('issuing', { common: '测试签发', issuer: root, isCa: true, pathLength: 0, ...longValidity });
  const endEntity = { issuer: issuing, organisation: sampleRecord.ZZBFJG };
  return {
    root,
    issuing,
    seal: issueFor('seal', { ...endEntity, common: '审批专用章' }),
    timestamp: issueFor('timestamp', {
      ...endEntity,
      common: '时间戳',
      usage: 0x80,
      purposes: ['1.3.6.1.5.5.7.3.8'],
      ...longValidity,
    }),
    code: issueFor('code', { ...endEntity, common: '二维码', usage: 0x80 }),
    status: issueFor('status', { ...endEntity, common: '证照状态', usage: 0x80, purposes: ['1.3.6.1.4.1.99999.1.2'] }),
  };
}

export const VALID_AUTHORITIES = createAuthorities();

/** Changes of a test to the valid evidence. */
export interface Changes {
  authorities?: Authorities;
  at?: Date;
  /** Whether the signature is detached. Default: the seal is inside the PDF. */
  detached?: boolean;
  file?: Buffer;
  /** The content to seal: the PDF before its seal. */
  content?: Buffer;
  signedAt?: Date;
  seal?: Partial<SealOptions>;
  /** Null for a signature without a timestamp. */
  token?: Partial<TokenOptions> | null;
  /** Revocation lists of the root and of the issuing authority. Null omits the list. */
  lists?: { root?: ListOptions | null; issuing?: ListOptions | null };
  /** Changes the finished CMS. */
  cms?: (cms: Buffer) => Buffer;
  bundle?: (bundle: Bundle, authorities: Authorities) => Bundle | Buffer | null;
  evidence?: (evidence: Evidence, authorities: Authorities) => Evidence;
}

/** Builds valid evidence with the changes of a test. */
export function buildEvidence(changes: Changes = {}): Evidence {
  const authorities = changes.authorities ?? VALID_AUTHORITIES;
  const { content = PDF, signedAt = SIGNED_AT, detached = false, token = {} } = changes;
  const timestampSigner = { signer: authorities.timestamp, issuer: authorities.issuing };
  const sealed = createSeal({
    ...{ signer: authorities.seal, issuer: authorities.issuing },
    ...{
      digest: detached ? sha256(content) : digestForSeal(content, signedAt),
      signingTime: detached ? signedAt : null,
    },
    ...(token && { timestamp: (value: Buffer) => issueTimestamp(sha256(value), { ...timestampSigner, ...token }) }),
    ...changes.seal,
  });
  const cms = changes.cms?.(sealed) ?? sealed;
  const file = changes.file ?? (detached ? content : insertSeal(content, signedAt, cms));
  const lists = (['root', 'issuing'] as const).flatMap((role) => {
    const options = changes.lists?.[role];
    return options === null ? [] : [issueRevocationList(authorities[role], options)];
  });
  const bundle: Bundle = {
    format: 'tongquan-evidence-1',
    identifier: sampleRecord.ZZBS,
    document: sha256(file).toString('hex'),
    certificates: [authorities.code.certificate.toString('base64')],
    revocation: lists.map((list) => list.toString('base64')),
    status: null,
    stamps: [],
  };
  const finalBundle = changes.bundle ? changes.bundle(bundle, authorities) : bundle;
  const evidence: Evidence = {
    ...{ file, signature: detached ? cms : null, roots: [authorities.root.certificate] },
    bundle: finalBundle && (Buffer.isBuffer(finalBundle) ? finalBundle : Buffer.from(JSON.stringify(finalBundle))),
  };
  return changes.evidence?.(evidence, authorities) ?? evidence;
}

/** Builds evidence with the changes of a test and verifies it. */
export function verifyEvidence(changes: Changes = {}): Report {
  return verify(buildEvidence(changes), changes.at ?? VERIFIED_AT);
}

/** Adds an archive stamp with time `genTime` and the revocation lists of that day. */
export function addStamp(
  bundle: Bundle,
  authorities: Authorities,
  genTime: Date,
  options: { by?: IssuedCertificate; token?: Partial<TokenOptions>; root?: ListOptions; issuing?: ListOptions } = {},
): Bundle {
  const from = new Date(genTime.getTime() - 86_400_000);
  const until = new Date(genTime.getTime() + 30 * 86_400_000);
  const lists = [
    issueRevocationList(authorities.root, { from, until, ...options.root }),
    issueRevocationList(authorities.issuing, { from, until, ...options.issuing }),
  ];
  const material = { certificates: [], revocation: lists.map((list) => list.toString('base64')) };
  const timestampSigner = { signer: options.by ?? authorities.timestamp, issuer: authorities.issuing };
  return addArchiveStamp(bundle, material, (imprint) =>
    issueTimestamp(imprint, { ...timestampSigner, genTime, ...options.token }),
  );
}

/** Renders the PDF of the sample record with changes. */
export function renderPdf(changes: Partial<AttachedRecord>): Buffer {
  return Buffer.from(renderLicense({ ...sampleRecord, ...changes }));
}

/** Builds a valid sealed PDF. */
export function buildSealedPdf(): Buffer {
  return Buffer.from(buildEvidence().file ?? '');
}
