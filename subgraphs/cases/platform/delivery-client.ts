import { CompactSign } from 'jose';
import { z } from 'zod';
import type { Database } from '../../../db/client.ts';
import type { Envelope } from '../../kernel/events/events.ts';
import type { DeliverEvent } from '../../kernel/events/relay.ts';
import { type HttpAnswer, type HttpRequest, parseJson, sendRequest } from '../../kernel/outgoing/http-client.ts';
import { buildHandOver } from '../../kernel/privacy/reading.ts';
import { addReading } from '../../kernel/privacy/reading-store.ts';
import { PeerError } from '../../kernel/refusal.ts';
import { reading } from '../reading/tables.ts';
import { SIGNATURE_HEADER } from './message.ts';
import type { Platform } from './platform.ts';
import { CONSUMER, findPlatform, NOT_DELIVERED_RECEIPT } from './store.ts';
import { type PlatformDependencies, secretOf } from './workflow.ts';

/** Longest wait for a platform. */
const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 16_384;
const MAX_RECEIPT_CHARS = 200;

const answerSchema = z.object({ receipt: z.string().min(1).max(MAX_RECEIPT_CHARS) });

/**
 * Returns the function that delivers the news of a case to the platform that has the case.
 * It throws, so that it is called again, until the platform returns its receipt.
 */
export function createPlatformDelivery(deps: PlatformDependencies & { db: Database }): DeliverEvent {
  return async (event, signal) => {
    if (event.type !== 'ForwardedCaseChanged') throw new Error(`platforms take no ${event.type}`);
    const platform = await findPlatform(deps.db, event.payload.platformId);
    if (!platform || platform.removedAt !== null) return NOT_DELIVERED_RECEIPT;
    const body = JSON.stringify(writeNews(event));
    await recordHandOver(deps, platform, event);
    const signature = await sign(body, platform, secretOf(deps, platform), deps.now());
    const reach = { by: 'PERSON', listedHosts: deps.platformHosts ?? [] } as const;
    const reply = await post(platform.url, body, signature, { reach, signal });
    if (reply.status !== 200) throw new PeerError(`审批平台答复 HTTP ${reply.status}`);
    const answerResult = answerSchema.safeParse(parseJson(reply.bytes));
    if (!answerResult.success) throw new PeerError('审批平台没有返回回执');
    return answerResult.data.receipt;
  };
}

/** Records that the platform gets the news. Once, however often it is sent. */
async function recordHandOver({ db, now }: PlatformDependencies, platform: Platform, event: News): Promise<void> {
  const { caseId, caseNumber, applicant } = event.payload;
  const { id: readerId, name: reader, organ } = platform;
  const handOver = buildHandOver(
    { readerId: `platform:${readerId}`, reader, organ, purpose: 'DECISION' },
    { subject: caseId, number: caseNumber, holderCode: applicant.code },
    { object: 'PLATFORM_MESSAGE', objectId: String(event.revision), at: now() },
    `${CONSUMER} ${event.stream} ${event.revision}`,
  );
  await addReading(db, reading, handOver);
}

type News = Extract<Envelope, { type: 'ForwardedCaseChanged' }>;

/** Returns the news as it is sent. (caseNumber, revision) identifies it. */
function writeNews({ revision, payload }: News): object {
  const { platformId: _platform, caseId: _id, ...news } = payload;
  return { revision, ...news };
}

/** Returns a detached JWS with HS256 over the body. `kid` names the secret, `aud` is the URL of the platform. */
async function sign(body: string, { id, secretVersion, url }: Platform, secret: Uint8Array, at: Date): Promise<string> {
  const header = { alg: 'HS256', kid: `${id}.${secretVersion}`, iat: Math.floor(at.getTime() / 1000), aud: url };
  const jws = await new CompactSign(Buffer.from(body)).setProtectedHeader(header).sign(secret);
  const [protectedHeader, , signature] = jws.split('.');
  return `${protectedHeader}..${signature}`;
}

/** Throws an error whose text may be shown: it is kept as the reason why the news waits. */
async function post(
  url: string,
  body: string,
  signature: string,
  options: Pick<HttpRequest, 'reach' | 'signal'>,
): Promise<HttpAnswer> {
  const headers = { 'content-type': 'application/json', accept: 'application/json', [SIGNATURE_HEADER]: signature };
  const limits = { timeoutMs: TIMEOUT_MS, maxAnswerBytes: MAX_ANSWER_BYTES };
  return sendRequest(url, { ...options, headers, body, ...limits }).catch((error: Error) => {
    throw new PeerError(`审批平台无法连接：${error.message}`, { cause: error });
  });
}
