import { z } from 'zod';
import { awaitUntil } from '../../../db/deadline.ts';
import { sha256, toCanonicalJson } from '../../kernel/events/events.ts';
import { Rejection } from '../../kernel/events/outbox-store.ts';
import type { ParserPool } from '../../kernel/foreign/pool.ts';
import { ACTS, type Act, LICENSE_ACTS, type LicenseActRule, type LicenseState } from '../../kernel/license-acts.ts';
import { OPERATOR } from '../../kernel/outgoing/address.ts';
import { parseJson, sendRequest } from '../../kernel/outgoing/http-client.ts';
import { PeerError } from '../../kernel/refusal.ts';
import type { RegisterStatement } from '../../kernel/sealing/attest.ts';
import type { ActStatement, LicenseRecord } from '../act/record.ts';
import type { PARSERS } from '../parsers.ts';
import { readReceiptKey } from './receipt.ts';

/** Client of the city license library (市电子证照库). The protocol is `docs/city-library.md`. */

/** One act on a license to deliver to the library, with the file that the act produced and its signature. */
export interface LibraryDelivery {
  /** The outbox stream that counts `revision`. */
  stream: string;
  /** Number of the act under this license number, from 1, without gaps. */
  revision: number;
  act: Act;
  /** Identifier of the version that is current after the act. */
  identifier: string;
  number: string;
  version: number;
  state: LicenseState;
  /** RFC 3339, UTC. */
  changedAt: string;
  /** The JSON inside the PDF, or the sealed statement itself. */
  record: LicenseRecord | ActStatement | RegisterStatement;
  /** SHA-256 of `document`, hex. */
  documentDigest: string;
  document: Uint8Array;
  mediaType: 'application/pdf' | 'application/json';
  /** CMS SignedData, DER, detached over `document`. Null if the document contains its signature. */
  signature: Uint8Array | null;
}

/** What the register stated of a license, to deliver to a library that speaks version 2. */
export interface StatementDelivery {
  /** The outbox stream that counts `revision`. */
  stream: string;
  /** Number of the statement under this license number, from 1, without gaps. */
  revision: number;
  /** The revision of the license's own stream that it follows. */
  follows: number;
  number: string;
  /** What the statement claims. */
  claims: RegisterStatement;
  /** The statement: a compact JWS with the certificate of its signer. */
  statement: string;
  /** SHA-256 of `statement`, hex. */
  documentDigest: string;
  /** RFC 3339, UTC. */
  statedAt: string;
  /** Of a license from paper: the record that was entered. It has no document that carries it. */
  record?: LicenseRecord;
  /** Certificates between that of the signer and the root, DER. */
  chain: readonly Uint8Array[];
}

export interface LibraryClient {
  /** Whether receipts are proven by the library's own signature. */
  readonly isSigned: boolean;
  /** The versions of the protocol that the library named in its last token answer. Null before the first. */
  readonly protocols: readonly number[] | null;
  /**
   * Returns whether the library speaks a version of the protocol. Asks for a new token if the last answer did not name
   * it, but not more often than `protocolPauseMs`. Returns false if the library does not answer.
   */
  speaks(version: number, signal: AbortSignal): Promise<boolean>;
  /** Does with a statement of the register what `deliver` does with an act. Throws PeerError below version 2. */
  deliverStatement(delivery: StatementDelivery, signal?: AbortSignal): Promise<string>;
  /**
   * Validates, then collects one act. Returns the library's receipt, which is the same for a repeated delivery.
   * Throws Rejection if the library refuses for good.
   * Throws a PeerError if the same delivery may succeed later, or if the receipt is wrong.
   * `signal` ends it early.
   */
  deliver(delivery: LibraryDelivery, signal?: AbortSignal): Promise<string>;
}

export interface LibraryClientOptions {
  /** Address of the library, without a path. */
  url: string;
  clientId: string;
  clientSecret: string;
  /** The library's key for receipts, PEM or JWK, pinned by the hub's operator. Without it receipts prove nothing. */
  receiptKey?: string;
  /** The library's name in its receipts. */
  id?: string;
  now: () => Date;
  /** Parses what the library sends. */
  parsers: ParserPool;
  /** For one delivery with all its requests. Must be shorter than the relay's lease. */
  timeoutMs?: number;
  /** Minimum pause between two questions for a version of the protocol that the library did not name. */
  protocolPauseMs?: number;
}

const DELIVERY_TIMEOUT_MS = 20_000;
const TOKEN_TIMEOUT_MS = 5_000;
/** A token is renewed this long before it expires. */
const TOKEN_MARGIN_MS = 30_000;
const PROTOCOL_PAUSE_MS = 30_000;
/** The version of the protocol that brought statements of the register, and the act CORRECT. */
export const STATEMENT_PROTOCOL = 2;
/** Longer answers are refused. */
const MAX_ANSWER_BYTES = 1_048_576;

/**
 * Codes by which a library names acts and states.
 * Authorities use different codes, so a new list gets a new name, and old lists stay.
 */
interface CodeList {
  name: string;
  acts: Readonly<Record<Act, string>>;
  /** The same for a library that speaks version 1 only. */
  firstActs: Readonly<Record<Act, string>>;
  states: Readonly<Record<LicenseState, string>>;
}

/** Maps each act to a value from its row in the table of acts. */
function mapActs(toCode: (rule: LicenseActRule) => string): Readonly<Record<Act, string>> {
  return Object.fromEntries(ACTS.map((act) => [act, toCode(LICENSE_ACTS[act])])) as Record<Act, string>;
}

const TONGQUAN_1: CodeList = {
  name: 'tongquan-1',
  acts: mapActs((rule) => rule.wireCode),
  firstActs: mapActs(({ wireCode, firstWireCode = wireCode }) => firstWireCode),
  states: {
    VALID: 'VALID',
    SUSPENDED: 'SUSPENDED',
    SUPERSEDED: 'SUPERSEDED',
    LAPSED: 'LAPSED',
    RESCINDED: 'RESCINDED',
    WITHDRAWN: 'WITHDRAWN',
    REVOKED: 'REVOKED',
    CANCELLED: 'CANCELLED',
  },
};

/** The library's answer on `/certificates/*`: 1 done, 2 done with warnings, 0 refused. */
const answerSchema = z.object({
  code: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  /** For a refusal: whether the same delivery may succeed later. */
  temporary: z.boolean().default(false),
  reasons: z.array(z.object({ code: z.string(), message: z.string() })).default([]),
  receipt: z.string().min(1).nullish(),
});
type Answer = z.infer<typeof answerSchema>;

const tokenAnswerSchema = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive(),
  /** Versions of the protocol. A library that names none, or names them wrongly, speaks the first. */
  protocols: z.array(z.int().positive()).min(1).max(16).catch([1]),
});

interface Reply {
  status: number;
  /** Parsed JSON, or undefined if the body is not JSON. */
  body: unknown;
}

interface Token {
  text: string;
  /** Milliseconds since 1970 by the hub's clock. */
  endsAt: number;
  protocols: readonly number[];
}

/** Creates a client that keeps one token and renews it. Opens no connection before the first delivery. */
export function createLibraryClient(options: LibraryClientOptions): LibraryClient {
  const session = new Session(options);
  const { receiptKey, id, timeoutMs = DELIVERY_TIMEOUT_MS, protocolPauseMs = PROTOCOL_PAUSE_MS } = options;
  if (receiptKey !== undefined) readReceiptKey(receiptKey);
  const parse = options.parsers.open<typeof PARSERS>(new URL('../parsers.ts', import.meta.url));

  /** Sends a delivery to the two paths of `folder`. Returns the receipt, which is proven to be for it. */
  const collect = async (folder: string, wireForm: WireForm, record: object, stopSignal?: AbortSignal) => {
    const deadline = AbortSignal.timeout(timeoutMs);
    const signal = stopSignal ? AbortSignal.any([stopSignal, deadline]) : deadline;
    const body = JSON.stringify(wireForm);
    await session.post(`/${folder}/validate`, body, signal);
    const { receipt } = await session.post(`/${folder}/collect`, body, signal);
    if (!receipt) throw new PeerError('城市证照库没有返回回执');
    const { stream, revision, identifier, act, state, documentDigest } = wireForm;
    const recordDigest = sha256(toCanonicalJson(record));
    const expected = { stream, revision, identifier, act, state, documentDigest, recordDigest };
    if (receiptKey !== undefined) await parse('requireReceipt', { receipt, expected, receiptKey, id });
    return receipt;
  };

  return {
    isSigned: receiptKey !== undefined,
    get protocols() {
      return session.protocols;
    },
    speaks: (version, signal) => session.speaks(version, protocolPauseMs, signal),
    async deliver(delivery, signal) {
      const collectAs = (acts: CodeList['acts']) =>
        collect('certificates', buildWireDelivery(delivery, TONGQUAN_1, acts), delivery.record, signal);
      const { acts, firstActs } = TONGQUAN_1;
      if (acts[delivery.act] === firstActs[delivery.act]) return collectAs(acts);
      const askSignal = signal ?? AbortSignal.timeout(timeoutMs);
      if (!(await session.speaks(STATEMENT_PROTOCOL, protocolPauseMs, askSignal))) return collectAs(firstActs);
      return collectAs(acts).catch((error) => {
        if (!(error instanceof Rejection)) throw error;
        // A library that was set back to version 1 refuses the code for good. It may take the code of that version.
        session.forgetProtocols();
        return collectAs(firstActs);
      });
    },
    async deliverStatement(delivery, signal) {
      try {
        return await collect('statements', buildWireStatement(delivery), delivery.claims, signal);
      } catch (error) {
        // A library that was set back to version 1 has no such path. That is no answer about the statement.
        if (error instanceof PathUnknown) session.forgetProtocols();
        throw error;
      }
    },
  };
}

/** The library has no such path. */
class PathUnknown extends PeerError {}

/** The connection to the library: its token, and the versions of the protocol that it named with it. */
class Session {
  readonly #options: LibraryClientOptions;
  readonly #baseUrl: string;
  #token: Promise<Token> | null = null;
  #protocols: readonly number[] | null = null;
  /** Time of the last question for the versions, by `performance.now()`. */
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(options: LibraryClientOptions) {
    this.#options = options;
    this.#baseUrl = options.url.replace(/(?<!\/)\/+$/, '');
  }

  get protocols(): readonly number[] | null {
    return this.#protocols;
  }

  forgetProtocols(): void {
    this.#protocols = null;
  }

  async speaks(version: number, pauseMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#protocols?.includes(version)) return true;
    if (performance.now() - this.#askedAt < pauseMs) return false;
    this.#askedAt = performance.now();
    const renewedPromise = this.#requestToken();
    const token = await awaitToken(signal, renewedPromise).catch(() => null);
    // Only a token that arrived takes the place of the known one: deliveries do not wait for this question.
    if (token) this.#token = renewedPromise;
    return token?.protocols.includes(version) ?? false;
  }

  /** Posts to a path of `/certificates` or `/statements`, with a new token if the library takes the old one no more. */
  async post(path: string, body: string, signal: AbortSignal): Promise<Answer> {
    const token = await this.#getToken(signal);
    const reply = await post(this.#baseUrl + path, body, signal, token);
    if (reply.status !== 401) return readAnswer(path, reply);
    const renewedToken = await this.#getToken(signal, token);
    return readAnswer(path, await post(this.#baseUrl + path, body, signal, renewedToken));
  }

  async #getToken(signal: AbortSignal, refusedToken?: string): Promise<string> {
    const knownPromise = this.#token;
    const knownToken = knownPromise && (await awaitToken(signal, knownPromise).catch(() => null));
    if (signal.aborted) throw buildTimeout();
    if (knownToken && knownToken.text !== refusedToken && this.#options.now().getTime() < knownToken.endsAt)
      return knownToken.text;
    // If several deliveries find the token expired, one requests a new token and the others wait for it.
    const renewedPromise = this.#token !== null && this.#token !== knownPromise ? this.#token : this.#requestToken();
    this.#token = renewedPromise;
    return (await awaitToken(signal, renewedPromise)).text;
  }

  async #requestToken(): Promise<Token> {
    const token = await requestToken(this.#baseUrl, this.#options);
    this.#protocols = token.protocols;
    return token;
  }
}

/** What every delivery names, and its receipt too. */
interface WireForm {
  stream: string;
  revision: number;
  identifier: string;
  act: string;
  state: string;
  documentDigest: string;
}

/** Builds the JSON body of a delivery. `acts` are the codes of a version of the protocol. */
function buildWireDelivery(delivery: LibraryDelivery, codes: CodeList, acts: CodeList['acts']) {
  return {
    ...delivery,
    codeList: codes.name,
    act: acts[delivery.act],
    state: codes.states[delivery.state],
    document: Buffer.from(delivery.document).toString('base64'),
    signature: delivery.signature && Buffer.from(delivery.signature).toString('base64'),
  };
}

/** Builds the JSON body of a statement of the register. */
function buildWireStatement({ claims, chain, ...rest }: StatementDelivery) {
  const { act, sub: identifier, version, state } = claims;
  const certificates = chain.map((certificate) => Buffer.from(certificate).toString('base64'));
  return { ...rest, act, identifier, version, state, chain: certificates };
}

/** Returns a token that several deliveries wait for. Throws PeerError when the signal of this one is aborted before. */
async function awaitToken(signal: AbortSignal, token: Promise<Token>): Promise<Token> {
  return awaitUntil(signal, token).catch((error) => {
    throw signal.aborted ? buildTimeout() : error;
  });
}

function buildTimeout(): PeerError {
  return new PeerError('城市证照库无法连接：超时');
}

/** Requests a token for all deliveries that wait for one. Its time limit is therefore that of none of them. */
async function requestToken(baseUrl: string, options: LibraryClientOptions): Promise<Token> {
  const { clientId, clientSecret, now } = options;
  const body = JSON.stringify({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret });
  const requestedAt = now().getTime();
  const signal = AbortSignal.timeout(Math.min(options.timeoutMs ?? TOKEN_TIMEOUT_MS, TOKEN_TIMEOUT_MS));
  const reply = await post(`${baseUrl}/token`, body, signal);
  const parsed = tokenAnswerSchema.safeParse(reply.body);
  if (reply.status !== 200 || !parsed.success) throw new PeerError(`城市证照库不发令牌（HTTP ${reply.status}）`);
  const { access_token: text, expires_in: seconds, protocols } = parsed.data;
  return { text, endsAt: requestedAt + seconds * 1000 - TOKEN_MARGIN_MS, protocols };
}

/** Returns an answer of code 1 or 2. Throws Rejection if the library itself refuses for good, else a PeerError. */
function readAnswer(path: string, reply: Reply): Answer {
  const parsed = answerSchema.safeParse(reply.body);
  if (reply.status === 404 && path.startsWith('/statements/')) throw new PathUnknown('城市证照库暂不接收登记声明');
  if (reply.status === 401 || reply.status >= 500 || !parsed.success) {
    throw new PeerError(
      `城市证照库 ${path} 答复 HTTP ${reply.status}${parsed.success ? `：${formatReasons(parsed.data)}` : ''}`,
    );
  }
  if (parsed.data.code !== 0) return parsed.data;
  if (parsed.data.temporary) throw new PeerError(`城市证照库暂不接收：${formatReasons(parsed.data)}`);
  throw new Rejection(`城市证照库拒收：${formatReasons(parsed.data)}`);
}

function formatReasons({ reasons }: Answer): string {
  return reasons.map(({ code, message }) => `${code} ${message}`).join('；') || '没有说明理由';
}

async function post(url: string, body: string, signal: AbortSignal, token?: string): Promise<Reply> {
  const headers: Record<string, string> = { 'content-type': 'application/json', accept: 'application/json' };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  // The signal ends all requests of one delivery; one of them never takes longer.
  const limits = { timeoutMs: DELIVERY_TIMEOUT_MS, maxAnswerBytes: MAX_ANSWER_BYTES };
  const request = { reach: OPERATOR, headers, body, signal, ...limits };
  const { status, bytes } = await sendRequest(url, request).catch((error: Error) => {
    throw new PeerError(`城市证照库无法连接：${error.message}`, { cause: error });
  });
  return { status, body: parseJson(bytes) };
}
