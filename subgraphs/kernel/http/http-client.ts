import { PeerError } from '../refusal.ts';

/** One outgoing HTTP request: a deadline for all of it, no redirect, an answer of limited size. */

export interface HttpRequest {
  /** POST by default. */
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string | Buffer<ArrayBuffer>;
  /** For the whole exchange, to the last byte of the answer. */
  timeoutMs: number;
  /** Ends the request early as well, for example when its loop is stopped. */
  signal?: AbortSignal;
  maxAnswerBytes: number;
}

export interface HttpAnswer {
  status: number;
  headers: Headers;
  bytes: Buffer;
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

/** Sends a request and reads its whole answer, whatever its status. Throws NoAnswer if there is none. */
export async function sendRequest(url: string, request: HttpRequest): Promise<HttpAnswer> {
  const { method = 'POST', timeoutMs, maxAnswerBytes, signal, ...rest } = request;
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      ...rest,
      method,
      redirect: 'error',
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    const bytes = await readCapped(response.body ?? [], maxAnswerBytes);
    return { status: response.status, headers: response.headers, bytes };
  } catch (error) {
    throw toNoAnswer(error);
  }
}

/** Reads a stream to its end. Throws AnswerTooLong as soon as it is longer than `maxBytes`. */
export async function readCapped(
  stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBytes: number,
): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxBytes) throw new AnswerTooLong(`答复超过 ${maxBytes} 字节`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Returns the JSON of an answer, or undefined if it is none. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: '对方没有开放服务',
  ECONNRESET: '连接中断',
  EPIPE: '连接中断',
  UND_ERR_SOCKET: '连接中断',
  ENOTFOUND: '地址无法解析',
  EAI_AGAIN: '地址无法解析',
  EHOSTUNREACH: '网络不通',
  ENETUNREACH: '网络不通',
  ETIMEDOUT: '超时',
  UND_ERR_CONNECT_TIMEOUT: '超时',
  UND_ERR_HEADERS_TIMEOUT: '超时',
  UND_ERR_BODY_TIMEOUT: '超时',
};

/** Returns the error as NoAnswer. It is the error itself if it is one. */
export function toNoAnswer(error: unknown): NoAnswer {
  return error instanceof NoAnswer ? error : new NoAnswer(reasonOf(error), { cause: error });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return '连接失败';
  if (error.name === 'TimeoutError') return '超时';
  if (error.name === 'AbortError') return '已停止';
  const cause = error.cause instanceof Error ? error.cause : error;
  if (cause.message.includes('redirect')) return '答复是重定向';
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  if (/CERT|^ERR_TLS|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) return '对方的证书不可信';
  return REASONS[code] ?? '连接失败';
}
