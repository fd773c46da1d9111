import { renderLicense } from '../../subgraphs/licenses/document/render.ts';
import type { AttachedRecord } from '../../subgraphs/licenses/record.ts';
import type { Bundle } from '../../subgraphs/licenses/verify/evidence.ts';
import { type Evidence, type Report, verify } from '../../subgraphs/licenses/verify/verify.ts';
import {
  type CertificateOptions,
  certify,
  type Issued,
  type ListOptions,
  listOf,
  newEc,
  newRsa,
  type SealOptions,
  seal,
  sha256,
  stampOver,
  type TokenOptions,
  tokenOver,
  wrap,
  wrapDigest,
} from './forge.ts';
import { record } from './record.ts';

/** Authorities and a license sealed under them. A test changes one detail and checks the verdict. */

export const AT = new Date('2026-11-25T00:00:00Z');
export const SIGNED_AT = new Date('2026-11-23T01:02:03Z');
export const STAMPED_AT = new Date('2026-11-23T01:02:05Z');
export const day = (text: string) => new Date(`${text}T00:00:00Z`);

const PAIRS = {
  root: newRsa(),
  issuing: newRsa(),
  seal: newRsa(),
  timestamp: newEc(),
  code: newEc(),
  status: newEc(),
};
export type Role = keyof typeof PAIRS;
export type World = Record<Role, Issued>;
export const PDF: Buffer = Buffer.from(renderLicense(record));

/** Creates a root, an issuing authority and four certificates below it, with the changes of a test. */
export function world(changes: Partial<Record<Role, CertificateOptions>> = {}): World {
  const make = (role: Role, options: CertificateOptions) =>
    certify({ pair: PAIRS[role], ...options, ...changes[role] });
  const long = { until: day('2060-01-01') };
  const root = make('root', { common: '测试根', isCa: true, pathLength: 1, ...long });
  const issuing = make('issuing', { common: '测试签发', issuer: root, isCa: true, pathLength: 0, ...long });
  const below = { issuer: issuing, organisation: record.ZZBFJG };
  return {
    root,
    issuing,
    seal: make('seal', { ...below, common: '审批专用章' }),
    timestamp: make('timestamp', { ...below, common: '时间戳', usage: 0x80, purposes: ['1.3.6.1.5.5.7.3.8'], ...long }),
    code: make('code', { ...below, common: '二维码', usage: 0x80 }),
    status: make('status', { ...below, common: '证照状态', usage: 0x80, purposes: ['1.3.6.1.4.1.99999.1.2'] }),
  };
}

export const GOOD = world();

/** Changes of a test to the valid evidence. */
export interface Changes {
  world?: World;
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
  bundle?: (bundle: Bundle, world: World) => Bundle | Buffer | null;
  evidence?: (evidence: Evidence, world: World) => Evidence;
}

/** Builds valid evidence with the changes of a test. */
export function evidenceOf(changes: Changes = {}): Evidence {
  const made = changes.world ?? GOOD;
  const { content = PDF, signedAt = SIGNED_AT, detached = false, token = {} } = changes;
  const by = { signer: made.timestamp, issuer: made.issuing };
  const sealed = seal({
    ...{ signer: made.seal, issuer: made.issuing },
    ...{ digest: detached ? sha256(content) : wrapDigest(content, signedAt), signingTime: detached ? signedAt : null },
    ...(token && { timestamp: (value: Buffer) => tokenOver(sha256(value), { ...by, ...token }) }),
    ...changes.seal,
  });
  const cms = changes.cms?.(sealed) ?? sealed;
  const file = changes.file ?? (detached ? content : wrap(content, signedAt, cms));
  const lists = (['root', 'issuing'] as const).flatMap((role) => {
    const options = changes.lists?.[role];
    return options === null ? [] : [listOf(made[role], options)];
  });
  const bundle: Bundle = {
    format: 'tongquan-evidence-1',
    identifier: record.ZZBS,
    document: sha256(file).toString('hex'),
    certificates: [made.code.certificate.toString('base64')],
    revocation: lists.map((list) => list.toString('base64')),
    status: null,
    stamps: [],
  };
  const kept = changes.bundle ? changes.bundle(bundle, made) : bundle;
  const evidence: Evidence = {
    ...{ file, signature: detached ? cms : null, roots: [made.root.certificate] },
    bundle: kept && (Buffer.isBuffer(kept) ? kept : Buffer.from(JSON.stringify(kept))),
  };
  return changes.evidence?.(evidence, made) ?? evidence;
}

/** Builds evidence with the changes of a test and verifies it. */
export function judge(changes: Changes = {}): Report {
  return verify(evidenceOf(changes), changes.at ?? AT);
}

/** Adds an archive stamp with time `genTime` and the revocation lists of that day. */
export function restamped(
  bundle: Bundle,
  made: World,
  genTime: Date,
  options: { by?: Issued; token?: Partial<TokenOptions>; root?: ListOptions; issuing?: ListOptions } = {},
): Bundle {
  const from = new Date(genTime.getTime() - 86_400_000);
  const until = new Date(genTime.getTime() + 30 * 86_400_000);
  const lists = [
    listOf(made.root, { from, until, ...options.root }),
    listOf(made.issuing, { from, until, ...options.issuing }),
  ];
  const material = { certificates: [], revocation: lists.map((list) => list.toString('base64')) };
  const by = { signer: options.by ?? made.timestamp, issuer: made.issuing };
  return stampOver(bundle, material, (imprint) => tokenOver(imprint, { ...by, genTime, ...options.token }));
}

/** Renders the PDF of the sample record with changes. */
export function rendered(changes: Partial<AttachedRecord>): Buffer {
  return Buffer.from(renderLicense({ ...record, ...changes }));
}

/** Builds a valid sealed PDF. */
export function wrapped(): Buffer {
  return Buffer.from(evidenceOf().file ?? '');
}
