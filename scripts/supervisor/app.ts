import { createHash, randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { logFault } from '../../subgraphs/kernel/environment/log.ts';
import { createApp } from '../../subgraphs/kernel/http/http.ts';
import type { ConnectionLimits } from '../../subgraphs/kernel/limits/limits.ts';
import { OPERATOR } from '../../subgraphs/kernel/outgoing/address.ts';
import { sendRequest } from '../../subgraphs/kernel/outgoing/http-client.ts';
import { buildSignedHeaders, findRejectionReason, parseSecret } from './signature.ts';

/** A supervisor's system as `docs/supervision.md` requires: takes approval pushes, answers receipts, sends findings. */

export interface SupervisorOptions {
  /** The webhook id that `registerWebhook` returned. */
  webhook: string;
  secret: string;
  /** The hub's public address. */
  hubUrl: string;
  /** File of pushes and receipts, one JSON object per line. */
  ledgerPath: string;
  now: () => Date;
  /** The defaults if absent. */
  connections?: ConnectionLimits;
}

const push = z.object({
  type: z.literal('ApprovalPushed'),
  timestamp: z.string(),
  data: z.looseObject({ pushId: z.string(), supervisor: z.string(), caseNumber: z.string(), decision: z.string() }),
});
const entry = z.object({ id: z.string(), digest: z.string(), receipt: z.string(), push });
type Entry = z.infer<typeof entry>;

/** A supervisor's finding in the format that the hub accepts. */
export interface FindingMessage {
  push?: string;
  case?: string;
  kind: 'NOTICE' | 'RECTIFICATION' | 'SUSPENSION' | 'REVOCATION' | 'LIFTED';
  text: string;
  papers?: string[];
  dueOn?: string;
  by: string;
}

const BODY_LIMIT_BYTES = 65_536;
const SEND_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 65_536;

export interface Supervisor {
  /** The app; it does not listen yet. */
  app: FastifyInstance;
  /** Returns every push taken so far, oldest first. */
  listTaken(): readonly Entry[];
}

/** Opens the supervisor's system and loads its ledger. */
export function createSupervisor({ secret, ledgerPath, now, connections }: SupervisorOptions): Supervisor {
  const key = parseSecret(secret);
  const entries = new Map(readLedger(ledgerPath).map((ledgerEntry) => [ledgerEntry.id, ledgerEntry]));
  const app = createApp(logFault, { bodyLimit: BODY_LIMIT_BYTES, connections });
  app.removeAllContentTypeParsers();
  // The signature covers the bytes, so the body must be read unparsed.
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.post<{ Body: string | undefined }>('/pushes', async (request, reply) => {
    const body = request.body ?? '';
    const reason = findRejectionReason(key, request.headers, body, now());
    if (reason !== null) return reply.code(401).send({ message: reason });
    const parseResult = push.safeParse(parseJson(body));
    if (!parseResult.success) return reply.code(422).send({ message: '报文不符合格式要求' });
    const id = String(request.headers['webhook-id']);
    const digest = createHash('sha256').update(JSON.stringify(parseResult.data.data)).digest('hex');
    const earlierEntry = entries.get(id);
    if (earlierEntry && earlierEntry.digest !== digest)
      return reply.code(409).send({ message: '此报文编号已用于内容不同的报文' });
    if (earlierEntry) return { receipt: earlierEntry.receipt };
    const newEntry = { id, digest, receipt: `JG-${randomUUID()}`, push: parseResult.data };
    // Written to disk before the answer: a receipt that was sent must never be lost.
    appendFileSync(ledgerPath, `${JSON.stringify(newEntry)}\n`, { flush: true });
    entries.set(id, newEntry);
    return { receipt: newEntry.receipt };
  });
  return { app, listTaken: () => [...entries.values()] };
}

function readLedger(path: string): Entry[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => entry.parse(JSON.parse(line)));
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** Sends a finding to the hub. Returns status and answer. Sending the same `id` again returns the first answer. */
export async function sendFinding(
  { webhook, secret, hubUrl, now }: Omit<SupervisorOptions, 'ledgerPath'>,
  finding: FindingMessage,
  id?: string,
): Promise<{ status: number; answer: Record<string, unknown> }> {
  const body = JSON.stringify({ type: 'finding', data: finding });
  const { status, bytes } = await sendRequest(`${hubUrl}/cases/supervision/findings`, {
    reach: OPERATOR,
    headers: buildSignedHeaders(webhook, parseSecret(secret), body, now(), id),
    body,
    timeoutMs: SEND_TIMEOUT_MS,
    maxAnswerBytes: MAX_ANSWER_BYTES,
  });
  return { status, answer: JSON.parse(bytes.toString('utf8')) as Record<string, unknown> };
}
