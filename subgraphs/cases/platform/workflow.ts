import { hkdfSync } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { type Transaction, transact } from '../../../db/client.ts';
import { type Actor, requireRole } from '../../kernel/actor.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { NAME_LENGTH, requireLine } from '../application.ts';
import type { Case } from '../case.ts';
import { type Acting, act, decideCase, pause, resume, sendBack, type WorkflowDependencies } from '../workflow.ts';
import {
  digestOf,
  FRESH_SECONDS,
  type PlatformMessage,
  personOf,
  readMessage,
  readSignature,
  requireSigned,
} from './message.ts';
import { type Platform, readPublicKey, requireAtOrgan, requirePeriod, requireRoom, requireUrl } from './platform.ts';
import * as store from './store.ts';

export interface PlatformDependencies extends WorkflowDependencies {
  /** The public URL of the gateway. */
  publicUrl: string;
  /** Called with faults and with the error of each failed delivery. */
  onError?: (error: unknown) => void;
}

/** Returns the URL to which platforms send their messages. They sign it as `aud`. */
export function audienceOf({ publicUrl }: Pick<PlatformDependencies, 'publicUrl'>): string {
  return `${publicUrl.replace(/\/+$/, '')}${MESSAGES_PATH}`;
}

export const MESSAGES_PATH = '/cases/platform/v1/messages';
const SECRET_BYTES = 32;

/**
 * Returns the secret with which a platform verifies the hub's messages (HMAC-SHA-256).
 * It is derived from the key of cases, so it is in no database.
 * Only the administrator who creates it sees it.
 */
export function secretOf({ authorisationKey }: WorkflowDependencies, { id, secretVersion }: Platform): Uint8Array {
  const info = `tongquan approval platform ${id} ${secretVersion}`;
  return new Uint8Array(hkdfSync('sha256', authorisationKey, '', info, SECRET_BYTES));
}

export interface Registration {
  organ: string;
  name: string;
  url: string;
  /** Ed25519, SPKI PEM or JWK. */
  publicKey: string;
}

/** The result of a registration. `secret` is base64url, or null if none was created or in a dry run. */
export interface Registered {
  platform: Platform;
  secret: string | null;
}

/**
 * Registers the platform of a city organ. Only for administrators.
 * Refuses ROLE_NOT_ALLOWED, ORGAN_UNKNOWN, PLATFORM_EXISTS, KEY_UNFIT, KEY_TAKEN, FIELD_MALFORMED, FIELD_TOO_LONG.
 */
export function register(
  deps: PlatformDependencies,
  actor: Actor,
  { organ, name, url, publicKey }: Registration,
  dryRun: boolean,
): Promise<Registered> {
  return transact(deps.db, dryRun, async (tx) => {
    requireRole(actor, 'ADMINISTRATOR');
    requireLine(name, NAME_LENGTH, 'name');
    requireUrl(url);
    const x = readPublicKey(publicKey);
    if (!(await store.isCityOrgan(tx, organ))) throw new Refusal('ORGAN_UNKNOWN', 'organ');
    const at = deps.now();
    const id = crypto.randomUUID();
    const made = await store.insertPlatform(tx, { id, organ, name, url, secretVersion: 1, registeredAt: at });
    if (!made) throw new Refusal('PLATFORM_EXISTS', 'organ');
    await putKey(tx, id, { x, validFrom: at, validTo: null });
    const platform = await requirePlatform(tx, id);
    return { platform, secret: dryRun ? null : showSecret(deps, platform) };
  });
}

/** Changes a platform's name and URL, and its secret if `renewSecret` is set. Only for administrators. */
export function change(
  deps: PlatformDependencies,
  actor: Actor,
  { id, name, url, renewSecret }: { id: string; name: string | null; url: string | null; renewSecret: boolean },
  dryRun: boolean,
): Promise<Registered> {
  return transact(deps.db, dryRun, async (tx) => {
    const before = await requireChangeable(tx, actor, id);
    if (name !== null) requireLine(name, NAME_LENGTH, 'name');
    if (url !== null) requireUrl(url);
    await store.updatePlatform(tx, id, {
      name: name ?? before.name,
      url: url ?? before.url,
      secretVersion: before.secretVersion + (renewSecret ? 1 : 0),
    });
    const platform = await requirePlatform(tx, id);
    return { platform, secret: renewSecret && !dryRun ? showSecret(deps, platform) : null };
  });
}

/** Adds a key to a platform. Only for administrators. Refuses KEY_UNFIT, KEY_TAKEN, KEYS_TOO_MANY, FIELD_MALFORMED. */
export function addKey(
  { db, now }: PlatformDependencies,
  actor: Actor,
  {
    id,
    publicKey,
    validFrom,
    validTo,
  }: { id: string; publicKey: string; validFrom: Date | null; validTo: Date | null },
  dryRun: boolean,
): Promise<Platform> {
  return transact(db, dryRun, async (tx) => {
    const at = now();
    requireRoom(await requireChangeable(tx, actor, id), at);
    const x = readPublicKey(publicKey);
    requirePeriod(validFrom ?? at, validTo, at);
    await putKey(tx, id, { x, validFrom: validFrom ?? at, validTo });
    return requirePlatform(tx, id);
  });
}

/**
 * Ends a key, at once or later. Only for administrators.
 * Refuses KEY_UNKNOWN, KEY_NOT_IN_FORCE if it has ended, FIELD_MALFORMED.
 */
export function endKey(
  { db, now }: PlatformDependencies,
  actor: Actor,
  { id, kid, validTo }: { id: string; kid: string; validTo: Date | null },
  dryRun: boolean,
): Promise<Platform> {
  return transact(db, dryRun, async (tx) => {
    const at = now();
    const { keys } = await requireChangeable(tx, actor, id);
    const key = keys.find((one) => one.kid === kid);
    if (!key) throw new Refusal('KEY_UNKNOWN', 'key');
    if (key.validTo !== null && key.validTo <= at) throw new Refusal('KEY_NOT_IN_FORCE', 'key');
    if (validTo !== null && validTo < at) throw new Refusal('FIELD_MALFORMED', 'validTo');
    await store.endKey(tx, kid, validTo ?? at);
    return requirePlatform(tx, id);
  });
}

/** Removes a platform. Its organ then works on the hub itself. Only for administrators. */
export function remove(
  { db, now }: PlatformDependencies,
  actor: Actor,
  id: string,
  dryRun: boolean,
): Promise<Platform> {
  return transact(db, dryRun, async (tx) => {
    await requireChangeable(tx, actor, id);
    await store.updatePlatform(tx, id, { removedAt: now() });
    return requirePlatform(tx, id);
  });
}

async function putKey(tx: Transaction, id: string, key: { x: string; validFrom: Date; validTo: Date | null }) {
  const kid = await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x: key.x });
  if (!(await store.insertKey(tx, id, { kid, ...key }))) throw new Refusal('KEY_TAKEN', 'publicKey');
}

async function requireChangeable(tx: Transaction, actor: Actor, id: string): Promise<Platform> {
  requireRole(actor, 'ADMINISTRATOR');
  const found = await store.lockPlatform(tx, id);
  if (!found) throw new Refusal('PLATFORM_UNKNOWN', 'platform');
  return found;
}

async function requirePlatform(tx: Transaction, id: string): Promise<Platform> {
  const found = await store.findPlatform(tx, id);
  if (!found) throw new Error(`no platform ${id}`);
  return found;
}

function showSecret(deps: PlatformDependencies, platform: Platform): string {
  return Buffer.from(secretOf(deps, platform)).toString('base64url');
}

/** The answer to a platform's message. A repeated message gets the same answer. */
export interface Answer {
  status: number;
  /** JSON. */
  body: string;
}

/**
 * Handles a platform's message: checks signature and form, then performs the step that it asks for.
 * One transaction stores the step and the message. A repeated message gets the first answer again, refused or done.
 *
 * Throws a Refusal if nothing is stored: those of the signature and the form, and MESSAGE_CONFLICT.
 */
export async function takeMessage(
  deps: PlatformDependencies,
  header: string | string[] | undefined,
  body: Uint8Array,
): Promise<Answer> {
  const at = deps.now();
  const claimed = readSignature(header);
  const platform = await store.platformByKey(deps.db, claimed.kid);
  const key = platform?.keys.find(({ kid }) => kid === claimed.kid) ?? null;
  await requireSigned(claimed, key, body, { audience: audienceOf(deps), now: at });
  if (!platform) throw new Refusal('KEY_UNKNOWN');
  const message = readMessage(body);
  const digest = digestOf(body);
  return deps.db.transaction(async (tx) => {
    const known = await store.lockMessage(tx, platform.id, message.id);
    if (known && known.digest !== digest) throw new Refusal('MESSAGE_CONFLICT', 'id');
    if (known) return { status: known.status, body: known.answer };
    if (!(await store.holdPlatform(tx, platform.id))) throw new Refusal('KEY_UNKNOWN');
    const { id, type, caseNumber } = message;
    const judged = await judge(tx, deps, platform, message, at);
    const evidence = { platformId: platform.id, id, type, caseNumber, kid: claimed.kid, digest, raw: body };
    await store.insertMessage(tx, { ...evidence, signature: claimed.jws, receivedAt: at, ...judged });
    return { status: judged.status, body: judged.answer };
  });
}

type Judged = Pick<store.StoredMessage, 'verdict' | 'stepSeq' | 'status' | 'answer'>;

/** Performs what a message asks for within a savepoint. A refusal rolls that back and becomes the stored answer. */
async function judge(
  tx: Transaction,
  deps: PlatformDependencies,
  platform: Platform,
  message: PlatformMessage,
  at: Date,
): Promise<Judged> {
  const { id, caseNumber } = message;
  try {
    const { subject, moved } = await tx.transaction((inner) => perform(inner, deps, platform, message, at));
    const { step, result } = subject;
    const answer = { id, outcome: 'DONE', caseNumber, step, result, at: at.toISOString() };
    return {
      verdict: 'DONE',
      stepSeq: moved ? subject.steps.length : null,
      status: 200,
      answer: JSON.stringify(answer),
    };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code, message: sentence, field } = error;
    const answer = { id, outcome: 'REFUSED', code, message: sentence, field };
    return { verdict: 'REFUSED', stepSeq: null, status: REFUSED_STATUS, answer: JSON.stringify(answer) };
  }
}

const REFUSED_STATUS = 422;

/** Performs the step that a message asks for, by the same rules as for the organ's own staff at the hub. */
async function perform(
  tx: Transaction,
  deps: PlatformDependencies,
  platform: Platform,
  message: PlatformMessage,
  at: Date,
): Promise<{ subject: Case; moved: boolean }> {
  if (message.organ !== platform.organ) throw new Refusal('ORGAN_WITHOUT_POWER', 'organ');
  if (Date.parse(message.at) > at.getTime() + FRESH_SECONDS * 1000) throw new Refusal('FIELD_MALFORMED', 'at');
  const person = personOf(platform.id, platform.organ, message);
  requireLine(person.name, NAME_LENGTH, 'by.name');
  const caseId = await store.caseIdOf(tx, message.caseNumber);
  if (caseId === null) throw new Refusal('CASE_UNKNOWN', 'caseNumber');
  const inside = { ...deps, db: tx };
  const acting = { actor: person, id: caseId, dryRun: false };
  const moved = (subject: Case) => ({ subject, moved: true });
  switch (message.type) {
    case 'RECEIVED':
      return { subject: await noteReceived(inside, acting, platform), moved: false };
    case 'SENT_BACK':
      return moved(await sendBack(inside, acting, message.reason));
    case 'PAUSED':
      return moved(await pause(inside, acting, message));
    case 'RESUMED':
      return moved(await resume(inside, acting, message.note));
    case 'DECIDED':
      return moved(await decideCase(inside, acting, message));
  }
}

/** 签收: records that the case has reached the platform's staff. Only the first time counts. The case does not move. */
function noteReceived(deps: PlatformDependencies, acting: Acting, { id, organ }: Platform): Promise<Case> {
  return act(deps, acting, async (tx, subject, at) => {
    requireAtOrgan(subject, organ);
    await store.putReceived(tx, subject.id, id, at);
    return subject;
  });
}
