import { X509Certificate } from 'node:crypto';
import { type Transaction, transact } from '../../../db/client.ts';
import type { Actor, Person } from '../../kernel/actor.ts';
import { requirePrintableText } from '../../kernel/pdf/document.ts';
import { requireAllowed, requireOrgan } from '../../kernel/policy.ts';
import { OPERATOR_ID, type OperatorEnding } from '../../kernel/proposal/workflow.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { requireReason } from '../../kernel/text.ts';
import { insertRevocations, lockPki } from '../certification/authority-store.ts';
import { requireChain } from '../certification/certificate.ts';
import {
  insertCertificate,
  listCodeKeys,
  listGenerations,
  listRevokedSerials,
} from '../certification/certificate-store.ts';
import { computeValidity, type PkiDependencies, publishList } from '../certification/certification-workflow.ts';
import {
  addGeneration,
  buildOpenGrant,
  generateKeys,
  insertOrReopenSeal,
  type SealKeys,
} from '../certification/generation-workflow.ts';
import { insertGrants, withdrawGrants } from '../certification/grant-store.ts';
import { APPLICATION_MUTATIONS, SEALS_POLICY } from '../policy.ts';
import { organNameOf, type Seal, sealIdOf } from '../seal.ts';
import { floorToSecond, readSerial } from '../signer/certificate-fields.ts';
import * as seals from '../store.ts';
import { MAX_WAITING_APPLICATIONS, type Particulars, requireFits, type SealFacts } from './application.ts';
import type { SealPicture } from './picture.ts';
import * as store from './store.ts';

/**
 * The workflow of an application (印章申请): a keeper applies and another person decides. An approval takes effect at once.
 */

export const MAX_REASON_CHARS = 500;

/** The particulars of one kind of application. */
type ParticularsOf<Kind extends Particulars['kind']> = Extract<Particulars, { kind: Kind }>;

/** A keeper's application. `seal` is null if the seal is to be made. */
export interface ApplicationInput {
  seal: string | null;
  particulars: Particulars;
  /** PICTURE: the picture with the digest of the particulars. */
  picture?: SealPicture | null;
  reason: string;
  dryRun: boolean;
}

/** An application with the resulting seal, or null if there is none. */
export interface ApplicationResult {
  application: store.StoredApplication;
  seal: seals.StoredSeal | null;
}

/**
 * Records an application of a seal keeper for the own organ. It does not change the seal. Refuses as `requireFits`
 * does.
 */
export function apply(deps: PkiDependencies, actor: Actor, input: ApplicationInput): Promise<ApplicationResult> {
  return transact(deps.db, input.dryRun, async (tx) => {
    const knownSeal = input.seal === null ? null : await findSeal(tx, input.seal);
    const rule = SEALS_POLICY[APPLICATION_MUTATIONS[input.particulars.kind]];
    const at = deps.now();
    const subject = { organ: knownSeal?.seal.organ ?? null, seal: knownSeal?.seal ?? null, at };
    const applicant = requireAllowed(rule, subject, actor);
    const organ = requireOrgan(applicant);
    if (input.seal !== null && !knownSeal) throw new Refusal('SEAL_UNKNOWN', 'seal');
    await seals.lockApplications(tx, organ);
    if ((await store.countWaiting(tx, organ)) >= MAX_WAITING_APPLICATIONS) {
      throw new Refusal('SEAL_APPLICATIONS_TOO_MANY');
    }
    const { particulars, sealId } = await completeParticulars(tx, input, organ);
    const stored = await findSeal(tx, sealId);
    const facts = await readSealFacts(tx, deps, sealId, at);
    checkAll(
      () => requireReason(input.reason, MAX_REASON_CHARS, input.particulars.kind === 'END' ? 'words' : 'reason'),
      () => requireFits(particulars, stored?.seal ?? null, facts, at),
      () => particulars.kind === 'MAKE' && requirePrintableText(particulars.organName.trim(), { field: 'organName' }),
    );
    const id = crypto.randomUUID();
    const applicantFields = { appliedById: applicant.id, appliedBy: applicant.name };
    const applicationFields = { kind: particulars.kind, organ, sealId, particulars };
    await store.insertApplication(tx, { id, ...applicationFields, reason: input.reason, ...applicantFields, at });
    if (input.picture) await store.insertPicture(tx, id, input.picture.png);
    const event = `APPLIED_${particulars.kind}` as const;
    const matterId = matterOf(particulars);
    const act = { event, matterId, ...toActorFields(applicant), ...applicantFields, applicationId: id };
    await seals.insertEvents(tx, sealId, [{ ...act, reason: input.reason, at }]);
    return { application: await readApplication(tx, id), seal: stored };
  });
}

/**
 * Completes the particulars with what the hub knows: the organ's name from another of its seals, the matter of a grant.
 */
async function completeParticulars(
  tx: Transaction,
  { seal, particulars }: ApplicationInput,
  organ: string,
): Promise<{ particulars: Particulars; sealId: string }> {
  if (particulars.kind === 'MAKE') {
    const [otherSeal] = await seals.listSealsOf(tx, organ);
    const organName = otherSeal ? organNameOf(otherSeal.seal) : particulars.organName.trim();
    const matters = [...new Set(particulars.matters)];
    return { particulars: { ...particulars, organName, matters }, sealId: sealIdOf(organ, particulars.sealKind) };
  }
  const sealId = seal ?? '';
  if (particulars.kind === 'PICTURE') {
    return { particulars: { ...particulars, replaces: (await findSeal(tx, sealId))?.picture ?? null }, sealId };
  }
  if (particulars.kind !== 'WITHDRAW_GRANT') return { particulars, sealId };
  const grants = (await findSeal(tx, sealId))?.seal.grants ?? [];
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
 * organ who is not the applicant. Refuses as the policy row does and, for an approval, as `requireFits` does.
 */
export async function decide(deps: PkiDependencies, actor: Actor, input: Decision): Promise<ApplicationResult> {
  const snapshot = await store.findApplication(deps.db, input.application);
  if (!snapshot) throw new Refusal('SEAL_APPLICATION_UNKNOWN', 'application');
  requireAllowed(SEALS_POLICY.decideSealApplication, snapshot, actor);
  if (!input.approve || input.reason !== null) requireReason(input.reason ?? '', MAX_REASON_CHARS);
  const needsKeys = input.approve && (snapshot.kind === 'MAKE' || snapshot.kind === 'ROTATE');
  const keys = needsKeys ? await generateKeys(deps.signer, snapshot.sealId) : null;
  return transact(deps.db, input.dryRun, async (tx) => {
    const application = await lockApplication(tx, snapshot);
    const decider = requireAllowed(SEALS_POLICY.decideSealApplication, application, actor);
    const { id, particulars, sealId, appliedById, appliedBy } = application;
    const at = deps.now();
    const actorFields = toActorFields(decider);
    const outcome = input.approve ? ('APPROVED' as const) : ('REJECTED' as const);
    await store.insertOutcome(tx, { applicationId: id, outcome, ...actorFields, reason: input.reason, at });
    const actFields = {
      ...actorFields,
      appliedById,
      appliedBy,
      applicationId: id,
      matterId: matterOf(particulars),
      at,
    };
    if (outcome === 'REJECTED') {
      const event = `REJECTED_${particulars.kind}` as const;
      await seals.insertEvents(tx, sealId, [{ ...actFields, event, reason: input.reason }]);
      return { application: await readApplication(tx, id), seal: await findSeal(tx, sealId) };
    }
    if (particulars.kind === 'MAKE') await lockPki(tx);
    const stored = await seals.lockSeal(tx, sealId);
    requireFits(particulars, stored?.seal ?? null, await readSealFacts(tx, deps, sealId, at), at);
    const results = await carryOut(tx, deps, { ...application, ...actorFields }, stored?.seal ?? null, keys, at);
    const acts = results.map((act) => ({ ...actFields, reason: application.reason, ...act }));
    return { seal: await seals.recordSealActs(tx, sealId, acts, at), application: await readApplication(tx, id) };
  });
}

/** Withdraws a waiting application. Requires the keeper who applied. */
export async function withdraw(
  deps: PkiDependencies,
  actor: Actor,
  input: { application: string; dryRun: boolean },
): Promise<ApplicationResult> {
  const snapshot = await store.findApplication(deps.db, input.application);
  if (!snapshot) throw new Refusal('SEAL_APPLICATION_UNKNOWN', 'application');
  requireAllowed(SEALS_POLICY.withdrawSealApplication, snapshot, actor);
  return transact(deps.db, input.dryRun, async (tx) => {
    const application = await lockApplication(tx, snapshot);
    const person = requireAllowed(SEALS_POLICY.withdrawSealApplication, application, actor);
    await recordWithdrawal(tx, application, { ...toActorFields(person), reason: null, at: deps.now() });
    const { id, sealId } = application;
    return { application: await readApplication(tx, id), seal: await findSeal(tx, sealId) };
  });
}

/** Withdraws a waiting application for the operator. Refuses SEAL_APPLICATION_UNKNOWN, SEAL_APPLICATION_DECIDED. */
export async function withdrawForOperator(
  tx: Transaction,
  id: string,
  { operator, reason, at }: OperatorEnding,
): Promise<void> {
  const snapshot = await store.findApplication(tx, id);
  if (!snapshot) throw new Refusal('SEAL_APPLICATION_UNKNOWN', 'application');
  const application = await lockApplication(tx, snapshot);
  if (application.outcome !== null) throw new Refusal('SEAL_APPLICATION_DECIDED', 'application');
  await recordWithdrawal(tx, application, { actorId: OPERATOR_ID, actor: operator, reason, at });
}

async function recordWithdrawal(
  tx: Transaction,
  { id, kind, sealId, particulars, appliedById, appliedBy }: store.StoredApplication,
  ending: { actorId: string; actor: string; reason: string | null; at: Date },
): Promise<void> {
  await store.insertOutcome(tx, { applicationId: id, outcome: 'WITHDRAWN', ...ending });
  const act = { appliedById, appliedBy, applicationId: id, matterId: matterOf(particulars) };
  await seals.insertEvents(tx, sealId, [{ ...ending, ...act, event: `WITHDRAWN_${kind}` }]);
}

/** An act that carries out an approved application. */
type ActResult = Pick<seals.SealAct, 'event'> & Partial<seals.SealAct>;

async function carryOut(
  tx: Transaction,
  deps: PkiDependencies,
  { id, particulars, sealId, organ, actorId, actor }: store.StoredApplication & { actorId: string; actor: string },
  seal: Seal | null,
  keys: SealKeys | null,
  at: Date,
): Promise<ActResult[]> {
  switch (particulars.kind) {
    case 'MAKE':
      return carryOutMake(tx, deps, { ...particulars, organ, endedSeal: seal }, requireKeys(keys), at);
    case 'ROTATE':
      return carryOutRotation(tx, deps, requireSeal(seal), requireKeys(keys), at);
    case 'RESUME':
      await seals.setSeal(tx, sealId, { state: 'IN_USE' });
      return [{ event: 'RESUMED' }];
    case 'GRANT':
      await insertGrants(tx, sealId, [particulars]);
      return [{ event: 'GRANTED' }];
    case 'WITHDRAW_GRANT':
      await withdrawGrants(tx, [particulars.grant], at);
      return [{ event: 'GRANT_WITHDRAWN' }];
    case 'CERTIFICATE':
      return enterCertificate(tx, deps, requireSeal(seal), particulars, at);
    case 'PICTURE': {
      const [png = null] = await store.findPictures(tx, [id]);
      const { digest } = particulars;
      await seals.insertPicture(tx, { sealId, digest, png, applicationId: id, actorId, actor, at });
      return [{ event: 'PICTURE_CHANGED' }];
    }
    case 'END':
      await carryOutEnd(tx, deps, sealId, particulars, at);
      return [{ event: 'ENDED' }];
  }
}

/** Makes the seal (制作), or remakes one that has ended. It gets the next generation of keys, and only the new grants. */
async function carryOutMake(
  tx: Transaction,
  deps: PkiDependencies,
  input: ParticularsOf<'MAKE'> & { organ: string; endedSeal: Seal | null },
  keys: SealKeys,
  at: Date,
): Promise<ActResult[]> {
  const { organ, organName, sealKind: kind, matters, endedSeal } = input;
  await withdrawGrants(tx, endedSeal?.grants.map(({ id }) => id) ?? [], at);
  await insertOrReopenSeal(tx, deps, { organ, organName, kind }, keys, { state: 'MADE', filingNumber: null, at });
  await insertGrants(tx, sealIdOf(organ, kind), matters.map(buildOpenGrant));
  const withdrawnGrants = (endedSeal?.grants ?? []).map(({ matter }) => ({
    event: 'GRANT_WITHDRAWN' as const,
    matterId: matter,
  }));
  return [
    { event: 'MADE' },
    ...withdrawnGrants,
    ...matters.map((matterId) => ({ event: 'GRANTED' as const, matterId })),
  ];
}

/** Replaces keys and certificates (换证). The new keys sign from now on. Signatures by earlier keys stay valid. */
async function carryOutRotation(
  tx: Transaction,
  deps: PkiDependencies,
  seal: Seal,
  keys: SealKeys,
  at: Date,
): Promise<ActResult[]> {
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
  { certificates }: ParticularsOf<'CERTIFICATE'>,
  at: Date,
): Promise<ActResult[]> {
  const { own, trusted } = await readSealFacts(tx, deps, seal.id, at);
  const requirements = { own, trusted, organName: organNameOf(seal) };
  const [certificatePem = '', ...above] = requireChain(certificates, requirements, at);
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
async function carryOutEnd(
  tx: Transaction,
  deps: PkiDependencies,
  sealId: string,
  { reason, compromisedAt }: ParticularsOf<'END'>,
  at: Date,
): Promise<void> {
  await seals.setSeal(tx, sealId, { state: 'ENDED' });
  const revocation = {
    authority: 'issuing' as const,
    sealId,
    reason,
    revokedAt: floorToSecond(at),
    compromisedAt: compromisedAt === null ? null : new Date(compromisedAt),
  };
  const serials = (await listValidCertificates(tx, sealId, at)).map((pem) => readSerial(pem));
  await insertRevocations(
    tx,
    serials.map((serial) => ({ ...revocation, serial })),
  );
  await publishList(tx, deps, 'issuing');
}

/**
 * Returns a seal's certificates of all generations from the hub's own authority that have neither expired nor been
 * revoked.
 */
async function listValidCertificates(tx: Transaction, sealId: string, at: Date): Promise<string[]> {
  const ownGenerations = (await listGenerations(tx, sealId)).filter(({ above }) => above === null);
  const pems = [...ownGenerations, ...(await listCodeKeys(tx, sealId))].map(({ certificatePem }) => certificatePem);
  const revokedSerials = await listRevokedSerials(tx, sealId);
  return pems.filter((pem) => new X509Certificate(pem).validToDate >= at && !revokedSerials.has(readSerial(pem)));
}

async function readSealFacts(tx: Transaction, deps: PkiDependencies, sealId: string, at: Date): Promise<SealFacts> {
  const startTimes = (await listValidCertificates(tx, sealId, at)).map((pem) =>
    new X509Certificate(pem).validFromDate.getTime(),
  );
  return {
    since: startTimes.length === 0 ? null : new Date(Math.min(...startTimes)),
    own: (await listGenerations(tx, sealId)).map(({ certificatePem }) => certificatePem),
    trusted: deps.trustedAuthorities ?? [],
    picture: (await findSeal(tx, sealId))?.picture ?? null,
  };
}

/** Locks the organ's applications and rereads this one. Nobody else can decide it until the transaction ends. */
async function lockApplication(
  tx: Transaction,
  { id, organ }: store.StoredApplication,
): Promise<store.StoredApplication> {
  await seals.lockApplications(tx, organ);
  return readApplication(tx, id);
}

async function readApplication(tx: Transaction, id: string): Promise<store.StoredApplication> {
  const application = await store.findApplication(tx, id);
  if (!application) throw new Error(`no application ${id}`);
  return application;
}

async function findSeal(tx: Transaction, id: string): Promise<seals.StoredSeal | null> {
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

function matterOf(particulars: Particulars): string | null {
  return 'matter' in particulars ? particulars.matter : null;
}

function toActorFields({ id, name }: Person): { actorId: string; actor: string } {
  return { actorId: id, actor: name };
}
