import type { Database } from '../../db/client.ts';
import { type Actor, hasRole, type Person } from '../kernel/actor.ts';
import { maskCode } from '../kernel/identifier.ts';
import { Refusal } from '../kernel/refusal.ts';
import { type GraphContext, loader, viewRefusal } from '../kernel/serve.ts';
import { type Collection, findCollections } from './feed.ts';
import { requireRedriver } from './handover.ts';
import { CLAUSES, OWN_ACTS, requireOwnAct, requirePaperClerk } from './license.ts';
import { recallDue, requireDeliverable, requireRecallable, requireSpoilable } from './paper.ts';
import * as store from './store.ts';

/** What the resolvers of License build on: a stored version and who looks at it. */
export interface LicenseView {
  stored: store.StoredLicense;
  person: Person;
  context: GraphContext;
}

/** Versions by identifier as the caller may see them; one query for a whole answer. */
export async function loadLicense(db: Database, context: GraphContext, person: Person, identifier: string) {
  const loaded = await loader<store.StoredLicense>(context, 'licenses', async (keys) => {
    const found = await store.findVersions(db, 'identifier', keys, person);
    const byKey = new Map(found.map((one) => [one.version.identifier, one]));
    return keys.map((key) => byKey.get(key) ?? null);
  }).load(identifier);
  return loaded && { stored: loaded, person, context };
}

/** All versions under a number, oldest first. */
export async function loadVersions(db: Database, { stored, person, context }: LicenseView): Promise<LicenseView[]> {
  const versions = await loader<store.StoredLicense[]>(context, 'versions', async (numbers) => {
    const found = Map.groupBy(await store.findVersions(db, 'number', numbers, person), (one) => one.version.number);
    return numbers.map((number) => found.get(number) ?? []);
  }).load(stored.version.number);
  return (versions ?? []).map((one) => ({ stored: one, person, context }));
}

export async function loadSheets(db: Database, { stored, context }: LicenseView): Promise<store.SheetRow[]> {
  const sheets = await loader<store.SheetRow[]>(context, 'sheets', async (identifiers) => {
    const found = Map.groupBy(await store.listSheets(db, identifiers), (one) => one.identifier);
    return identifiers.map((identifier) => found.get(identifier) ?? []);
  }).load(stored.version.identifier);
  return sheets ?? [];
}

export function viewSheet(sheet: store.SheetRow) {
  return { ...sheet, recallDue: recallDue(sheet) };
}

export async function loadCollection(db: Database, { stored, context }: LicenseView): Promise<Collection> {
  const { identifier, number, revision } = stored.version;
  const key = JSON.stringify({ identifier, number, revision });
  const found = await loader<Collection>(context, 'collections', async (keys) => {
    const versions = keys.map((one) => JSON.parse(one) as { identifier: string; number: string; revision: number });
    const collections = await findCollections(db, versions);
    return versions.map((version) => collections.get(version.identifier) ?? null);
  }).load(key);
  return found ?? { state: 'PENDING', attempts: 0, collectedAt: null, lastError: null };
}

export interface SealedFile {
  documentDigest: string;
  signatureDigest: string;
  signedAt: Date;
  sealId: string | null;
}

export async function loadDocument(db: Database, context: GraphContext, sealed: SealedFile) {
  const facts = await loader<{ mediaType: string; sizeBytes: number }>(context, 'files', async (digests) => {
    const found = await store.findFileFacts(db, digests);
    return digests.map((digest) => found.get(digest) ?? null);
  }).load(sealed.documentDigest);
  if (!facts) throw new Error(`no file ${sealed.documentDigest}`);
  return {
    digest: sealed.documentDigest,
    ...facts,
    url: `/files/${sealed.documentDigest}`,
    signature: {
      digest: sealed.signatureDigest,
      url: `/files/${sealed.signatureDigest}`,
      signedAt: sealed.signedAt,
      seal: sealed.sealId === null ? null : { id: sealed.sealId },
    },
  };
}

/** A holder as this caller may see it: the code is whole for the holder itself and the library, masked for all others. */
export function viewHolder(holder: { name: string; code: string; kind: '001' | '111' }, actor: Actor) {
  const own = actor.kind === 'person' && actor.holderCode === holder.code;
  const code = own || hasRole(actor, 'LIBRARY') ? holder.code : maskCode(holder.code);
  return { name: holder.name, codeKind: holder.kind === '001' ? ('USCC' as const) : ('CITIZEN_NUMBER' as const), code };
}

/** What this caller may do with the license now, from the same functions that the mutations call. */
export async function viewActions(db: Database, view: LicenseView) {
  const { stored, person } = view;
  const head = store.headOf(stored);
  const sheet = (await loadSheets(db, view)).find((one) => one.state !== 'SPOILED') ?? null;
  const current = stored.license.headIdentifier === head.identifier;
  const requireCurrent = () => {
    if (!current) throw new Refusal('LICENSE_NOT_CURRENT', 'identifier');
  };
  const own = OWN_ACTS.map((act) => ({
    name: `${act.toLowerCase()}License`,
    clause: CLAUSES[act],
    check: () => {
      requireCurrent();
      requireOwnAct(person, head, act);
    },
  }));
  const onPaper = (name: string, check: () => unknown) => ({
    name,
    clause: '实施方案三.7（电子证照与实体证照同步）',
    check: () => {
      requirePaperClerk(person, head);
      check();
    },
  });
  const offered = [
    ...own,
    onPaper('deliverCertificate', () => {
      requireCurrent();
      requireDeliverable(sheet);
    }),
    onPaper('spoilBlank', () => {
      requireCurrent();
      requireSpoilable(sheet);
    }),
    onPaper('recallCertificate', () => requireRecallable(sheet)),
    { name: 'redriveCollection', clause: '实施方案三.7（实时归集）', check: () => requireRedrivable(db, view) },
  ];
  return Promise.all(offered.map(({ name, clause, check }) => answer(name, clause, check)));
}

async function requireRedrivable(db: Database, view: LicenseView): Promise<void> {
  requireRedriver(view.person, store.headOf(view.stored));
  if ((await loadCollection(db, view)).state === 'COLLECTED') throw new Refusal('COLLECTION_NOT_FAILED', 'identifier');
}

async function answer(name: string, clause: string, check: () => unknown) {
  try {
    await check();
    return { name, allowed: true, clause };
  } catch (error) {
    if (error instanceof Refusal) return { name, allowed: false, refusal: viewRefusal(error), clause };
    throw error;
  }
}
