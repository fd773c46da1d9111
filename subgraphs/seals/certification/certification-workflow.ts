import type { Database, Transaction } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import { isFresh } from '../../kernel/period/freshness.ts';
import type { EvidenceMaterial } from '../../kernel/sealing/sign.ts';
import { computeKid, floorToSecond, readCertificate } from '../signer/certificate-fields.ts';
import { type Chain, derOf } from '../signer/cms.ts';
import {
  type CertificateRequest,
  ISSUING_NAME,
  type Profile,
  ROOT_NAME,
  STATUS_NAME,
  TIMESTAMP_NAME,
} from '../signer/pki.ts';
import type { CertifiedKey, KeyRef, Signer } from '../signer/signer.ts';
import type * as store from '../store.ts';
import {
  type AuthorityRow,
  findAuthorities,
  findNewestList,
  findNewestListNumber,
  insertAuthority,
  insertList,
  type ListRow,
  listRevocations,
  lockList,
  lockPki,
} from './authority-store.ts';
import { listCertificates, listKeys, type PublishedCertificate, replaceKey } from './certificate-store.ts';

/** Dependencies of the test PKI. It reads nothing from the environment. */
export interface PkiDependencies {
  db: Database;
  now: Clock;
  signer: Signer;
  /** Authorities whose seal certificates the hub accepts, PEM. None if left out. */
  trustedAuthorities?: readonly string[];
}

/** The authorities that sign for the PKI at one moment. */
export interface Authorities {
  root: AuthorityRow;
  issuing: AuthorityRow;
  timestamp: AuthorityRow;
  status: AuthorityRow;
}

const VALIDITY_YEARS: Record<Profile, number> = { root: 30, issuing: 30, seal: 3, code: 3, timestamp: 12, status: 12 };
/**
 * Authorities that are renewed when less than eight years of validity are left. Their signatures are proven anew after
 * seven years.
 */
const RENEWED_NAMES = { timestamp: TIMESTAMP_NAME, status: STATUS_NAME } as const;
const RENEWED_IDS = ['timestamp', 'status'] as const;
const RENEW_BEFORE_YEARS = 8;

/** A request for a list older than this publishes a new one. Each list is valid for `LIST_VALIDITY_MS`. */
const MAX_LIST_AGE_MS = 3_600_000;
const LIST_VALIDITY_MS = 48 * 3_600_000;

/** Creates the missing authorities of the test PKI. Safe if two processes start at once. */
export async function preparePki(deps: PkiDependencies): Promise<void> {
  await deps.db.transaction(async (tx) => {
    await lockPki(tx);
    if ((await findAuthorities(tx)).length === 0) await createRoots(tx, deps);
  });
  await ensureAuthorities(deps);
}

async function createRoots(tx: Transaction, { now, signer }: PkiDependencies): Promise<void> {
  const rootKey = await signer.generate({ keyId: 'root', kind: 'RSA-3072' });
  const issuingKey = await signer.generate({ keyId: 'issuing', kind: 'RSA-3072' });
  const authority = { keyId: 'root', encrypted: rootKey.encrypted };
  const issuer = { issuer: ROOT_NAME, issuerPublicKeyPem: rootKey.publicKeyPem };
  const newAuthorities = [
    { id: 'root' as const, key: rootKey, subject: ROOT_NAME },
    { id: 'issuing' as const, key: issuingKey, subject: ISSUING_NAME },
  ];
  for (const { id, key, subject } of newAuthorities) {
    const { publicKeyPem, encrypted } = key;
    const request = { ...issuer, profile: id, subject, publicKeyPem, ...computeValidity(id, now()) };
    const certificatePem = await signer.certify({ authority, request });
    await insertAuthority(tx, { id, generation: 1, certificatePem, publicKeyPem, encryptedKey: encrypted });
  }
}

/** Returns the validity of a new certificate. */
export function computeValidity(profile: Profile, from: Date): { validFrom: Date; validUntil: Date } {
  return { validFrom: floorToSecond(from), validUntil: yearsAfter(floorToSecond(from), VALIDITY_YEARS[profile]) };
}

function yearsAfter(from: Date, years: number): Date {
  const endOfValidity = new Date(from);
  endOfValidity.setUTCFullYear(endOfValidity.getUTCFullYear() + years);
  return endOfValidity;
}

/**
 * Returns the authorities that sign now. Creates the next generation of the timestamp or status key if the newest ends
 * soon.
 */
export async function ensureAuthorities(deps: PkiDependencies): Promise<Authorities> {
  const { db, now } = deps;
  const at = now();
  const current = pickCurrent(await findAuthorities(db), at);
  if (current) return current;
  const rows = await db.transaction(async (tx) => {
    await lockPki(tx);
    const authorityRows = await findAuthorities(tx);
    for (const id of RENEWED_IDS.filter((candidate) => !findNewest(authorityRows, candidate, at))) {
      authorityRows.push(await renewAuthority(tx, deps, authorityRows, id, at));
    }
    return authorityRows;
  });
  const renewedAuthorities = pickCurrent(rows, at);
  if (!renewedAuthorities) throw new Error('an authority was not renewed');
  return renewedAuthorities;
}

/**
 * Picks the authorities of a moment from all of them. Returns null if the timestamp or status key must be renewed
 * first.
 */
export function pickCurrent(rows: readonly AuthorityRow[], at: Date): Authorities | null {
  const [timestamp, status] = RENEWED_IDS.map((id) => findNewest(rows, id, at));
  if (!timestamp || !status) return null;
  return { root: getAuthority(rows, 'root'), issuing: getAuthority(rows, 'issuing'), timestamp, status };
}

/** Returns the newest generation that is in force and has at least `RENEW_BEFORE_YEARS` left. */
function findNewest(rows: readonly AuthorityRow[], id: string, at: Date): AuthorityRow | undefined {
  return rows.findLast((row) => {
    if (row.id !== id) return false;
    const { validFrom, validUntil } = readCertificate(row.certificatePem);
    return validFrom <= at && yearsAfter(at, RENEW_BEFORE_YEARS) <= validUntil;
  });
}

/** Returns an authority by id. Throws if the PKI has not been prepared. */
export function getAuthority(rows: readonly AuthorityRow[], id: string): AuthorityRow {
  const row = rows.find((candidate) => candidate.id === id);
  if (!row) throw new Error('the test PKI is not prepared');
  return row;
}

async function renewAuthority(
  tx: Transaction,
  { signer }: PkiDependencies,
  authorityRows: readonly AuthorityRow[],
  id: keyof typeof RENEWED_NAMES,
  at: Date,
): Promise<AuthorityRow> {
  const { publicKeyPem, encrypted } = await signer.generate({ keyId: id, kind: 'P-256' });
  const content = { profile: id, subject: RENEWED_NAMES[id], publicKeyPem, ...computeValidity(id, at) };
  const certificatePem = await certify(signer, getAuthority(authorityRows, 'issuing'), content);
  const generation = authorityRows.filter((row) => row.id === id).length + 1;
  const row = { id, generation, certificatePem, publicKeyPem, encryptedKey: encrypted };
  await insertAuthority(tx, row);
  return row;
}

/** Profile, subject, key and validity of a certificate to be issued. */
export type CertificateContent = Omit<CertificateRequest, 'issuer' | 'issuerPublicKeyPem'>;

/** Issues a certificate by the issuing CA. Returns PEM. */
export function certify(signer: Signer, issuing: AuthorityRow, content: CertificateContent): Promise<string> {
  const issuer = { issuer: ISSUING_NAME, issuerPublicKeyPem: issuing.publicKeyPem };
  return signer.certify({ authority: toKeyRef(issuing), request: { ...content, ...issuer } });
}

/** Returns an authority's key in the form that the signer takes. */
function toKeyRef({ id, encryptedKey }: AuthorityRow): KeyRef {
  return { keyId: id, encrypted: encryptedKey };
}

/** Returns an authority's key with its certificate. */
export function toCertifiedKey(row: AuthorityRow): CertifiedKey {
  return { ...toKeyRef(row), certificatePem: row.certificatePem };
}

/** Rewraps every private key under the signer's newest key-encryption key. Returns how many envelopes changed. */
export async function rewrapKeys({ db, signer }: PkiDependencies): Promise<number> {
  let changedCount = 0;
  for (const key of await listKeys(db)) {
    const encrypted = await signer.rewrap({ keyId: key.id, encrypted: key.encryptedKey });
    if (!Buffer.from(encrypted).equals(key.encryptedKey)) {
      await db.transaction((tx) => replaceKey(tx, key, encrypted));
      changedCount++;
    }
  }
  return changedCount;
}

/** Returns a certificate and the CA certificates above it without the root, as signatures carry them. */
export function buildChain({ certificatePem, above }: store.CertificateRow, { issuing }: Authorities): Chain {
  return [certificatePem, ...(above ?? [issuing.certificatePem])];
}

/**
 * Returns the current revocation list of an authority, DER. Publishes a new one if the newest is more than an hour old,
 * or from the future, of a clock that was wrong.
 */
export async function readRevocationList(deps: PkiDependencies, id: ListRow['authority']): Promise<Uint8Array> {
  const isCurrent = (list: ListRow) => isFresh(list.thisUpdate, deps.now(), MAX_LIST_AGE_MS);
  const latestList = await findNewestList(deps.db, id);
  if (latestList && isCurrent(latestList)) return latestList.bytes;
  return deps.db.transaction(async (tx) => {
    await lockList(tx, id);
    const concurrentList = await findNewestList(tx, id);
    return concurrentList && isCurrent(concurrentList) ? concurrentList.bytes : publishList(tx, deps, id);
  });
}

/** Publishes the next list of an authority, with every revocation so far. Returns its DER. */
export async function publishList(
  tx: Transaction,
  { now, signer }: PkiDependencies,
  id: ListRow['authority'],
): Promise<Uint8Array> {
  await lockList(tx, id);
  const authority = getAuthority(await findAuthorities(tx), id);
  const { certificatePem, publicKeyPem } = authority;
  const number = (await findNewestListNumber(tx, id)) + 1;
  const thisUpdate = floorToSecond(now());
  const nextUpdate = new Date(thisUpdate.getTime() + LIST_VALIDITY_MS);
  const revocations = await listRevocations(tx, id);
  const completeSince = readCertificate(certificatePem).validFrom;
  const update = { number, thisUpdate, nextUpdate, completeSince };
  const request = { certificate: derOf(certificatePem), publicKeyPem, ...update, revoked: revocations };
  const bytes = await signer.publishList({ authority: toKeyRef(authority), request });
  await insertList(tx, { authority: id, number, thisUpdate, bytes });
  return bytes;
}

/** Returns the PKI material that evidence contains now. `kids` name the certificates of QR codes. */
export async function readMaterial(
  deps: PkiDependencies,
  kids: readonly string[],
): Promise<Omit<EvidenceMaterial, 'log' | 'logKeys'>> {
  const { root, issuing } = await ensureAuthorities(deps);
  const published = await listCertificates(deps.db);
  const codes = published.filter(({ use }) => use === 'code').map(({ pem }) => derOf(pem));
  return {
    root: derOf(root.certificatePem),
    issuing: derOf(issuing.certificatePem),
    codes: codes.filter((der) => kids.includes(computeKid(der))),
    rootList: await readRevocationList(deps, 'root'),
    issuingList: await readRevocationList(deps, 'issuing'),
  };
}

/** Names of the authorities below the root in the list of certificates. */
const LISTED_AUTHORITY_NAMES: Record<string, string> = {
  issuing: '印章签发证书',
  timestamp: '时间戳证书',
  status: '证照状态签名证书',
};

/** Returns every certificate below the root as PEM text. A line before each one names its owner. */
export async function readCertificates(deps: PkiDependencies): Promise<string> {
  await ensureAuthorities(deps);
  const rows = (await findAuthorities(deps.db)).filter((row) => row.id in LISTED_AUTHORITY_NAMES);
  const entries = [
    ...rows.map(({ id, generation, certificatePem }) => [
      `${LISTED_AUTHORITY_NAMES[id]} (${id} ${generation})`,
      certificatePem,
    ]),
    ...(await listCertificates(deps.db)).map((certificate) => [
      labelCertificate(certificate),
      certificate.pem + certificate.above.join(''),
    ]),
  ];
  return entries.map(([name, pem]) => `# ${name}\n${pem}`).join('');
}

function labelCertificate({ name, use, generation }: PublishedCertificate): string {
  return `${name}${use === 'code' ? '二维码' : ''}${generation > 1 ? `（第 ${generation} 代）` : ''}`;
}
