import dns from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import net, { type LookupFunction, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { isProduction } from '../environment/mode.ts';
import { parseForeignJson } from '../foreign/json.ts';
import { PeerError } from '../refusal.ts';
import { mayConnect, OPERATOR, type Reach, type Surroundings, type Target } from './address.ts';

/**
 * Every outgoing connection of the hub: addresses checked when it connects, TLS with checked certificates, no redirect,
 * no proxy, one deadline for all of it, an answer of limited size.
 */

export interface HttpRequest {
  /** Whose URL it is. It decides which addresses may be reached. */
  reach: Reach;
  /** POST by default. */
  method?: 'GET' | 'POST';
  headers?: Record<string, string> | undefined;
  body?: string | Buffer<ArrayBuffer> | undefined;
  /** For the whole exchange, from the look-up of the name to the last byte of the answer. */
  timeoutMs: number;
  /** Ends the request early as well, for example when its loop is stopped. */
  signal?: AbortSignal | undefined;
  maxAnswerBytes: number;
}

export interface HttpAnswer {
  status: number;
  headers: Headers;
  bytes: Buffer<ArrayBuffer>;
}

/**
 * There is no complete answer. The message says why in a few Chinese words, without addresses and names of this
 * network: people read it. `cause` is the error itself.
 */
export class NoAnswer extends PeerError {
  override readonly name = 'NoAnswer';
}

/** The answer is longer than it may be. */
export class AnswerTooLong extends NoAnswer {}

/** The rules do not let the hub connect. People read the same as for a name that does not exist. */
class ForbiddenAddress extends Error {
  override readonly name = 'ForbiddenAddress';
  readonly code = 'EFORBIDDEN';
  constructor() {
    super('the address is not allowed');
  }
}

const MAX_HEADER_BYTES = 16_384;

/** Sends a request and reads its whole answer, whatever its status. Throws NoAnswer if there is none. */
export async function sendRequest(url: string, request: HttpRequest): Promise<HttpAnswer> {
  const deadline = AbortSignal.timeout(request.timeoutMs);
  const signal = request.signal ? AbortSignal.any([request.signal, deadline]) : deadline;
  try {
    const response = await openExchange(new URL(url), request, signal);
    requireReadable(response);
    const bytes = await readCapped(response, request.maxAnswerBytes);
    return { status: response.statusCode ?? 0, headers: toHeaders(response), bytes };
  } catch (error) {
    throw toNoAnswer(signal.aborted && !(error instanceof NoAnswer) ? signal.reason : error);
  }
}

function openExchange(url: URL, request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { method = 'POST', headers, body, reach } = request;
  const target = { protocol: url.protocol, host: url.hostname };
  requireConnectable(target, reach);
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const send = url.protocol === 'https:' ? https.request : http.request;
  return new Promise((resolve, reject) => {
    const exchange = send(url, {
      method,
      // The bytes are counted as they arrive: nothing may grow after that.
      headers: { 'accept-encoding': 'identity', ...headers, ...length },
      maxHeaderSize: MAX_HEADER_BYTES,
      signal,
      ...connectOptions(target, reach),
    });
    exchange.on('error', reject);
    // A connection can end without an error, as after an answer that changes the protocol.
    exchange.on('close', () => reject(new NoAnswer('连接中断')));
    exchange.on('response', resolve);
    exchange.end(body);
  });
}

/** Throws NoAnswer for an answer whose body would lead elsewhere or would have to be decompressed. */
function requireReadable(response: IncomingMessage): void {
  const { statusCode = 0, headers } = response;
  const isRedirect = statusCode >= 300 && statusCode < 400;
  if (!isRedirect && !isEncoded(headers)) return;
  response.destroy();
  throw new NoAnswer(isRedirect ? `答复是重定向（HTTP ${statusCode}）` : '答复经过压缩，不予读取');
}

function isEncoded({ 'content-encoding': encoding = 'identity' }: IncomingMessage['headers']): boolean {
  return encoding.trim() !== '' && encoding.trim().toLowerCase() !== 'identity';
}

function toHeaders({ headersDistinct }: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  return headers;
}

/**
 * Agents keep connections open between the hub's own processes. They have the rules of the operator in them: a
 * connection that other rules allowed is never used. A request of a person has a connection of its own.
 */
const OPERATOR_AGENTS = new Map<string, http.Agent>();

function connectOptions(target: Target, reach: Reach): https.RequestOptions {
  if (reach.by !== 'OPERATOR') return { agent: false, ...secureOptions(target, reach) };
  const { protocol } = target;
  const agent = OPERATOR_AGENTS.get(protocol) ?? makeAgent(protocol);
  OPERATOR_AGENTS.set(protocol, agent);
  return { agent };
}

function makeAgent(protocol: string): http.Agent {
  const options = { keepAlive: true, ...secureOptions({ protocol }, OPERATOR) };
  return protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
}

/** Options of every socket: it looks its name up by the rules, and believes no certificate that nobody signed. */
export function secureOptions(
  { protocol }: Pick<Target, 'protocol'>,
  reach: Reach,
): { lookup: LookupFunction; rejectUnauthorized: true } {
  return { lookup: createLookup(protocol, reach), rejectUnauthorized: true };
}

/**
 * Returns a look-up of names that answers with allowed addresses only. The socket connects to exactly these, so the
 * name cannot mean another address a moment later. Node calls it for names, not for addresses.
 */
function createLookup(protocol: string, reach: Reach): LookupFunction {
  return (host, options, done) => {
    dns.lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, []);
      const surroundings = readSurroundings();
      const allowedAddresses = addresses.filter(({ address }) =>
        mayConnect({ protocol, host }, address, reach, surroundings),
      );
      const [first] = allowedAddresses;
      if (!first) return done(new ForbiddenAddress(), []);
      if (options.all) return done(null, allowedAddresses);
      done(null, first.address, first.family);
    });
  };
}

/** Throws NoAnswer if the target is an address that the rules forbid, or has another protocol than HTTP or TCP. */
export function requireConnectable({ protocol, host }: Target, reach: Reach): void {
  const plainHost = host.replace(/^\[|\]$/g, '');
  const isAllowed =
    net.isIP(plainHost) === 0
      ? ['http:', 'https:', 'tcp:'].includes(protocol)
      : mayConnect({ protocol, host }, plainHost, reach, readSurroundings());
  if (!isAllowed) throw toNoAnswer(new ForbiddenAddress());
}

/**
 * Opens a TCP connection to a host that stands in the environment. It is destroyed after `timeoutMs`. Throws NoAnswer
 * for a forbidden address.
 */
export function openSocket(host: string, port: number, timeoutMs: number): Socket {
  const target = { protocol: 'tcp:', host };
  requireConnectable(target, OPERATOR);
  const lookup = createLookup(target.protocol, OPERATOR);
  return net.connect({ host, port, lookup, signal: AbortSignal.timeout(timeoutMs) });
}

/** Returns what the rules of addresses ask of this process and its machine. */
export function readSurroundings(): Surroundings {
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return { isProduction: isProduction(), ownAddresses: interfaces.map(({ address }) => address) };
}

/** Reads a stream to its end. Throws AnswerTooLong as soon as it is longer than `maxBytes`. */
async function readCapped(stream: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxBytes) throw new AnswerTooLong(`答复超过 ${maxBytes} 字节`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Returns the JSON of an answer, or undefined if it is none or has too many values. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return parseForeignJson(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

const UNREACHABLE = '地址无法解析或不允许连接';

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: '对方没有开放服务',
  ECONNRESET: '连接中断',
  EPIPE: '连接中断',
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  EFORBIDDEN: UNREACHABLE,
  EHOSTUNREACH: '网络不通',
  ENETUNREACH: '网络不通',
  ETIMEDOUT: '超时',
  HPE_HEADER_OVERFLOW: '答复的头部过长',
};

/** Returns the error as NoAnswer. It is the error itself if it is one. */
export function toNoAnswer(error: unknown): NoAnswer {
  return error instanceof NoAnswer ? error : new NoAnswer(reasonOf(error), { cause: error });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return '连接失败';
  if (error.name === 'TimeoutError') return '超时';
  if (error.name === 'AbortError') return '已停止';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (/CERT|^ERR_TLS|^ERR_SSL|SELF_SIGNED|UNABLE_TO_|ISSUER/.test(code)) return '对方的证书不可信';
  if (code.startsWith('HPE_')) return REASONS[code] ?? '答复不是 HTTP';
  return REASONS[code] ?? '连接失败';
}
