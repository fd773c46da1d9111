import { X509Certificate } from 'node:crypto';
import { type Transaction, transact } from '../../../db/client.ts';
import type { Actor, Person } from '../../kernel/actor.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { requireChain } from '../certificate/certificate.ts';
import { insertCertificate, listCodeKeys, listGenerations, listRevoked } from '../certificate/store.ts';
import { computeValidity, type PkiDependencies, publishList } from '../certification.ts';
import { addGeneration, buildOpenGrant, generateKeys, insertOrReopenSeal, type SealKeys } from '../making.ts';
import { organNameOf, type Seal, sealIdOf } from '../seal.ts';
import { serialOf } from '../signer/pki.ts';
import { wholeSecond } from '../signer/timestamp.ts';
import * as seals from '../store.ts';
import {
  type Known,
  type Particulars,
  requireApplicant,
  requireDecider,
  requireFits,
  requireWithdrawer,
  WAITING_MOST,
} from './application.ts';
import * as store from './store.ts';

/**
 * The workflow of an application (印章申请): a keeper applies and another person decides. An approval takes effect at once.
 */

const REASON_LENGTH = 500;

/** The particulars of one kind of application. */
type Given<Kind extends Particulars['kind']> = Extract<Particulars, { kind: Kind }>;

/** A keeper's application. `seal` is null if the seal is to be made. */
export interface Asked {
  seal: string | null;
  particulars: Particulars;
  reason: string;
  dryRun: boolean;
}

/** An application with the resulting seal, or null if there is none. */
export interface Handled {
  application: store.StoredApplication;
  seal: seals.StoredSeal | null;
}

/**
 * Records an application of a seal keeper for the own organ. It does not change the seal. Refuses as `requireFits`
 * does.
 */
export function apply(deps: PkiDependencies, actor: Actor, asked: Asked): Promise<Handled> {
  return transact(deps.db, asked.dryRun, async (tx) => {
    const known = asked.seal === null ? null : await find(tx, asked.seal);
    const applicant = requireApplicant(actor, known?.seal.organ ?? null);
    if (asked.seal !== null && !known) throw new Refusal('SEAL_UNKNOWN', 'seal');
    await seals.lockApplications(tx, applicant.organ);
    if ((await store.countWaiting(tx, applicant.organ)) >= WAITING_MOST) {
      throw new Refusal('SEAL_APPLICATIONS_TOO_MANY');
    }
    requireReason(asked.reason, asked.particulars.kind === 'END' ? 'words' : 'reason');
    const at = deps.now();
    const { particulars, sealId } = await particularsOf(tx, asked, applicant.organ);
    const stored = await find(tx, sealId);
    requireFits(particulars, stored?.seal ?? null, await knownOf(tx, deps, sealId, at), at);
    const id = crypto.randomUUID();
    const by = { appliedById: applicant.id, appliedBy: applicant.name };
    const about = { kind: particulars.kind, organ: applicant.organ, sealId, particulars };
    await store.insertApplication(tx, { id, ...about, reason: asked.reason, ...by, at });
    const event = `APPLIED_${particulars.kind}` as const;
    const matterId = matterOf(particulars);
    const act = { event, matterId, ...namesOf(applicant), ...by, applicationId: id, reason: asked.reason, at };
    await seals.insertEvents(tx, sealId, [act]);
    return { application: await whole(tx, id), seal: stored };
  });
}

/**
 * Completes the particulars with what the hub knows: the organ's name from another of its seals, the matter of a grant.
 */
async function particularsOf(
  tx: Transaction,
  { seal, particulars }: Asked,
  organ: string,
): Promise<{ particulars: Particulars; sealId: string }> {
  if (particulars.kind === 'MAKE') {
    const [other] = await seals.listSealsOf(tx, organ);
    const organName = other ? organNameOf(other.seal) : particulars.organName.trim();
    const matters = [...new Set(particulars.matters)];
    return { particulars: { ...particulars, organName, matters }, sealId: sealIdOf(organ, particulars.sealKind) };
  }
  const sealId = seal ?? '';
  if (particulars.kind !== 'WITHDRAW_GRANT') return { particulars, sealId };
  const grants = (await find(tx, sealId))?.seal.grants ?? [];
  const matter = grants.find(({ id }) => id === particulars.grant)?.matter ?? '';
  return { particulars: { ...particulars, matter }, sealId };
}

/** A second person's decision on an application. */
export interface Decision {
  application: string;
  approve: boolean;
  /** Required for a rejection. */
  reason: string | null;
  dryRun: boolean;
}

/**
 * Approves an application and carries it out at once, or rejects it with a reason. Requires a seal approver of the
 * organ who is not the applicant. Refuses as `requireDecider` does and, for an approval, as `requireFits` does.
 */
export async function decide(deps: PkiDependencies, actor: Actor, asked: Decision): Promise<Handled> {
  const known = await store.findApplication(deps.db, asked.application);
  if (!known) throw new Refusal('SEAL_APPLICATION_UNKNOWN', 'application');
  requireDecider(known, actor);
  if (!asked.approve || asked.reason !== null) requireReason(asked.reason ?? '');
  const makes = asked.approve && (known.kind === 'MAKE' || known.kind === 'ROTATE');
  const keys = makes ? await generateKeys(deps.signer, known.sealId) : null;
  return transact(deps.db, asked.dryRun, async (tx) => {
    const application = await lock(tx, known);
    const decider = requireDecider(application, actor);
    const { id, particulars, sealId, appliedById, appliedBy } = application;
    const at = deps.now();
    const names = namesOf(decider);
    const outcome = asked.approve ? ('APPROVED' as const) : ('REJECTED' as const);
    await store.insertOutcome(tx, { applicationId: id, outcome, ...names, reason: asked.reason, at });
    const by = { ...names, appliedById, appliedBy, applicationId: id, matterId: matterOf(particulars), at };
    if (outcome === 'REJECTED') {
      const event = `REJECTED_${particulars.kind}` as const;
      await seals.insertEvents(tx, sealId, [{ ...by, event, reason: asked.reason }]);
      return { application: await whole(tx, id), seal: await find(tx, sealId) };
    }
    if (particulars.kind === 'MAKE') await seals.lockPki(tx);
    const stored = await seals.lockSeal(tx, sealId);
    requireFits(particulars, stored?.seal ?? null, await knownOf(tx, deps, sealId, at), at);
    const done = await carryOut(tx, deps, application, stored?.seal ?? null, keys, at);
    const acts = done.map((act) => ({ ...by, reason: application.reason, ...act }));
    return { seal: await seals.recordSealActs(tx, sealId, acts, at), application: await whole(tx, id) };
  });
}

/** Withdraws a waiting application. Requires the keeper who applied. */
export async function withdraw(
  deps: PkiDependencies,
  actor: Actor,
  asked: { application: string; dryRun: boolean },
): Promise<Handled> {
  const known = await store.findApplication(deps.db, asked.application);
  if (!known) throw new Refusal('SEAL_APPLICATION_UNKNOWN', 'application');
  requireWithdrawer(known, actor);
  return transact(deps.db, asked.dryRun, async (tx) => {
    const application = await lock(tx, known);
    const person = requireWithdrawer(application, actor);
    const { id, kind, sealId, particulars, appliedById, appliedBy } = application;
    const at = deps.now();
    const names = namesOf(person);
    await store.insertOutcome(tx, { applicationId: id, outcome: 'WITHDRAWN', ...names, reason: null, at });
    const by = { ...names, appliedById, appliedBy, applicationId: id, matterId: matterOf(particulars) };
    await seals.insertEvents(tx, sealId, [{ ...by, event: `WITHDRAWN_${kind}`, reason: null, at }]);
    return { application: await whole(tx, id), seal: await find(tx, sealId) };
  });
}

/** An act that carries out an approved application. */
type Done = Pick<seals.SealAct, 'event'> & Partial<seals.SealAct>;

async function carryOut(
  tx: Transaction,
  deps: PkiDependencies,
  { particulars, sealId, organ }: store.StoredApplication,
  seal: Seal | null,
  keys: SealKeys | null,
  at: Date,
): Promise<Done[]> {
  switch (particulars.kind) {
    case 'MAKE':
      return make(tx, deps, { ...particulars, organ, before: seal }, requireKeys(keys), at);
    case 'ROTATE':
      return rotate(tx, deps, requireSeal(seal), requireKeys(keys), at);
    case 'GRANT':
      await seals.insertGrants(tx, sealId, [particulars]);
      return [{ event: 'GRANTED' }];
    case 'WITHDRAW_GRANT':
      await seals.withdrawGrants(tx, [particulars.grant], at);
      return [{ event: 'GRANT_WITHDRAWN' }];
    case 'CERTIFICATE':
      return enterCertificate(tx, deps, requireSeal(seal), particulars, at);
    case 'END':
      await end(tx, deps, sealId, particulars, at);
      return [{ event: 'ENDED' }];
  }
}

/** Makes the seal (制作), or remakes one that has ended. It gets the next generation of keys, and only the new grants. */
async function make(
  tx: Transaction,
  deps: PkiDependencies,
  asked: Given<'MAKE'> & { organ: string; before: Seal | null },
  keys: SealKeys,
  at: Date,
): Promise<Done[]> {
  const { organ, organName, sealKind: kind, matters, before } = asked;
  await seals.withdrawGrants(tx, before?.grants.map(({ id }) => id) ?? [], at);
  await insertOrReopenSeal(tx, deps, { organ, organName, kind }, keys, { state: 'MADE', filingNumber: null, at });
  await seals.insertGrants(tx, sealIdOf(organ, kind), matters.map(buildOpenGrant));
  const taken = (before?.grants ?? []).map(({ matter }) => ({ event: 'GRANT_WITHDRAWN' as const, matterId: matter }));
  return [{ event: 'MADE' }, ...taken, ...matters.map((matterId) => ({ event: 'GRANTED' as const, matterId }))];
}

/** Replaces keys and certificates (换证). The new keys sign from now on. Signatures by earlier keys stay valid. */
async function rotate(tx: Transaction, deps: PkiDependencies, seal: Seal, keys: SealKeys, at: Date): Promise<Done[]> {
  const times = computeValidity('seal', at);
  await addGeneration(tx, deps, seal, keys, times);
  await seals.setSeal(tx, seal.id, times);
  return [{ event: 'ROTATED' }];
}

/**
 * Adds another authority's certificate of the key that signs. It is the next generation, and new signatures carry its
 * chain.
 */
async function enterCertificate(
  tx: Transaction,
  deps: PkiDependencies,
  seal: Seal,
  { certificates }: Given<'CERTIFICATE'>,
  at: Date,
): Promise<Done[]> {
  const { own, trusted } = await knownOf(tx, deps, seal.id, at);
  const expected = { own, trusted, organName: organNameOf(seal) };
  const [certificatePem = '', ...above] = requireChain(certificates, expected, at);
  const generations = await listGenerations(tx, seal.id);
  const newest = generations.at(-1);
  if (!newest) throw new Error(`seal ${seal.id} has no certificate`);
  const { sealId, encryptedKey } = newest;
  await insertCertificate(tx, { sealId, generation: generations.length + 1, certificatePem, above, encryptedKey });
  const { validFromDate: validFrom, validToDate: validUntil } = new X509Certificate(certificatePem);
  await seals.setSeal(tx, seal.id, { validFrom, validUntil });
  return [{ event: 'CERTIFICATE_ENTERED' }];
}

/**
 * Ends a seal permanently (注销). Revokes every certificate from the hub's own authority that is still valid, and
 * publishes the list with these revocations.
 */
async function end(
  tx: Transaction,
  deps: PkiDependencies,
  sealId: string,
  { reason, compromisedAt }: Given<'END'>,
  at: Date,
): Promise<void> {
  await seals.setSeal(tx, sealId, { state: 'ENDED' });
  const revoked = {
    authority: 'issuing' as const,
    sealId,
    reason,
    revokedAt: wholeSecond(at),
    compromisedAt: compromisedAt === null ? null : new Date(compromisedAt),
  };
  const serials = (await standing(tx, sealId, at)).map((pem) => serialOf(pem));
  await seals.insertRevocations(
    tx,
    serials.map((serial) => ({ ...revoked, serial })),
  );
  await publishList(tx, deps, 'issuing');
}

/**
 * Returns a seal's certificates of all generations from the hub's own authority that have neither expired nor been
 * revoked.
 */
async function standing(tx: Transaction, sealId: string, at: Date): Promise<string[]> {
  const own = (await listGenerations(tx, sealId)).filter(({ above }) => above === null);
  const all = [...own, ...(await listCodeKeys(tx, sealId))].map(({ certificatePem }) => certificatePem);
  const revoked = await listRevoked(tx, sealId);
  return all.filter((pem) => new X509Certificate(pem).validToDate >= at && !revoked.has(serialOf(pem)));
}

async function knownOf(tx: Transaction, deps: PkiDependencies, sealId: string, at: Date): Promise<Known> {
  const from = (await standing(tx, sealId, at)).map((pem) => new X509Certificate(pem).validFromDate.getTime());
  return {
    since: from.length === 0 ? null : new Date(Math.min(...from)),
    own: (await listGenerations(tx, sealId)).map(({ certificatePem }) => certificatePem),
    trusted: deps.trustedAuthorities ?? [],
  };
}

/** Locks the organ's applications and rereads this one. Nobody else can decide it until the transaction ends. */
async function lock(tx: Transaction, { id, organ }: store.StoredApplication): Promise<store.StoredApplication> {
  await seals.lockApplications(tx, organ);
  return whole(tx, id);
}

async function whole(tx: Transaction, id: string): Promise<store.StoredApplication> {
  const found = await store.findApplication(tx, id);
  if (!found) throw new Error(`no application ${id}`);
  return found;
}

async function find(tx: Transaction, id: string): Promise<seals.StoredSeal | null> {
  return (await seals.findSeals(tx, [id]))[0] ?? null;
}

function requireKeys(keys: SealKeys | null): SealKeys {
  if (!keys) throw new Error('no keys were generated');
  return keys;
}

function requireSeal(seal: Seal | null): Seal {
  if (!seal) throw new Refusal('SEAL_UNKNOWN', 'seal');
  return seal;
}

function requireReason(reason: string, field = 'reason'): void {
  if (reason.trim() === '') throw new Refusal('REASON_MISSING', field);
  if ([...reason].length > REASON_LENGTH) throw new Refusal('FIELD_TOO_LONG', field, `最多 ${REASON_LENGTH} 字`);
}

function matterOf(particulars: Particulars): string | null {
  return 'matter' in particulars ? particulars.matter : null;
}

function namesOf({ id, name }: Person): { actorId: string; actor: string } {
  return { actorId: id, actor: name };
}
