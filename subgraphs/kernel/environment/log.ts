import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { type Logger, pino, stdTimeFunctions } from 'pino';
import { readLicenseIdentifier, UUID_PATTERN } from '../identifier.ts';
import { isCitizenNumber } from '../identity/citizen.ts';
import type { LogLevel } from './levels.ts';
import { reduceError } from './redaction/redact.ts';

/**
 * The log of this process: JSON, one line each. docs/log.md describes the lines.
 *
 * No line holds personal data. Only the functions below write, each with a fixed set of fields, and every value from
 * outside goes through `reduceError` or has a fixed form.
 */

export interface LogOptions {
  /** Name of the process in every line. */
  service: string;
  level: LogLevel;
  /** Takes one line with its line feed. By default it goes to the standard error stream. */
  write?: (line: string) => void;
}

/** What a piece of work concerns. It stands in every line that is written during the work. */
export interface Subject {
  /** Id of the request. A subgraph in another process has the gateway's. */
  request?: string;
  /** Id of the case, a UUID. */
  case?: string;
  /** Identifier of the version of a license (GB/T 36904). */
  license?: string;
  /** Number of the fault that the caller was given. */
  incident?: string;
  /** Method of the request. */
  method?: string;
  /** Pattern of the request's path: a path may hold ids of people. */
  route?: string;
  /** Root fields of a valid GraphQL operation, separated by spaces. Its name is the caller's own text. */
  fields?: string;
}

const isUuid = (text: string) => UUID_PATTERN.test(text);

/** Forms of the ids. A text of another form may be a name that somebody entered in the wrong place. */
const FORMS: Readonly<Record<keyof Subject, (text: string) => boolean>> = {
  request: isUuid,
  case: isUuid,
  license: isLoggable,
  incident: isUuid,
  method: (text) => /^[A-Z-]{1,20}$/.test(text),
  route: (text) => /^[\w/:.*-]{1,200}$/.test(text),
  fields: (text) => /^\w[\w ]{0,999}$/.test(text),
};

/** A mobile number (手机号码). */
const MOBILE_NUMBER = /^1[3-9]\d{9}$/;

/** Whether a text is a valid license identifier. An office chooses the serial, so the serial is checked too. */
function isLoggable(text: string): boolean {
  const { parts, verdict } = readLicenseIdentifier(text);
  return verdict === 'VALID' && !isCitizenNumber(parts.serial) && !MOBILE_NUMBER.test(parts.serial);
}

/** A stream of events: what it is about and an id. */
const STREAM = /^[a-z]{1,20}:[\w.-]{1,100}$/;

const subjects = new AsyncLocalStorage<Subject>();

/** Until a process starts its log, it writes faults only. */
let logger: Logger = createLogger({ service: 'hub', level: 'error' });

/** Starts the log of this process. */
export function startLog(options: LogOptions): void {
  logger = createLogger(options);
}

/** Runs `run` with a subject. `noteSubject` adds to it. */
export function runWithSubject<Result>(subject: Subject, run: () => Result): Result {
  return subjects.run(subject, run);
}

/** Adds what the current request turned out to concern. Ignores a value that has not the form of its id. */
export function noteSubject(found: Readonly<Partial<Record<keyof Subject, unknown>>>): void {
  const subject = subjects.getStore();
  if (!subject) return;
  for (const [name, value] of Object.entries(found) as [keyof Subject, unknown][])
    if (typeof value === 'string' && FORMS[name](value)) subject[name] = value;
}

/** Returns the id of the current request, to pass on to another process. */
export function currentRequest(): string | undefined {
  return subjects.getStore()?.request;
}

/** Returns whether a text has the form of a request id. */
export function isRequestId(text: unknown): text is string {
  return typeof text === 'string' && FORMS.request(text);
}

/** Logs a fault: an error that is not meant for callers. The caller was given `incident`. */
export function logFault(incident: string, error: unknown): void {
  logger.error({ event: 'fault', incident, error: reduceError(error) });
}

/** Logs that the hub does not act: a refused start or a halt, with its public code. */
export function logStandstill(event: 'refusal' | 'halt', code: string): void {
  logger.error({ event, code: /^[A-Z_]{1,40}$/.test(code) ? code : 'UNKNOWN' });
}

/** Logs an error that nobody caught, as a fault. The process ends because of it. */
export function logEnd(error: unknown): void {
  logger.error({ event: 'fault', incident: randomUUID(), ends: true, error: reduceError(error) });
}

/**
 * Logs a failed turn of background work, which is repeated. `stream` is the stream of events that is held up,
 * `incident` the number that people see in place of the error.
 */
export function logFailure(error: unknown, stream?: string, incident?: string): void {
  const held = stream !== undefined && STREAM.test(stream) ? { stream } : {};
  const number = incident === undefined ? {} : { incident };
  logger.warn({ event: 'failure', ...held, ...number, error: reduceError(error) });
}

/** Logs a request that failed. */
export function logRequest({ subject, status, ms }: { subject: Subject; status: number; ms: number }): void {
  const line = { event: 'request', status, ms: Math.round(ms) };
  subjects.run(subject, () => {
    if (status >= 500) logger.warn(line);
    else logger.info(line);
  });
}

/** Logs a warning of a library, or of what is set up wrongly. Its text is reduced like the message of an error. */
export function logWarning(warning: unknown): void {
  logger.warn({ event: 'warning', error: reduceError(warning) });
}

function createLogger({ service, level, write = writeToStderr }: LogOptions): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => ({ ...subjects.getStore() }),
    },
    // JSON leaves these line separators as they are; a reader of lines may not.
    { write: (line: string) => write(line.replace(/[\u0085\u2028\u2029]/g, (end) => JSON_ESCAPES[end] ?? '')) },
  );
}

const JSON_ESCAPES: Readonly<Record<string, string>> = {
  '\u0085': '\\u0085',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

function writeToStderr(line: string): void {
  process.stderr.write(line);
}
