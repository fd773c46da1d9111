import { createHash } from 'node:crypto';
import type { Database } from '../../../db/client.ts';
import { SharedWork } from '../../../db/deadline.ts';
import { type Clock, dayOf, startOfDay } from '../../kernel/day.ts';
import { toCanonicalJson } from '../../kernel/events/events.ts';
import { runItems } from '../../kernel/loop.ts';
import { isFresh } from '../../kernel/period/freshness.ts';
import type { Attest, EvidenceMaterial, ReadEvidenceMaterial, Stamp } from '../../kernel/sealing/sign.ts';
import { readCodeKid } from '../document/code.ts';
import type { Bundle } from '../verify/evidence.ts';
import { parseLoggedUse } from '../verify/format/log.ts';
import { packStates } from './list.ts';
import { buildStatementClaims, isCurrentStatement, toStatementKey, type VersionState } from './statement.ts';
import * as store from './store.ts';

/** Dependencies for publishing lists and proofs. Nothing is read from the environment. */
export interface EvidenceDependencies {
  db: Database;
  now: Clock;
  publicUrl: string;
  attest: Attest;
  stamp: Stamp;
  material: ReadEvidenceMaterial;
  /** Receives what fails in the background. */
  onError?: (error: unknown) => void;
}

/** If the newest list is older than this, the next request creates a new one. */
const LIST_RENEWAL_MS = 3_600_000;
const DAY_SECONDS = 86_400;
const LIST_VALIDITY_MS = 24 * 3_600_000;
/** How long older lists are kept, to answer questions about earlier publications. */
const LIST_RETENTION_MS = 7 * 24 * 3_600_000;

const toSeconds = (at: Date) => Math.floor(at.getTime() / 1000);
const toBase64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const subtractMs = (at: Date, ms: number) => new Date(at.getTime() - ms);

/** Seconds until the next midnight of Asia/Shanghai, when periods begin and end. At least 1. */
function secondsOfDay(at: Date): number {
  return Math.max(1, DAY_SECONDS - Math.floor((at.getTime() - startOfDay(dayOf(at)).getTime()) / 1000));
}

/**
 * Returns the signed status list of all license versions: a compact JWS, not older than an hour, and of this day: at
 * midnight some begin, and others end. One from the future, of a clock that was wrong, is replaced.
 */
export async function publishList({ db, now, publicUrl, attest }: EvidenceDependencies): Promise<string> {
  const newestList = await store.findNewestList(db);
  const isCurrent = (list: { publishedAt: Date } | null) =>
    list && isFresh(list.publishedAt, now(), LIST_RENEWAL_MS) && dayOf(list.publishedAt) === dayOf(now());
  if (newestList && isCurrent(newestList)) return newestList.text;
  return db.transaction(async (tx) => {
    await store.lock(tx, 'publish');
    const concurrentList = await store.findNewestList(tx);
    if (concurrentList && isCurrent(concurrentList)) return concurrentList.text;
    const at = now();
    const claims = {
      sub: `${publicUrl}/licenses/status-list`,
      iat: toSeconds(at),
      exp: toSeconds(at) + LIST_VALIDITY_MS / 1000,
      ttl: Math.min(LIST_RENEWAL_MS / 1000, secondsOfDay(at)),
      status_list: { bits: 4 as const, lst: packStates(await store.listStates(tx, dayOf(at))) },
    };
    const text = await attest({ typ: 'statuslist+jwt', claims });
    await store.putList(tx, text, at, subtractMs(at, LIST_RETENTION_MS));
    return text;
  });
}

/** The evidence of a version, and who may have it. */
export interface Evidence {
  /** The bundle, JSON. */
  text: string;
  /** Whether everybody may have it: its entry of the log has no digest that can test a guess. */
  isOpen: boolean;
  /** SHA-256 of the sealed PDF, hex, if only who has the file knows it. Whoever names it may have the bundle. */
  secretDigest: string | null;
}

/**
 * Returns the evidence bundle of a version with its current state, or null if no version has this identifier. Uses the
 * stamped bundle if there is one.
 */
export async function gatherEvidence(deps: EvidenceDependencies, identifier: string): Promise<Evidence | null> {
  const versionProof = await store.findVersionProof(deps.db, identifier, dayOf(deps.now()));
  if (!versionProof) return null;
  const bundle = await completeBundle(deps, versionProof);
  const { isSalted, documentDigest } = versionProof;
  const logged = bundle.log ?? bundle.latest?.log;
  const isOpen = logged ? logged.entry.isSalted === true : isSalted;
  // Of a record with a random element, the page of the license shows the digest.
  return { text: toCanonicalJson(bundle), isOpen, secretDigest: isSalted ? null : documentDigest };
}

async function completeBundle(deps: EvidenceDependencies, versionProof: store.VersionProof): Promise<Bundle> {
  const status = await attestCurrentState(deps, versionProof);
  if (!versionProof.stamped) return { ...(await buildBundle(deps, versionProof)), status };
  const bundle: Bundle = JSON.parse(versionProof.stamped.bundle);
  const { rootList, issuingList, log } = await readMaterial(deps, versionProof);
  const latest = {
    revocation: [rootList, issuingList].map(toBase64),
    status,
    ...(!bundle.log && log && { log: parseLoggedUse(log) }),
  };
  return { ...bundle, latest };
}

function readMaterial(
  { material }: EvidenceDependencies,
  { code, actId }: store.VersionProof,
): Promise<EvidenceMaterial> {
  return material({ codes: code === null ? [] : [readCodeKid(code)], use: actId });
}

async function buildBundle(deps: EvidenceDependencies, versionProof: store.VersionProof): Promise<Bundle> {
  const { identifier, documentDigest } = versionProof;
  const { codes, rootList, issuingList, log } = await readMaterial(deps, versionProof);
  return {
    format: 'tongquan-evidence-1',
    identifier,
    document: documentDigest,
    // The signature itself encloses the issuing authority's certificate.
    certificates: codes.map(toBase64),
    revocation: [rootList, issuingList].map(toBase64),
    status: null,
    ...(log !== null && { log: parseLoggedUse(log) }),
    stamps: [],
  };
}

/** Returns a signed statement (状态声明) of the current state, or null if no version has this identifier. */
export async function attestVersionState(deps: EvidenceDependencies, identifier: string): Promise<string | null> {
  const versionProof = await store.findVersionProof(deps.db, identifier, dayOf(deps.now()));
  return versionProof && attestCurrentState(deps, versionProof);
}

/** Statements that are looked up or signed at this moment, of each hub in this process. */
const pendingStatements = new WeakMap<Database, SharedWork<string>>();

/** Returns the statement of the period. Simultaneous calls for one version and state share it. */
function attestCurrentState(deps: EvidenceDependencies, about: VersionState): Promise<string> {
  const pending = pendingStatements.get(deps.db) ?? new SharedWork<string>();
  pendingStatements.set(deps.db, pending);
  return pending.share(toStatementKey(about), () => findOrSignStatement(deps, about));
}

async function findOrSignStatement({ db, now, attest }: EvidenceDependencies, about: VersionState): Promise<string> {
  const { identifier } = about;
  const at = now();
  const newest = await store.findStatement(db, identifier);
  if (newest !== null && isCurrentStatement(newest, about, at)) return newest;
  const text = await attest({ typ: 'license-status+jwt', claims: buildStatementClaims(about, at) });
  await store.putStatement(db, { identifier, text });
  return text;
}

async function readRevocationLists({ material }: EvidenceDependencies): Promise<string[]> {
  const { rootList, issuingList } = await material({ codes: [], use: null });
  return [rootList, issuingList].map(toBase64);
}

/** Age of the newest timestamp at which a proof is renewed, well before the certificate of the timestamp expires. */
const STAMP_RENEWAL_MS = 7 * 365.25 * 24 * 3_600_000;
/** Maximum number of bundles stamped in one run. */
const STAMP_BATCH = 100;

/** Renews the proofs of versions whose newest timestamp is old. Returns the number of stamped bundles. */
export async function renewProofs(deps: EvidenceDependencies): Promise<number> {
  const dueIdentifiers = await store.listVersionsToStamp(
    deps.db,
    subtractMs(deps.now(), STAMP_RENEWAL_MS),
    STAMP_BATCH,
  );
  // One at a time: they wait for the same lock.
  await runItems(dueIdentifiers, (identifier) => stampBundle(deps, identifier), { limit: 1, onError: deps.onError });
  return dueIdentifiers.length;
}

/** Adds an archive timestamp over everything before it, with the current revocation lists. */
export async function stampBundle(deps: EvidenceDependencies, identifier: string): Promise<void> {
  const { db, now, stamp } = deps;
  await db.transaction(async (tx) => {
    // Lock before making the stamp. A stamp whose bundle is not stored would be a useless leaf of the log.
    await store.lock(tx, 'stamp');
    const versionProof = await store.findVersionProof(tx, identifier, dayOf(now()));
    if (!versionProof) throw new Error(`no license ${identifier}`);
    // Lists only grow, so the lists of the first stamp contain everything that the earlier lists contained.
    const bundle: Bundle = versionProof.stamped
      ? JSON.parse(versionProof.stamped.bundle)
      : { ...(await buildBundle(deps, versionProof)), revocation: [] };
    const nextStamp = { certificates: [], revocation: await readRevocationLists(deps) };
    const coveredJson = toCanonicalJson({ ...bundle, stamps: [...bundle.stamps, nextStamp] });
    const token = await stamp(createHash('sha256').update(coveredJson).digest());
    const stampedBundle: Bundle = { ...bundle, stamps: [...bundle.stamps, { ...nextStamp, token: toBase64(token) }] };
    const seq = (versionProof.stamped?.seq ?? 0) + 1;
    await store.putBundle(tx, { identifier, seq, bundle: toCanonicalJson(stampedBundle), stampedAt: now() });
  });
}
