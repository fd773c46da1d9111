import { hkdfSync } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import type { Transaction } from '../../../db/client.ts';
import { awaitEarlierEvents } from '../../kernel/events/outbox-store.ts';
import type { Parse } from '../../kernel/foreign/pool.ts';
import { readSurroundings } from '../../kernel/outgoing/http-client.ts';
import { requirePrintableText } from '../../kernel/pdf/document.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { openPersonSigning, type PersonSigning } from '../../kernel/sealing/signing-workflow.ts';
import { requireLine } from '../../kernel/text.ts';
import type { Case } from '../case.ts';
import { grantStream } from '../decision/store.ts';
import { decideCase } from '../decision/workflow.ts';
import type { PARSERS } from '../parsers.ts';
import type { ProposalContents } from '../proposal/proposal.ts';
import { MAX_NAME_CHARS } from '../reception/name.ts';
import { messages } from '../store.ts';
import { act, type CaseCommand, pause, resume, sendBack, type WorkflowDependencies } from '../workflow.ts';
import { type ListedMaterial, listMaterialsFor } from './material-workflow.ts';
import {
  digestOf,
  MAX_CLOCK_SKEW_SECONDS,
  type PlatformMessage,
  parseSignature,
  personOf,
  requireValidSignature,
} from './message.ts';
import { type Platform, parsePublicKey, requireAtOrgan, requirePeriod, requireRoom, requireUrl } from './platform.ts';
import * as store from './store.ts';

export interface PlatformDependencies extends WorkflowDependencies {
  parse: Parse<typeof PARSERS>;
  /** Hosts in private networks to which news may go. */
  platformHosts?: readonly string[] | undefined;
  /** Called with faults and with the error of each failed delivery. */
  onError?: (error: unknown) => void;
}

/** The protocols, by version. A platform chooses one with each message, by its address. */
export const PROTOCOLS = {
  1: { path: '/cases/platform/v1/messages', parser: 'parseMessage' },
  2: { path: '/cases/platform/v2/messages', parser: 'parseMessageV2' },
} as const;
export type Protocol = (typeof PROTOCOLS)[keyof typeof PROTOCOLS];

/** Returns the URL to which platforms send their messages. They sign it as `aud`. */
export function audienceOf(
  { publicUrl }: Pick<PlatformDependencies, 'publicUrl'>,
  { path }: Protocol = PROTOCOLS[1],
): string {
  return `${publicUrl.replace(/(?<!\/)\/+$/, '')}${path}`;
}

const SECRET_BYTES = 32;

/**
 * Returns the secret with which a platform verifies the hub's messages (HMAC-SHA-256).
 * It is derived from the key of cases, so it is in no database.
 * Only the person who approves it sees it.
 */
export function secretOf({ derivationKey }: WorkflowDependencies, { id, secretVersion }: Platform): Uint8Array {
  const info = `tongquan approval platform ${id} ${secretVersion}`;
  return new Uint8Array(hkdfSync('sha256', derivationKey, '', info, SECRET_BYTES));
}

/** A platform as an approved proposal left it. */
export interface PlatformResult {
  platform: Platform;
  /** base64url, or null if no secret was created. */
  secret: string | null;
}

/**
 * Registers the platform of a city organ, as an approved proposal.
 * Refuses ORGAN_UNKNOWN, PLATFORM_EXISTS, KEY_UNFIT, KEY_TAKEN, FIELD_MALFORMED, FIELD_TOO_LONG.
 */
export async function registerPlatform(
  tx: Transaction,
  deps: PlatformDependencies,
  { organ, name, url, publicKey }: ProposalContents['REGISTER_PLATFORM'],
  at: Date,
): Promise<PlatformResult> {
  const isCityOrgan = await store.isCityOrgan(tx, organ);
  checkAll(
    () => requireLine(name, MAX_NAME_CHARS, 'name'),
    () => requireUrl(url, deps.platformHosts ?? [], readSurroundings()),
    () => parsePublicKey(publicKey),
    () => {
      if (!isCityOrgan) throw new Refusal('ORGAN_UNKNOWN', 'organ');
    },
  );
  const x = parsePublicKey(publicKey);
  const id = crypto.randomUUID();
  const isInserted = await store.insertPlatform(tx, { id, organ, name, url, secretVersion: 1, registeredAt: at });
  if (!isInserted) throw new Refusal('PLATFORM_EXISTS', 'organ');
  await putKey(tx, id, { x, validFrom: at, validTo: null });
  const platform = await requirePlatform(tx, id);
  return { platform, secret: showSecret(deps, platform) };
}

/** Changes a platform's name and URL, and its secret if `renewSecret` is set, as an approved proposal. */
export async function changePlatform(
  tx: Transaction,
  deps: PlatformDependencies,
  { id, name, url, renewSecret }: ProposalContents['CHANGE_PLATFORM'],
): Promise<PlatformResult> {
  const current = await lockPlatform(tx, id);
  checkAll(
    () => name !== null && requireLine(name, MAX_NAME_CHARS, 'name'),
    () => url !== null && requireUrl(url, deps.platformHosts ?? [], readSurroundings()),
  );
  await store.updatePlatform(tx, id, {
    name: name ?? current.name,
    url: url ?? current.url,
    secretVersion: current.secretVersion + (renewSecret ? 1 : 0),
  });
  const platform = await requirePlatform(tx, id);
  return { platform, secret: renewSecret ? showSecret(deps, platform) : null };
}

/** Adds a key to a platform, as an approved proposal. Refuses KEY_UNFIT, KEY_TAKEN, KEYS_TOO_MANY, FIELD_MALFORMED. */
export async function addKey(
  tx: Transaction,
  { id, publicKey, ...period }: ProposalContents['ADD_PLATFORM_KEY'],
  at: Date,
): Promise<Platform> {
  requireRoom(await lockPlatform(tx, id), at);
  const validFrom = readTime(period.validFrom) ?? at;
  const validTo = readTime(period.validTo);
  checkAll(
    () => parsePublicKey(publicKey),
    () => requirePeriod(validFrom, validTo, at),
  );
  const x = parsePublicKey(publicKey);
  await putKey(tx, id, { x, validFrom, validTo });
  return requirePlatform(tx, id);
}

/**
 * Ends a key, at once or later, as an approved proposal.
 * Refuses KEY_UNKNOWN, KEY_NOT_IN_FORCE if it has ended, FIELD_MALFORMED.
 */
export async function endKey(
  tx: Transaction,
  { id, kid, ...ending }: ProposalContents['END_PLATFORM_KEY'],
  at: Date,
): Promise<Platform> {
  const { keys } = await lockPlatform(tx, id);
  const key = keys.find((candidate) => candidate.kid === kid);
  if (!key) throw new Refusal('KEY_UNKNOWN', 'key');
  if (key.validTo !== null && key.validTo <= at) throw new Refusal('KEY_NOT_IN_FORCE', 'key');
  const validTo = readTime(ending.validTo);
  if (validTo !== null && validTo < at) throw new Refusal('FIELD_MALFORMED', 'validTo');
  await store.endKey(tx, kid, validTo ?? at);
  return requirePlatform(tx, id);
}

/** Removes a platform, as an approved proposal. Its organ then works on the hub itself. */
export async function removePlatform(tx: Transaction, id: string, at: Date): Promise<Platform> {
  await lockPlatform(tx, id);
  await store.updatePlatform(tx, id, { removedAt: at });
  return requirePlatform(tx, id);
}

function readTime(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}

async function putKey(tx: Transaction, id: string, key: { x: string; validFrom: Date; validTo: Date | null }) {
  const kid = await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x: key.x });
  if (!(await store.insertKey(tx, id, { kid, ...key }))) throw new Refusal('KEY_TAKEN', 'publicKey');
}

async function lockPlatform(tx: Transaction, id: string): Promise<Platform> {
  const platform = await store.lockPlatform(tx, id);
  if (!platform) throw new Refusal('PLATFORM_UNKNOWN', 'platform');
  return platform;
}

async function requirePlatform(tx: Transaction, id: string): Promise<Platform> {
  const platform = await store.findPlatform(tx, id);
  if (!platform) throw new Error(`no platform ${id}`);
  return platform;
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
  protocol: Protocol,
): Promise<Answer> {
  const at = deps.now();
  const signature = parseSignature(header);
  const platform = await store.findPlatformByKey(deps.db, signature.kid);
  const key = platform?.keys.find(({ kid }) => kid === signature.kid) ?? null;
  await requireValidSignature(signature, key, body, { audience: audienceOf(deps, protocol), now: at });
  if (!platform) throw new Refusal('KEY_UNKNOWN');
  const message = await deps.parse(protocol.parser, body);
  const digest = digestOf(body);
  const signing = await openPersonSigning(deps.personSigning, null, { input: null, dryRun: false });
  const { isRepeated = false, ...answer } = await deps.db.transaction<Answer & { isRepeated?: true }>(async (tx) => {
    const storedMessage = await store.lockMessage(tx, platform.id, message.id);
    if (storedMessage && storedMessage.digest !== digest) throw new Refusal('MESSAGE_CONFLICT', 'id');
    if (storedMessage) return { status: storedMessage.status, body: storedMessage.answer, isRepeated: true };
    if (!(await store.holdPlatform(tx, platform.id))) throw new Refusal('KEY_UNKNOWN');
    const { id, type, caseNumber } = message;
    const outcome = await handleMessage(tx, { ...deps, signing }, platform, message, at);
    const evidence = { platformId: platform.id, id, type, caseNumber, kid: signature.kid, digest, raw: body };
    await store.insertMessage(tx, { ...evidence, signature: signature.jws, receivedAt: at, ...outcome });
    return { status: outcome.status, body: outcome.answer };
  });
  const caseId = isRepeated ? await store.findCaseId(deps.db, message.caseNumber) : null;
  if (caseId !== null) await awaitEarlierEvents(deps.db, messages, grantStream(caseId));
  return answer;
}

/** A platform brings no signature of its person, so it cannot decide where the organ needs one. */
type MessageDependencies = PlatformDependencies & { signing: PersonSigning };

type MessageOutcome = Pick<store.StoredMessage, 'verdict' | 'stepSeq' | 'status' | 'answer'>;

/** Performs what a message asks for within a savepoint. A refusal rolls that back and becomes the stored answer. */
async function handleMessage(
  tx: Transaction,
  deps: MessageDependencies,
  platform: Platform,
  message: PlatformMessage,
  at: Date,
): Promise<MessageOutcome> {
  const { id, caseNumber } = message;
  try {
    const done = await tx.transaction((inner) => perform(inner, deps, platform, message, at));
    const { subject, moved: hasMoved, ...content } = done;
    const { step, result } = subject;
    const answer = { id, outcome: 'DONE', caseNumber, step, result, at: at.toISOString(), ...content };
    return {
      verdict: 'DONE',
      stepSeq: hasMoved ? subject.steps.length : null,
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
  deps: MessageDependencies,
  platform: Platform,
  message: PlatformMessage,
  at: Date,
): Promise<{ subject: Case; moved: boolean; materials?: ListedMaterial[] }> {
  if (message.organ !== platform.organ) throw new Refusal('ORGAN_WITHOUT_POWER', 'organ');
  if (Date.parse(message.at) > at.getTime() + MAX_CLOCK_SKEW_SECONDS * 1000) throw new Refusal('FIELD_MALFORMED', 'at');
  const person = personOf(platform.id, platform.organ, message);
  requireLine(person.name, MAX_NAME_CHARS, 'by.name');
  requirePrintableText(person.name, { field: 'by.name' });
  const caseId = await store.findCaseId(tx, message.caseNumber);
  if (caseId === null) throw new Refusal('CASE_UNKNOWN', 'caseNumber');
  const innerDeps = { ...deps, db: tx };
  const command = { actor: person, id: caseId, dryRun: false };
  const toMovedResult = (subject: Case) => ({ subject, moved: true });
  switch (message.type) {
    case 'RECEIVED':
      return { subject: await recordReceived(innerDeps, command, platform), moved: false };
    case 'MATERIALS': {
      const subject = await act(innerDeps, command, async (_, current) => {
        requireAtOrgan(current, platform.organ);
        return current;
      });
      const materials = await listMaterialsFor(tx, deps, platform, message, { caseId, at });
      return { subject, moved: false, materials };
    }
    case 'SENT_BACK':
      return toMovedResult(await sendBack(innerDeps, command, message.reason));
    case 'PAUSED':
      return toMovedResult(await pause(innerDeps, command, message));
    case 'RESUMED':
      return toMovedResult(await resume(innerDeps, command, message.note));
    case 'DECIDED':
      return toMovedResult(await decideCase(innerDeps, command, message, deps.signing));
  }
}

/** 签收: records that the case has reached the platform's staff. Only the first time counts. The case does not move. */
function recordReceived(deps: PlatformDependencies, command: CaseCommand, { id, organ }: Platform): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    requireAtOrgan(subject, organ);
    await store.putReceived(tx, subject.id, id, at);
    return subject;
  });
}
