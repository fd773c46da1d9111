import { type Database, type Transaction, transact } from '../../db/client.ts';
import type { Actor, AuthorisationKeys, Person } from '../kernel/actor.ts';
import type { Clock } from '../kernel/day.ts';
import { Refusal } from '../kernel/refusal.ts';
import type { SignAnswer, SignRequest } from '../kernel/sign.ts';
import { requireAuthorised } from './authority.ts';
import { SUITE, signDetached } from './cms.ts';
import { type DistinguishedName, ISSUING_NAME, makeCertificate, type Profile, ROOT_NAME } from './pki.ts';
import { KIND_NAMES, requireGranter, requireUsable, resume, type SealKind, suspend } from './seal.ts';
import type { Signer } from './signer.ts';
import * as store from './store.ts';

/** What the workflow of seals needs; nothing of it is read from the environment. */
export interface WorkflowDependencies {
  db: Database;
  now: Clock;
  signer: Signer;
  authorisationKeys: AuthorisationKeys;
}

const VALIDITY_YEARS: Record<Profile, number> = { root: 20, issuing: 10, seal: 3 };
const REASON_LENGTH = 500;
const MATTER_LENGTH = 64;

/** Makes the test PKI's root and issuing CA once; safe when two start at once. */
export function prepare({ db, now, signer }: WorkflowDependencies): Promise<void> {
  return db.transaction(async (tx) => {
    await store.lockPki(tx);
    if ((await store.findAuthorities(tx)).size > 0) return;
    const at = now();
    const rootKey = await signer.generate('root');
    const issuingKey = await signer.generate('issuing');
    const byRoot = (data: Uint8Array) => signer.sign('root', rootKey.encrypted, data);
    const issuer = { issuer: ROOT_NAME, issuerPublicKeyPem: rootKey.publicKeyPem, ...validity('root', at) };
    const made = [
      { id: 'root', key: rootKey, subject: ROOT_NAME, profile: 'root' as const },
      { id: 'issuing', key: issuingKey, subject: ISSUING_NAME, profile: 'issuing' as const },
    ];
    for (const { id, key, subject, profile } of made) {
      const request = { ...issuer, profile, subject, publicKeyPem: key.publicKeyPem, ...validity(profile, at) };
      const certificatePem = makeCertificate(request, byRoot);
      await store.insertAuthority(tx, {
        id,
        certificatePem,
        publicKeyPem: key.publicKeyPem,
        encryptedKey: key.encrypted,
      });
    }
  });
}

function validity(profile: Profile, from: Date): { validFrom: Date; validUntil: Date } {
  const validFrom = new Date(from);
  // X.509 counts whole seconds; a certificate must not begin after its first signature.
  validFrom.setUTCMilliseconds(0);
  const validUntil = new Date(validFrom);
  validUntil.setUTCFullYear(validUntil.getUTCFullYear() + VALIDITY_YEARS[profile]);
  return { validFrom, validUntil };
}

export interface NewSeal {
  organ: string;
  organName: string;
  kind: SealKind;
  matters: readonly string[];
}

/** Makes a seal of the test PKI for an organ; one that is there already only gets the grants it lacks. Gives its id. */
export async function makeSeal(deps: WorkflowDependencies, made: NewSeal): Promise<string> {
  const { db, now, signer } = deps;
  const id = `${made.organ}-${made.kind.toLowerCase().replace('_', '-')}`;
  // A key takes half a second of a core to find: not while a transaction holds its locks.
  const [known] = await store.findSeals(db, [id]);
  const key = known ? null : await signer.generate(id);
  return db.transaction(async (tx) => {
    await store.lockPki(tx);
    const at = now();
    const by = { actorId: null, actor: '初始化', reason: null, at };
    const acts: store.SealAct[] = [];
    if (key && !(await store.lockSeal(tx, id))) {
      const name = `${made.organName}${KIND_NAMES[made.kind]}`;
      const subject = { organisation: made.organName, unit: ROOT_NAME.unit, commonName: `${name}（测试）` };
      const certificatePem = await certify(tx, deps, subject, key.publicKeyPem, at);
      const { organ, kind } = made;
      const row = { id, organ, name, kind, state: 'IN_USE' as const, suite: SUITE, ...validity('seal', at) };
      await store.insertSeal(tx, { ...row, certificatePem, encryptedKey: key.encrypted });
      acts.push({ event: 'MADE', matterId: null, ...by });
    }
    const added = await store.addGrants(tx, id, made.matters);
    acts.push(...added.map((matterId) => ({ event: 'GRANTED' as const, matterId, ...by })));
    if (acts.length > 0) await store.enterSealActs(tx, id, acts, at);
    return id;
  });
}

async function certify(
  tx: Transaction,
  { signer }: WorkflowDependencies,
  subject: DistinguishedName,
  publicKeyPem: string,
  at: Date,
): Promise<string> {
  const issuing = (await store.findAuthorities(tx)).get('issuing');
  if (!issuing) throw new Error('the test PKI is not prepared');
  const issuer = { issuer: ISSUING_NAME, issuerPublicKeyPem: issuing.publicKeyPem };
  const request = { profile: 'seal' as const, subject, publicKeyPem, ...issuer, ...validity('seal', at) };
  return makeCertificate(request, (data) => signer.sign('issuing', issuing.encryptedKey, data));
}

/**
 * Seals the digest of a prepared file (用印). The use stands in the seal's ledger in the same transaction as the signature, so
 * no signature is ever unrecorded; the same issuance id answers the same bytes for ever, and one decision is sealed once.
 * Refuses SEAL_AUTHORISATION_INVALID, SEAL_UNKNOWN, SEAL_NOT_GRANTED, SEAL_SUSPENDED, SEAL_EXPIRED.
 */
export function sign(deps: WorkflowDependencies, request: SignRequest): Promise<SignAnswer> {
  const { db, now, signer, authorisationKeys } = deps;
  return db.transaction(async (tx) => {
    await store.lockIssuance(tx, request.issuanceId);
    const before = await store.findUse(tx, request.issuanceId);
    if (before) return answerAgain(tx, before, request);

    const statement = await requireAuthorised(authorisationKeys, request);
    if (request.caseId !== null && (await store.isCaseSealed(tx, request.caseId))) {
      throw new Refusal('SEAL_AUTHORISATION_INVALID', null, '此办件已用印');
    }
    const at = now();
    const held = await store.holdSealsOf(tx, request.organ);
    const usable = requireUsable(
      held.map((one) => one.seal),
      request.organ,
      request.matterId,
      at,
    );
    const row = held.find((one) => one.seal.id === usable.id)?.row;
    const issuing = (await store.findAuthorities(tx)).get('issuing');
    if (!row || !issuing) throw new Error(`seal ${usable.id} cannot be opened`);

    const signature = signDetached(
      {
        documentDigest: Buffer.from(request.documentDigest, 'hex'),
        chain: [row.certificatePem, issuing.certificatePem],
        signedAt: at,
      },
      (data) => signer.sign(row.id, row.encryptedKey, data),
    );
    const { organ: _, ...asked } = request;
    const by = { authorisedById: statement.actor, authorisedBy: statement.actorName };
    await store.insertUse(tx, {
      ...asked,
      ...by,
      organ: request.organ,
      sealId: row.id,
      suite: row.suite,
      signature,
      at,
    });
    return { state: 'SIGNED', signature, sealId: row.id, sealName: row.name, signedAt: at.toISOString() };
  });
}

/** What a use must have in common with a request that names the same issuance. */
const OF_ONE_ISSUANCE = [
  'documentDigest',
  'contentDigest',
  'organ',
  'matterId',
  'caseId',
  'act',
  'identifier',
] as const;

async function answerAgain(tx: Transaction, before: store.UseRow, request: SignRequest): Promise<SignAnswer> {
  if (OF_ONE_ISSUANCE.some((field) => before[field] !== request[field]))
    throw new Refusal('SEAL_AUTHORISATION_INVALID');
  const [stored] = await store.findSeals(tx, [before.sealId]);
  if (!stored) throw new Error(`no seal ${before.sealId}`);
  const { signature, sealId, at } = before;
  return { state: 'SIGNED', signature, sealId, sealName: stored.seal.name, signedAt: at.toISOString() };
}

/** Stops a seal or puts it back into use. */
export function setUse(
  deps: WorkflowDependencies,
  actor: Actor,
  asked: { seal: string; reason: string; to: 'SUSPENDED' | 'IN_USE'; dryRun: boolean },
): Promise<store.StoredSeal> {
  return onSeal(deps, asked, async (tx, { seal }, at) => {
    const { by, state } = asked.to === 'SUSPENDED' ? suspend(seal, actor) : resume(seal, actor, at);
    if (asked.reason.trim() === '') throw new Refusal('REASON_MISSING', 'reason');
    if ([...asked.reason].length > REASON_LENGTH)
      throw new Refusal('FIELD_TOO_LONG', 'reason', `最多 ${REASON_LENGTH} 字`);
    if (state === seal.state) return [];
    await store.setState(tx, seal.id, state);
    const event = state === 'SUSPENDED' ? ('SUSPENDED' as const) : ('RESUMED' as const);
    return [{ event, matterId: null, ...namesOf(by), reason: asked.reason, at }];
  });
}

/** Lets a seal be used for a matter, or no longer. */
export function setGrant(
  deps: WorkflowDependencies,
  actor: Actor,
  asked: { seal: string; matter: string; granted: boolean; dryRun: boolean },
): Promise<store.StoredSeal> {
  return onSeal(deps, asked, async (tx, { seal }, at) => {
    const by = requireGranter(seal, actor);
    if (asked.matter.length > MATTER_LENGTH) throw new Refusal('MATTER_UNKNOWN', 'matter');
    const entry = { matterId: asked.matter, ...namesOf(by), reason: null, at };
    if (asked.granted) {
      const added = await store.addGrants(tx, seal.id, [asked.matter]);
      return added.map(() => ({ event: 'GRANTED' as const, ...entry }));
    }
    if (!(await store.removeGrant(tx, seal.id, asked.matter))) throw new Refusal('SEAL_NOT_GRANTED', 'matter');
    return [{ event: 'GRANT_WITHDRAWN' as const, ...entry }];
  });
}

function namesOf({ id, name }: Person): { actorId: string; actor: string } {
  return { actorId: id, actor: name };
}

function onSeal(
  { db, now }: WorkflowDependencies,
  { seal: id, dryRun }: { seal: string; dryRun: boolean },
  act: (tx: Transaction, stored: store.StoredSeal, at: Date) => Promise<store.SealAct[]>,
): Promise<store.StoredSeal> {
  return transact(db, dryRun, async (tx) => {
    const stored = await store.lockSeal(tx, id);
    if (!stored) throw new Refusal('SEAL_UNKNOWN', 'seal');
    const at = now();
    const acts = await act(tx, stored, at);
    return acts.length === 0 ? stored : store.enterSealActs(tx, id, acts, at);
  });
}
