import { z } from 'zod';
import type { Database, Transaction } from '../../../../db/client.ts';
import type { Clock } from '../../../kernel/day.ts';
import { daySchema } from '../../../kernel/day-schema.ts';
import { type Envelope, sha256 } from '../../../kernel/events/events.ts';
import { awaitEarlierEvents, Rejection } from '../../../kernel/events/outbox-store.ts';
import { parseForeignJson } from '../../../kernel/foreign/json.ts';
import { readSurroundings } from '../../../kernel/outgoing/http-client.ts';
import { buildHandOver } from '../../../kernel/privacy/reading.ts';
import { addReading } from '../../../kernel/privacy/reading-store.ts';
import { PeerError, Refusal } from '../../../kernel/refusal.ts';
import { MAX_INPUT_ID_CHARS, MAX_INPUT_TEXT_CHARS, requireLine, requireTextForm } from '../../../kernel/text.ts';
import { reading } from '../../reading/tables.ts';
import { subjectOf } from '../../reading/workflow.ts';
import { findCases, messages } from '../../store.ts';
import { findRequest, orderStream } from '../store.ts';
import { FINDING_KINDS } from '../supervision.ts';
import { createFinding, recordDelivery } from '../workflow.ts';
import { post } from './post-client.ts';
import * as store from './store.ts';
import {
  type ClaimedMessage,
  ID_HEADER,
  parseHeaders,
  requireValidSignature,
  requireWebhookUrl,
  SIGNATURE_HEADER,
  secretOf,
  showSecret,
  TIMESTAMP_HEADER,
  WEBHOOK_HEADER,
  writeSignature,
} from './webhook.ts';

export interface WebhookDependencies {
  db: Database;
  now: Clock;
  derivationKey: Uint8Array;
  /** Hosts in private networks to which a webhook may go. */
  webhookHosts?: readonly string[] | undefined;
}

/** A registration with its secret. The secret is shown only this once. */
export interface RegistrationResult {
  webhook: store.WebhookRow;
  secret: string;
}

/**
 * Registers the URL where an organ's supervision system receives pushes, as an approved proposal.
 * A previous registration of the organ ends, together with its secret.
 * Pushes that have not reached the organ go to the new URL.
 * Refuses WEBHOOK_URL_REFUSED, ORGAN_UNKNOWN.
 */
export async function registerWebhook(
  tx: Transaction,
  { derivationKey, webhookHosts = [] }: Pick<WebhookDependencies, 'derivationKey' | 'webhookHosts'>,
  registration: { organ: string; url: string },
  registeredBy: string,
  at: Date,
): Promise<RegistrationResult> {
  const { href: url } = requireWebhookUrl(registration.url, webhookHosts, readSurroundings());
  const { organ } = registration;
  if (!(await store.isOrganKnown(tx, organ))) throw new Refusal('ORGAN_UNKNOWN', 'organ');
  await store.lockOrgan(tx, organ);
  await store.endWebhook(tx, organ, at);
  const id = crypto.randomUUID();
  const webhook = await store.insertWebhook(tx, { id, organ, url, registeredBy, registeredAt: at });
  await store.requeueOpenPushes(tx, organ);
  return { webhook, secret: showSecret(secretOf(derivationKey, id)) };
}

/** Ends an organ's webhook, as an approved proposal. The organ's inbox continues. Refuses WEBHOOK_UNKNOWN. */
export async function removeWebhook(tx: Transaction, organ: string, at: Date): Promise<store.WebhookRow> {
  await store.lockOrgan(tx, organ);
  const endedWebhook = await store.endWebhook(tx, organ, at);
  if (!endedWebhook) throw new Refusal('WEBHOOK_UNKNOWN', 'organ');
  return endedWebhook;
}

const receiptAnswer = z.object({ receipt: z.string().regex(/^[\x21-\x7e]{1,128}$/) });
/** HTTP statuses with which a system refuses this very message for ever. After any other fault it is sent again. */
const PERMANENT_STATUSES = new Set([400, 409, 410, 413, 422]);

/**
 * Delivers one push to its supervisor's system and stores the receipt.
 * Throws an error to be called again, or Rejected to wait for the office.
 */
export async function deliverPush(
  deps: WebhookDependencies,
  event: Envelope,
  signal: AbortSignal,
): Promise<string | null> {
  if (event.type !== 'ApprovalPushed') throw new Rejection(`a supervisor takes no ${event.type}`);
  const { payload } = event;
  const webhook = await store.findWebhookOf(deps.db, payload.supervisor);
  // The webhook was removed meanwhile, so the push is not delivered. The inbox has it; the next registration sends it
  // again.
  if (!webhook) throw new Rejection('监管系统的推送地址已撤销');
  const body = JSON.stringify({ type: event.type, timestamp: event.occurredAt, data: payload });
  const at = deps.now();
  const message = { id: payload.pushId, timestamp: Math.floor(at.getTime() / 1000), body };
  const headers = {
    [WEBHOOK_HEADER]: webhook.id,
    [ID_HEADER]: message.id,
    [TIMESTAMP_HEADER]: String(message.timestamp),
    [SIGNATURE_HEADER]: writeSignature(secretOf(deps.derivationKey, webhook.id), message),
  };
  await recordHandOver(deps, webhook, event);
  const answer = await post(webhook.url, headers, body, deps.webhookHosts ?? [], signal);
  if (PERMANENT_STATUSES.has(answer.status)) throw new Rejection(`监管系统拒收：HTTP ${answer.status}`);
  if (answer.status < 200 || answer.status > 299) throw new PeerError(`监管系统：HTTP ${answer.status}`);
  const { receipt } = readReceipt(answer.body);
  await deps.db.transaction((tx) => recordDelivery(tx, payload.pushId, receipt, deps.now()));
  return receipt;
}

/** Records that a supervisor's system gets the push. Once, however often it is sent. */
async function recordHandOver({ db, now }: WebhookDependencies, webhook: store.WebhookRow, event: Push): Promise<void> {
  const { caseId, pushId } = event.payload;
  await db.transaction(async (tx) => {
    const [stored] = await findCases(tx, [caseId]);
    if (!stored) throw new Error(`no case ${caseId}`);
    const { organ } = webhook;
    const handOver = buildHandOver(
      { readerId: `system:${organ}`, reader: '监管系统', organ, purpose: 'SUPERVISION' },
      subjectOf(stored.subject),
      { object: 'PUSH', objectId: pushId, at: now() },
      `${store.CONSUMER} ${event.stream} ${event.revision}`,
    );
    await addReading(tx, reading, handOver);
  });
}

type Push = Extract<Envelope, { type: 'ApprovalPushed' }>;

function readReceipt(body: string): z.infer<typeof receiptAnswer> {
  try {
    return receiptAnswer.parse(parseForeignJson(body));
  } catch {
    throw new PeerError('监管系统没有给出回执编号');
  }
}

const MAX_SENDER_CHARS = 100;

/** A finding as a supervisor's system sends it. */
const findingMessage = z.strictObject({
  type: z.literal('finding'),
  data: z.strictObject({
    push: z.string().max(64).nullish(),
    case: z.string().max(64).nullish(),
    kind: z.enum(FINDING_KINDS),
    text: z.string().max(2_000),
    papers: z.array(z.string().max(64)).max(100).default([]),
    dueOn: daySchema.nullish(),
    /** The person or system that found it, for the record. */
    by: z.string(),
  }),
});

type FindingMessage = z.infer<typeof findingMessage>;

export interface MessageAnswer {
  status: number;
  answer: object;
}

/**
 * Handles a message of a supervisor's system. The same id with the same body gets the first answer again, even a
 * refusal.
 * The same id with another body is refused (MESSAGE_CONFLICT). A message without a valid signature is not stored.
 */
export async function takeMessage(
  { db, now, derivationKey }: WebhookDependencies,
  headers: Record<string, string | string[] | undefined>,
  body: string,
): Promise<MessageAnswer> {
  const message = parseHeaders(headers, body);
  const { repeats = null, ...first } = await db.transaction<MessageAnswer & { repeats?: store.WebhookRow }>(
    async (tx) => {
      const webhook = await store.holdWebhook(tx, message.webhook);
      if (!webhook) throw new Refusal('SIGNATURE_INVALID');
      const at = now();
      requireValidSignature(message, secretOf(derivationKey, webhook.id), at);
      const storedMessage = await store.lockMessage(tx, webhook.id, message.id);
      const bodyDigest = sha256(body);
      if (storedMessage && storedMessage.bodyDigest !== bodyDigest) throw new Refusal('MESSAGE_CONFLICT');
      if (storedMessage) return { status: storedMessage.status, answer: storedMessage.answer, repeats: webhook };
      const answer = await answerMessage(tx, webhook, message, at);
      const { id: webhookId } = webhook;
      await store.insertMessage(tx, { webhookId, messageId: message.id, bodyDigest, ...answer, receivedAt: at });
      return answer;
    },
  );
  const finding = repeats === null ? null : await findRequest(db, repeats.organ, requestKeyOf(repeats, message));
  if (finding?.licenseNumber) await awaitEarlierEvents(db, messages, orderStream(finding.licenseNumber));
  return first;
}

const requestKeyOf = (webhook: store.WebhookRow, { id }: ClaimedMessage) => sha256(`${webhook.id}/${id}`);

async function answerMessage(
  tx: Transaction,
  webhook: store.WebhookRow,
  message: ClaimedMessage,
  at: Date,
): Promise<MessageAnswer> {
  try {
    // A savepoint: a refusal rolls back the finding, but not the record of the message.
    return await tx.transaction(async (inner) => {
      const { data } = readFinding(message.body);
      requireTexts(data);
      const { push = null, case: caseId = null, dueOn = null, kind, text, papers } = data;
      const sender = { actorId: `system:${webhook.organ}`, actor: data.by, organ: webhook.organ };
      const request = {
        push,
        case: caseId,
        kind,
        text,
        papers,
        dueOn,
        requestKey: requestKeyOf(webhook, message),
      };
      const newFinding = await createFinding(inner, sender, request, at);
      return { status: 200, answer: { finding: newFinding.id, state: newFinding.state, receipt: newFinding.id } };
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code, message: sentence, field } = error;
    return { status: 422, answer: { code, message: sentence, field } };
  }
}

/**
 * Checks the texts of a finding as the edge checks those of a mutation, before any of them is digested or looked up.
 * Refuses FIELD_TOO_LONG, FIELD_MALFORMED.
 */
function requireTexts({ by, text, push, case: caseId, papers }: FindingMessage['data']): void {
  requireLine(by, MAX_SENDER_CHARS, 'by');
  requireTextForm(text, { form: 'LINES', maxChars: MAX_INPUT_TEXT_CHARS }, 'text');
  const lines: [string, string][] = papers.map((paper) => ['papers', paper]);
  for (const [field, line] of [['push', push ?? ''], ['case', caseId ?? ''], ...lines] as const)
    requireTextForm(line, { form: 'LINE', maxChars: MAX_INPUT_ID_CHARS }, field);
}

function readFinding(body: string): FindingMessage {
  try {
    return findingMessage.parse(parseForeignJson(body));
  } catch {
    throw new Refusal('MESSAGE_MALFORMED');
  }
}
