import type { Database } from '../../../db/client.ts';
import { type Actor, hasRole, type Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import { type GraphContext, getLoader } from '../../kernel/http/context.ts';
import type { Held, Owner } from '../../kernel/identity/co-ownership.ts';
import { maskCode } from '../../kernel/identity/identity.ts';
import type { Act } from '../../kernel/license-acts.ts';
import type { CountedConnection } from '../../kernel/list/page.ts';
import { readsOneOf } from '../../kernel/organ/place.ts';
import { type ActRow, listActs } from '../act/act-store.ts';
import { findFileFacts } from '../act/file-store.ts';
import type { ActStatement } from '../act/record.ts';
import { type Collection, findCollections } from '../library/feed-store.ts';
import { findOrders, type OrderRow } from '../order/store.ts';
import { listSheets, type SheetOnDay } from '../paper/store.ts';
import * as store from '../store.ts';

/** Names a version of a license type to the subgraph that has it. */
export interface LicenseTypeKey {
  nodeKey: string;
}

/** The parent value of the resolvers of License: a stored version and the person who reads it. */
export interface LicenseView {
  stored: store.StoredLicense;
  person: Person;
  context: GraphContext;
}

/** The parent value of LicenseConnection. @public by codegen.ts */
export type LicenseConnection = CountedConnection<LicenseView>;

/** Loads a version by identifier, or null if the caller may not see it. One query serves a whole GraphQL answer. */
export async function loadLicense(db: Database, context: GraphContext, person: Person, identifier: string) {
  const loaded = await getLoader<store.StoredLicense>(context, 'licenses', async (keys) => {
    const versions = await store.findVersions(db, 'identifier', keys, person);
    const byKey = new Map(versions.map((stored) => [stored.version.identifier, stored]));
    return keys.map((key) => byKey.get(key) ?? null);
  }).load(identifier);
  return loaded && { stored: loaded, person, context };
}

/** Loads all versions under a number, oldest first. */
export async function loadVersions(db: Database, { stored, person, context }: LicenseView): Promise<LicenseView[]> {
  const versions = await getLoader<store.StoredLicense[]>(context, 'versions', async (numbers) => {
    const versionsByNumber = Map.groupBy(
      await store.findVersions(db, 'number', numbers, person),
      (license) => license.version.number,
    );
    return numbers.map((number) => versionsByNumber.get(number) ?? []);
  }).load(stored.version.number);
  return (versions ?? []).map((license) => ({ stored: license, person, context }));
}

/** Loads all sheets of a version, oldest first, with its state on a day. */
export async function loadSheets(db: Database, { stored, context }: LicenseView, day: Day): Promise<SheetOnDay[]> {
  const sheets = await getLoader<SheetOnDay[]>(context, `sheets ${day}`, async (identifiers) => {
    const sheetsByIdentifier = Map.groupBy(await listSheets(db, identifiers, day), (sheet) => sheet.identifier);
    return identifiers.map((identifier) => sheetsByIdentifier.get(identifier) ?? []);
  }).load(stored.version.identifier);
  return sheets ?? [];
}

/**
 * Loads the finished acts on a license, oldest first: those on versions that the caller may see. So a new holder learns
 * no reason of an act against the holder before.
 */
export async function loadActs(db: Database, view: LicenseView): Promise<ActView[]> {
  const { stored, context } = view;
  const acts = await getLoader<ActView[]>(context, 'acts', async (numbers) => {
    const actsByNumber = Map.groupBy(await listActs(db, numbers), (row) => row.number);
    return numbers.map((number) => (actsByNumber.get(number) ?? []).map(viewAct));
  }).load(stored.version.number);
  const versions = new Set((await loadVersions(db, view)).map((one) => one.stored.version.version));
  return (acts ?? []).filter(({ version }) => versions.has(version));
}

export async function loadCollection(db: Database, { stored, context }: LicenseView): Promise<Collection> {
  const { identifier, number, revision } = stored.version;
  const key = JSON.stringify({ identifier, number, revision });
  const collection = await getLoader<Collection>(context, 'collections', async (keys) => {
    const versions = keys.map((json) => JSON.parse(json) as { identifier: string; number: string; revision: number });
    const collections = await findCollections(db, versions);
    return versions.map((version) => collections.get(version.identifier) ?? null);
  }).load(key);
  return collection ?? { state: 'PENDING', attempts: 0, collectedAt: null, lastError: null };
}

/** A sealed file as a version or a finished act names it. `sealId` is null if it is not known. */
export interface SealedFile {
  documentDigest: string;
  signatureDigest: string;
  /** Whether the signature is no file of its own, known before looking. Absent: a look tells. */
  hasSignatureInside?: boolean;
  signedAt: Date;
  sealId: string | null;
}

export async function loadDocument(db: Database, context: GraphContext, sealedFile: SealedFile) {
  const files = getLoader<{ mediaType: string; sizeBytes: number }>(context, 'files', async (digests) => {
    const factsByDigest = await findFileFacts(db, digests);
    return digests.map((digest) => factsByDigest.get(digest) ?? null);
  });
  const [facts, signatureFacts] = await Promise.all([
    files.load(sealedFile.documentDigest),
    files.load(sealedFile.signatureDigest),
  ]);
  if (!facts) throw new Error(`no file ${sealedFile.documentDigest}`);
  return {
    digest: sealedFile.documentDigest,
    ...facts,
    url: `/files/${sealedFile.documentDigest}`,
    signature: {
      digest: sealedFile.signatureDigest,
      url: sealedFile.hasSignatureInside ? null : signatureFacts && `/files/${sealedFile.signatureDigest}`,
      signedAt: sealedFile.signedAt,
      seal: sealedFile.sealId === null ? null : { id: sealedFile.sealId },
    },
  };
}

/** The parent value of Document resolvers. @public by codegen.ts */
export type DocumentView = Awaited<ReturnType<typeof loadDocument>>;

/** A finished act. Its document is loaded only if it is requested. @public by codegen.ts */
export type ActView = ReturnType<typeof viewAct>;

export function viewAct({ documentDigest, signatureDigest, doneAt, ...row }: ActRow & { act: Act }) {
  if (documentDigest === null || doneAt === null) throw new Error(`act ${row.id} is not done`);
  // A statement of the register is a JWS: the file is its own signature.
  const signature = {
    signatureDigest: signatureDigest ?? documentDigest,
    hasSignatureInside: signatureDigest === null,
  };
  const sealedFile: SealedFile = { documentDigest, ...signature, signedAt: doneAt, sealId: null };
  const { act, number, version, stateAfter: state, actor, reason, orderId: order, proposalId } = row;
  const decisionNumber = (row.record as ActStatement).KZ_JDWH ?? null;
  return { act, number, version, state, at: doneAt, actor, reason, order, decisionNumber, proposalId, sealedFile };
}

/** A holder as the caller may see it. The code is complete for the holder and masked for all others. */
export function viewHolder(owner: Owner, actor: Actor) {
  const isOwn = actor.kind === 'person' && actor.holderCode === owner.code;
  return isOwn ? owner : { ...owner, code: maskCode(owner.code) };
}

/** Returns the first holder as the caller may see it. */
export function viewFirstHolder(held: Held, actor: Actor) {
  const { holder, coOwnership } = held;
  return viewHolder({ ...holder, share: coOwnership?.share ?? null }, actor);
}

/**
 * Loads the orders on the license, oldest first. Returns null to a caller from none of its organs, except an auditor:
 * the holder sees the act, not the order behind it.
 */
export async function loadOrders(db: Database, { stored, person, context }: LicenseView): Promise<OrderRow[] | null> {
  const { number, parties } = stored.license;
  const isOfParty = readsOneOf(person, parties);
  if (!isOfParty && !hasRole(person, 'AUDITOR')) return null;
  return loadAllOrders(db, context, number);
}

/** Loads the orders under a number, oldest first, whoever asks. It is for decisions, not for display. */
export async function loadAllOrders(db: Database, context: GraphContext, number: string): Promise<OrderRow[]> {
  const orders = await getLoader<OrderRow[]>(context, 'orders', async (numbers) => {
    const rows = Map.groupBy(await findOrders(db, numbers), (row) => row.number);
    return numbers.map((licenseNumber) => rows.get(licenseNumber) ?? []);
  }).load(number);
  return orders ?? [];
}

/** Loads the current version under a number, or null if the caller may not see it. */
export async function loadHead(db: Database, context: GraphContext, person: Person, number: string) {
  const identifier = await getLoader<string>(context, 'heads', async (numbers) => {
    const identifiers = await store.findHeadIdentifiers(db, numbers);
    return numbers.map((licenseNumber) => identifiers.get(licenseNumber) ?? null);
  }).load(number);
  return identifier === null ? null : loadLicense(db, context, person, identifier);
}
