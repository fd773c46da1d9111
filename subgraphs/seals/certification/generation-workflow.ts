import type { Transaction } from '../../../db/client.ts';
import type { SealKind } from '../../kernel/events/seal-grant.ts';
import { KIND_NAMES, organNameOf, sealIdOf } from '../seal.ts';
import { KEY_SUITE } from '../signer/cms.ts';
import type { GuardedKey } from '../signer/keys.ts';
import { ROOT_NAME } from '../signer/pki.ts';
import { codeKeyId, type Signer } from '../signer/signer.ts';
import * as store from '../store.ts';
import { type AuthorityRow, findAuthorities, lockPki } from './authority-store.ts';
import {
  insertCertificate,
  insertCodeKey,
  listCodeKeys,
  listGenerations,
  listSealsWithoutCodeKey,
} from './certificate-store.ts';
import { certify, computeValidity, getAuthority, type PkiDependencies } from './certification-workflow.ts';
import { insertGrants, listNeverGranted, type NewGrant } from './grant-store.ts';

/** Creates keys and certificates of seals (制作印章、换证). */

export interface NewSeal {
  organ: string;
  organName: string;
  kind: SealKind;
  matters: readonly string[];
}

/** Both keys of one generation. */
export interface SealKeys {
  key: GuardedKey;
  codeKey: GuardedKey;
}

/**
 * Generates both keys of a generation. It takes half a second of one core, so do not call it in a transaction that
 * holds locks.
 */
export async function generateKeys(signer: Signer, sealId: string): Promise<SealKeys> {
  const [key, codeKey] = await Promise.all([
    signer.generate({ keyId: sealId, kind: 'RSA-3072' }),
    signer.generate({ keyId: codeKeyId(sealId), kind: 'P-256' }),
  ]);
  return { key, codeKey };
}

/** Returns a grant without a person and without a first or last day. */
export const buildOpenGrant = (matter: string): NewGrant => ({ matter, person: null, from: null, to: null });

/**
 * Makes a seal of the test PKI for an organ. An existing seal only gets grants for matters that it was never granted
 * for. Returns the seal's id.
 */
export async function makeSeal(deps: PkiDependencies, newSeal: NewSeal): Promise<string> {
  const [id = ''] = await makeSeals(deps, [newSeal]);
  return id;
}

/** Makes several seals as `makeSeal` does, all in one transaction. Returns their ids. */
export async function makeSeals(deps: PkiDependencies, newSeals: readonly NewSeal[]): Promise<string[]> {
  const { db, now, signer } = deps;
  const ids = newSeals.map(({ organ, kind }) => sealIdOf(organ, kind));
  const existingSeals = await store.findSeals(db, ids);
  const keys = await Promise.all(ids.map((id, i) => (existingSeals[i] ? null : generateKeys(signer, id))));
  return db.transaction(async (tx) => {
    await lockPki(tx);
    const at = now();
    for (const [i, newSeal] of newSeals.entries()) await enterSeal(tx, deps, newSeal, keys[i] ?? null, at);
    return ids;
  });
}

/** Enters a seal with its first keys, if it has none, and its grants. */
async function enterSeal(
  tx: Transaction,
  deps: PkiDependencies,
  newSeal: NewSeal,
  keys: SealKeys | null,
  at: Date,
): Promise<void> {
  const id = sealIdOf(newSeal.organ, newSeal.kind);
  const actFields = { actorId: null, actor: '初始化', reason: null, matterId: null, at };
  const acts: store.SealAct[] = [];
  if (keys && !(await store.lockSeal(tx, id))) {
    const filingNumber = `示范备案 ${id}`;
    await insertOrReopenSeal(tx, deps, newSeal, keys, { state: 'IN_USE', filingNumber, requiredSince: at, at });
    acts.push(
      { event: 'MADE', ...actFields },
      { event: 'FILED', ...actFields, reason: filingNumber },
      { event: 'PUT_INTO_USE', ...actFields },
    );
  }
  const matters = await listNeverGranted(tx, id, newSeal.matters);
  await insertGrants(tx, id, matters.map(buildOpenGrant));
  acts.push(...matters.map((matterId) => ({ ...actFields, event: 'GRANTED' as const, matterId })));
  if (acts.length > 0) await store.recordSealActs(tx, id, acts, at);
}

/** Inserts a seal with its first keys, or reopens an ended seal under its id with the next generation of keys. */
export async function insertOrReopenSeal(
  tx: Transaction,
  deps: PkiDependencies,
  { organ, organName, kind }: Omit<NewSeal, 'matters'>,
  keys: SealKeys,
  { at, ...columns }: Pick<store.SealRow, 'state' | 'filingNumber'> & { requiredSince?: Date; at: Date },
): Promise<void> {
  const id = sealIdOf(organ, kind);
  const period = computeValidity('seal', at);
  if (await store.lockSeal(tx, id)) await store.setSeal(tx, id, { ...columns, ...period });
  else {
    const name = `${organName}${KIND_NAMES[kind]}`;
    await store.insertSeal(tx, { id, organ, name, kind, suite: KEY_SUITE, requiredSince: null, ...columns, ...period });
  }
  await addGeneration(tx, deps, { id, name: `${organName}${KIND_NAMES[kind]}`, kind }, keys, period);
}

type SealName = Pick<store.SealRow, 'id' | 'name' | 'kind'>;
type ValidityPeriod = Pick<store.SealRow, 'validFrom' | 'validUntil'>;

/**
 * Adds the next generation of a seal's keys, with a certificate for each. It signs once the transaction has committed.
 */
export async function addGeneration(
  tx: Transaction,
  { signer }: PkiDependencies,
  seal: SealName,
  { key, codeKey }: SealKeys,
  period: ValidityPeriod,
): Promise<void> {
  const issuing = getAuthority(await findAuthorities(tx), 'issuing');
  const organisation = organNameOf(seal);
  const sealCertificatePem = await certify(signer, issuing, {
    profile: 'seal',
    subject: { organisation, unit: ROOT_NAME.unit, commonName: `${seal.name}（测试）` },
    publicKeyPem: key.publicKeyPem,
    ...period,
  });
  const generation = (await listGenerations(tx, seal.id)).length + 1;
  const keyColumns = { sealId: seal.id, generation, above: null, encryptedKey: key.encrypted };
  await insertCertificate(tx, { ...keyColumns, certificatePem: sealCertificatePem });
  await addCodeKey(tx, signer, issuing, { ...seal, ...period }, codeKey);
}

/** Adds a seal's next key for QR codes (二维码). Its certificate has the organ and the validity of the seal. */
async function addCodeKey(
  tx: Transaction,
  signer: Signer,
  issuing: AuthorityRow,
  { id, name, kind, validFrom, validUntil }: SealName & ValidityPeriod,
  { publicKeyPem, encrypted }: GuardedKey,
): Promise<void> {
  const organisation = organNameOf({ name, kind });
  const subject = { organisation, unit: ROOT_NAME.unit, commonName: `${name}二维码（测试）` };
  const certificatePem = await certify(signer, issuing, {
    profile: 'code',
    subject,
    publicKeyPem,
    validFrom,
    validUntil,
  });
  const generation = (await listCodeKeys(tx, id)).length + 1;
  await insertCodeKey(tx, { sealId: id, generation, certificatePem, encryptedKey: encrypted });
}

/** Adds keys for QR codes to seals of earlier releases that have none. Safe if two processes start at once. */
export async function addMissingCodeKeys({ db, signer }: PkiDependencies): Promise<void> {
  await db.transaction(async (tx) => {
    await lockPki(tx);
    const issuing = getAuthority(await findAuthorities(tx), 'issuing');
    for (const seal of await listSealsWithoutCodeKey(tx)) {
      const keyId = codeKeyId(seal.id);
      await addCodeKey(tx, signer, issuing, seal, await signer.generate({ keyId, kind: 'P-256' }));
    }
  });
}
