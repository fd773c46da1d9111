/** Answers to a request that the hub does not carry out now: it asks for too much, or the hub has no capacity left. */

/** Each code with its HTTP status (RFC 6585, RFC 9110) and its sentence. */
const OVERLOADS = {
  /** The caller is beyond a limit of its own. */
  RATE_LIMITED: { status: 429, message: '请求过于频繁，请稍后再试。' },
  /** The hub is beyond its limit for all callers. */
  OVERLOADED: { status: 503, message: '系统繁忙，请稍后再试。' },
  /** The work took longer than it may and was stopped. */
  DEADLINE_EXCEEDED: { status: 503, message: '处理时间超过上限，已中止。' },
} as const;

export type OverloadCode = keyof typeof OVERLOADS;

const DEFAULT_RETRY_SECONDS = 1;

/**
 * The hub does not carry out a request now. Routes answer with `statusCode`, `Retry-After` and `{ code, message }`.
 * GraphQL answers with `extensions`.
 */
export class Overload extends Error {
  override readonly name = 'Overload';
  readonly code: OverloadCode;
  readonly statusCode: 429 | 503;
  /** After how many seconds it makes sense to ask again, at least 1. */
  readonly retryAfterSeconds: number;
  /** What GraphQL copies into its own error. */
  readonly extensions: { code: OverloadCode; retryAfter: number };

  constructor(code: OverloadCode, retryAfterSeconds: number = DEFAULT_RETRY_SECONDS) {
    super(OVERLOADS[code].message);
    this.code = code;
    this.statusCode = OVERLOADS[code].status;
    this.retryAfterSeconds = Math.max(DEFAULT_RETRY_SECONDS, Math.ceil(retryAfterSeconds));
    this.extensions = { code, retryAfter: this.retryAfterSeconds };
  }
}

/** Returns the Overload that is the reason of an error, or null. What talks to the database wraps its errors. */
export function findOverload(error: unknown): Overload | null {
  if (error instanceof Overload) return error;
  return error instanceof Error && error.cause instanceof Error ? findOverload(error.cause) : null;
}

/** Returns the Overload that the extensions of a GraphQL error tell of, or null if they tell of none. */
export function readOverload(extensions: Readonly<Record<string, unknown>> | undefined): Overload | null {
  const { code, retryAfter } = extensions ?? {};
  if (typeof code !== 'string' || !Object.hasOwn(OVERLOADS, code)) return null;
  return new Overload(code as OverloadCode, typeof retryAfter === 'number' ? retryAfter : DEFAULT_RETRY_SECONDS);
}
