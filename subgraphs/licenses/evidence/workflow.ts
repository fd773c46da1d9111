import { createHash } from 'node:crypto';
import type { Database } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import { toCanonicalJson } from '../../kernel/events.ts';
import type { Attest, EvidenceMaterial, ReadEvidenceMaterial, Stamp } from '../../kernel/sign.ts';
import { kidOf } from '../code.ts';
import type { Bundle } from '../verify/evidence.ts';
import { readLogged } from '../verify/log.ts';
import { packStates } from './list.ts';
import * as store from './store.ts';

/** Dependencies for publishing lists and proofs. Nothing is read from the environment. */
export interface EvidenceDependencies {
  db: Database;
  now: Clock;
  publicUrl: string;
  attest: Attest;
  stamp: Stamp;
  material: ReadEvidenceMaterial;
}

/** If the newest list is older than this, the next request creates a new one. */
const LIST_RENEWED_MS = 3_600_000;
/**
 * Requests within this time get the same statement unless the state changes. Every statement is a permanent leaf of the
 * log.
 */
const STATEMENT_KEPT_MS = 60_000;
const STATEMENTS_KEPT = 1_000;
/** Validity of a list and of a statement about one license. */
const LIST_HOLDS_MS = 24 * 3_600_000;
const STATEMENT_HOLDS_MS = 7 * 24 * 3_600_000;
/** How long older lists are kept, to answer questions about earlier publications. */
const LISTS_KEPT_MS = 7 * 24 * 3_600_000;

const seconds = (at: Date) => Math.floor(at.getTime() / 1000);
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const before = (at: Date, ms: number) => new Date(at.getTime() - ms);

/** Returns the signed status list of all license versions: a compact JWS, not older than an hour. */
export async function publishList({ db, now, publicUrl, attest }: EvidenceDependencies): Promise<string> {
  const known = await store.newestList(db);
  const isFresh = (list: { publishedAt: Date } | null) => list && list.publishedAt > before(now(), LIST_RENEWED_MS);
  if (known && isFresh(known)) return known.text;
  return db.transaction(async (tx) => {
    await store.lock(tx, 'publish');
    const meanwhile = await store.newestList(tx);
    if (meanwhile && isFresh(meanwhile)) return meanwhile.text;
    const at = now();
    const claims = {
      sub: `${publicUrl}/licenses/status-list`,
      iat: seconds(at),
      exp: seconds(at) + LIST_HOLDS_MS / 1000,
      ttl: LIST_RENEWED_MS / 1000,
      status_list: { bits: 4, lst: packStates(await store.listStates(tx)) },
    };
    const text = await attest({ typ: 'statuslist+jwt', claims });
    await store.putList(tx, text, at, before(at, LISTS_KEPT_MS));
    return text;
  });
}

/**
 * Returns the evidence bundle of a version with its current state, or null if no version has this identifier. Uses the
 * stamped bundle if there is one.
 */
export async function gatherBundle(deps: EvidenceDependencies, identifier: string): Promise<string | null> {
  const proven = await store.findProven(deps.db, identifier);
  if (!proven) return null;
  const status = await sayState(deps, proven);
  if (!proven.stamped) return toCanonicalJson({ ...(await makeBundle(deps, proven)), status });
  const bundle: Bundle = JSON.parse(proven.stamped.bundle);
  const { rootList, issuingList, log } = await materialOf(deps, proven);
  const latest = {
    revocation: [rootList, issuingList].map(base64),
    status,
    ...(!bundle.log && log && { log: readLogged(log) }),
  };
  return toCanonicalJson({ ...bundle, latest });
}

function materialOf({ material }: EvidenceDependencies, { code, actId }: store.Proven): Promise<EvidenceMaterial> {
  return material({ codes: code === null ? [] : [kidOf(code)], use: actId });
}

async function makeBundle(deps: EvidenceDependencies, proven: store.Proven): Promise<Bundle> {
  const { identifier, documentDigest } = proven;
  const { codes, rootList, issuingList, log } = await materialOf(deps, proven);
  return {
    format: 'tongquan-evidence-1',
    identifier,
    document: documentDigest,
    // The signature itself encloses the issuing authority's certificate.
    certificates: codes.map(base64),
    revocation: [rootList, issuingList].map(base64),
    status: null,
    ...(log !== null && { log: readLogged(log) }),
    stamps: [],
  };
}

/** Returns a signed statement (状态声明) of the current state, or null if no version has this identifier. */
export async function stateNow(deps: EvidenceDependencies, identifier: string): Promise<string | null> {
  const proven = await store.findProven(deps.db, identifier);
  return proven && sayState(deps, proven);
}

/** Recent statements of each hub in this process. */
const said = new WeakMap<Database, Map<string, { text: Promise<string>; at: Date }>>();

async function sayState(deps: EvidenceDependencies, { identifier, version, state }: store.Proven): Promise<string> {
  const of = said.get(deps.db) ?? new Map<string, { text: Promise<string>; at: Date }>();
  said.set(deps.db, of);
  const name = `${identifier} ${version} ${state}`;
  const known = of.get(name);
  const at = deps.now();
  if (known && known.at <= at && known.at > before(at, STATEMENT_KEPT_MS)) return known.text;
  const text = attestState(deps, { identifier, version, state }, at);
  if (of.size >= STATEMENTS_KEPT) of.clear();
  of.set(name, { text, at });
  text.catch(() => of.delete(name));
  return text;
}

function attestState(
  { attest }: EvidenceDependencies,
  { identifier, version, state }: Pick<store.Proven, 'identifier' | 'version' | 'state'>,
  at: Date,
): Promise<string> {
  const iat = seconds(at);
  const claims = { sub: identifier, state, version, iat, exp: iat + STATEMENT_HOLDS_MS / 1000 };
  return attest({ typ: 'license-status+jwt', claims });
}

async function listsNow({ material }: EvidenceDependencies): Promise<string[]> {
  const { rootList, issuingList } = await material({ codes: [], use: null });
  return [rootList, issuingList].map(base64);
}

/** Age of the newest timestamp at which a proof is renewed, well before the certificate of the timestamp expires. */
const STAMP_RENEWED_MS = 7 * 365.25 * 24 * 3_600_000;
/** Maximum number of bundles stamped in one run. */
const STAMP_BATCH = 100;

/** Renews the proofs of versions whose newest timestamp is old. Returns the number of stamped bundles. */
export async function renewProofs(deps: EvidenceDependencies): Promise<number> {
  const due = await store.listToStamp(deps.db, before(deps.now(), STAMP_RENEWED_MS), STAMP_BATCH);
  for (const identifier of due) await stampBundle(deps, identifier);
  return due.length;
}

/** Adds an archive timestamp over everything before it, with the current revocation lists. */
export async function stampBundle(deps: EvidenceDependencies, identifier: string): Promise<void> {
  const { db, now, stamp } = deps;
  await db.transaction(async (tx) => {
    // Lock before making the stamp. A stamp whose bundle is not stored would be a useless leaf of the log.
    await store.lock(tx, 'stamp');
    const proven = await store.findProven(tx, identifier);
    if (!proven) throw new Error(`no license ${identifier}`);
    // Lists only grow, so the lists of the first stamp contain everything that the earlier lists contained.
    const bundle: Bundle = proven.stamped
      ? JSON.parse(proven.stamped.bundle)
      : { ...(await makeBundle(deps, proven)), revocation: [] };
    const next = { certificates: [], revocation: await listsNow(deps) };
    const covered = toCanonicalJson({ ...bundle, stamps: [...bundle.stamps, next] });
    const token = await stamp(createHash('sha256').update(covered).digest());
    const stamped: Bundle = { ...bundle, stamps: [...bundle.stamps, { ...next, token: base64(token) }] };
    const seq = (proven.stamped?.seq ?? 0) + 1;
    await store.putBundle(tx, { identifier, seq, bundle: toCanonicalJson(stamped), stampedAt: now() });
  });
}
