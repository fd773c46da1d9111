import { z } from 'zod';
import { instantSchema } from '../day-schema.ts';
import type { SendEvent } from '../events/relay.ts';
import { OPERATOR } from '../outgoing/address.ts';
import { type HttpAnswer, sendRequest } from '../outgoing/http-client.ts';
import { REFUSALS, Refusal, type RefusalCode } from '../refusal.ts';
import { personSigningAnswer, type ReadPersonSigning } from '../sealing/person-signature.ts';
import { type ServiceIdentity, type ServiceReceiver, writeServiceToken } from '../sealing/service-token.ts';
import {
  type Attest,
  type AttestActs,
  base64Bytes,
  type EvidenceMaterial,
  type ReadEvidenceMaterial,
  type ReadPicture,
  type RecordReceipt,
  type Sign,
  type SignAnswer,
  type SignCode,
  type Stamp,
  signRequest,
} from '../sealing/sign.ts';

/** Calls between processes of the hub: events, the ports of seals, the signer. */

/** Maximum wait for the answer of another subgraph or of the signer. */
const SEND_TIMEOUT_MS = 10_000;
/** The largest answers are a picture of a seal and the material of a bundle, in base64. */
const MAX_ANSWER_BYTES = 33_554_432;

/** A process that calls another: what it proves itself by, and its clock. */
export interface ServiceCaller {
  identity: ServiceIdentity;
  now: () => Date;
}

/** Returns a function that sends events of this process to the subgraph at `baseUrl`. It throws if that fails. */
export function createEventSender(baseUrl: string, consumer: ServiceReceiver, caller: ServiceCaller): SendEvent {
  return async (event, signal) => {
    const url = `${baseUrl}/events/${caller.identity.service}`;
    const body = { type: 'application/json', body: JSON.stringify(event) };
    const { bytes } = await postBody(url, consumer, body, caller, signal);
    return bytes.length === 0 ? [] : taking.parse(JSON.parse(bytes.toString('utf8'))).delayed;
  };
}

/** The answer of a subgraph that has taken an event, while others do not know yet what came of it. */
const taking = z.object({ delayed: z.array(z.string()) });

/** Posts a body with a token for `receiver`. Throws unless the answer is 2xx or 422 (a refusal). */
async function postBody(
  url: string,
  receiver: ServiceReceiver,
  { type, body }: { type: string; body: string | Buffer<ArrayBuffer> },
  { identity, now }: ServiceCaller,
  signal?: AbortSignal,
): Promise<HttpAnswer> {
  const token = await writeServiceToken(identity, receiver, now());
  const answer = await sendRequest(url, {
    headers: { 'content-type': type, authorization: `Bearer ${token}` },
    body,
    ...{ reach: OPERATOR, signal, timeoutMs: SEND_TIMEOUT_MS, maxAnswerBytes: MAX_ANSWER_BYTES },
  });
  if ((answer.status < 200 || answer.status > 299) && answer.status !== 422)
    throw new Error(`${url}: HTTP ${answer.status}`);
  return answer;
}

/**
 * Posts a body to another process of the hub and returns the JSON of its answer. Throws a Refusal if the answer is one.
 */
export async function callService(...call: Parameters<typeof postBody>): Promise<unknown> {
  return requireAnswer(await postBody(...call));
}

const signedAnswer = z.object({
  state: z.literal('SIGNED'),
  signature: base64Bytes,
  sealId: z.string(),
  sealName: z.string(),
  signedAt: instantSchema,
});
const pendingAnswer = z.object({ state: z.literal('PENDING'), reason: z.string() });
const refusalAnswer = z.object({
  code: z.enum(Object.keys(REFUSALS) as [RefusalCode, ...RefusalCode[]]),
  field: z.string().nullable(),
});

/** Calls a port of seals and returns its answer, parsed by `schema`. Throws a Refusal if it refuses. */
async function callSeals<Answer>(
  path: string,
  schema: z.ZodType<Answer>,
  body: unknown,
  [baseUrl, caller]: PortAddress,
): Promise<Answer> {
  const json = { type: 'application/json', body: JSON.stringify(body) };
  return schema.parse(await callService(`${baseUrl}/${path}`, 'seals', json, caller));
}

/** Returns the JSON of an answer. Throws a Refusal if the answer is one (422). */
function requireAnswer({ status, bytes }: HttpAnswer): unknown {
  const answer = JSON.parse(bytes.toString('utf8'));
  if (status !== 422) return answer;
  const { code, field } = refusalAnswer.parse(answer);
  throw new Refusal(code, field);
}

/** The address of seals, and who calls. */
type PortAddress = [baseUrl: string, caller: ServiceCaller];

/** The port `seals.sign` over HTTP. */
export function signOverHttp(...address: PortAddress): Sign {
  return (request): Promise<SignAnswer> =>
    callSeals(
      'sign',
      z.discriminatedUnion('state', [signedAnswer, pendingAnswer]),
      z.encode(signRequest, request),
      address,
    );
}

/** The port `seals.signCode` over HTTP. */
export function signCodeOverHttp(...address: PortAddress): SignCode {
  return async (request) => (await callSeals('code', z.object({ code: z.string() }), request, address)).code;
}

/** The port `seals.picture` over HTTP. */
export function readPictureOverHttp(...address: PortAddress): ReadPicture {
  return async (request) =>
    (await callSeals('picture', z.object({ picture: base64Bytes.nullable() }), request, address)).picture;
}

/** The port `seals.personSigning` over HTTP. */
export function readPersonSigningOverHttp(...address: PortAddress): ReadPersonSigning {
  return (request) => callSeals('person-signing', personSigningAnswer, request, address);
}

/** The port `seals.attest` over HTTP. */
export function attestOverHttp(...address: PortAddress): Attest {
  return async (request) =>
    (await callSeals('attest', z.object({ attestation: z.string() }), request, address)).attestation;
}

/** The port `seals.attestActs` over HTTP. */
export function attestActsOverHttp(...address: PortAddress): AttestActs {
  const answer = z.object({ texts: z.array(z.string()) });
  return async (request) => (await callSeals('attest-acts', answer, request, address)).texts;
}

/** The port `seals.stamp` over HTTP. */
export function stampOverHttp(...address: PortAddress): Stamp {
  return async (digest) => {
    const request = { digest: Buffer.from(digest).toString('hex') };
    return (await callSeals('stamp', z.object({ token: base64Bytes }), request, address)).token;
  };
}

/** The port `seals.material` over HTTP. */
export function readMaterialOverHttp(...address: PortAddress): ReadEvidenceMaterial {
  const authorityFields = { root: base64Bytes, issuing: base64Bytes, rootList: base64Bytes, issuingList: base64Bytes };
  const logFields = { log: z.string().nullable(), logKeys: z.array(z.string()) };
  const material = z.object({ ...authorityFields, ...logFields, codes: z.array(base64Bytes) });
  return (request): Promise<EvidenceMaterial> => callSeals('material', material, request, address);
}

/** The port `seals.record` over HTTP. */
export function recordReceiptOverHttp(...address: PortAddress): RecordReceipt {
  return async (receipt) => {
    await callSeals('record', z.object({}), receipt, address);
  };
}
