import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyServerOptions,
} from 'fastify';
import { logRequest, runWithSubject } from '../environment/log.ts';
import { addRequestLog, describeRequest, REQUEST_LOG_OPTIONS } from '../environment/request-log.ts';
import { Halted } from '../halt.ts';
import { type ConnectionLimits, DEFAULT_HUB_LIMITS } from '../limits/limits.ts';
import { addOperationLimits, type OperationHookOptions } from '../limits/operation-hook.ts';
import { findOverload, Overload } from '../limits/overload.ts';
import { createServerFactory } from '../limits/server.ts';
import { TokenError } from '../sealing/token.ts';
import { describeTextProblem, findTextProblem, MAX_INPUT_TEXT_CHARS, type TextRule } from '../text.ts';
import {
  addDefaultHeaders,
  createClientErrorHandler,
  type HeaderOptions,
  setDefaultHeaders,
} from './answer/headers.ts';
import { addProblemForms, type RenderProblem } from './answer/problem-hook.ts';
import { isTrustedProxy } from './caller.ts';
import { addCaller, type GatewayCheck } from './caller-hook.ts';
import { addDeadline } from './deadline-hook.ts';
import { type OnFault, reportFault } from './errors.ts';

/** The form of every error on a route: a code for programs and a sentence for a person. */

/** The code and the sentence for each status that Fastify itself answers. Its default bodies name internals. */
const STATUS_ERRORS: Readonly<Record<number, { code: string; message: string }>> = {
  404: { code: 'NOT_FOUND', message: '没有此地址。' },
  405: { code: 'METHOD_NOT_ALLOWED', message: '此地址不接受这种请求方法。' },
  408: { code: 'REQUEST_TIMEOUT', message: '请求没有在规定时间内传完。' },
  413: { code: 'REQUEST_TOO_LARGE', message: '请求过大。' },
  414: { code: 'REQUEST_TOO_LARGE', message: '请求地址过长。' },
  415: { code: 'MEDIA_TYPE_NOT_ALLOWED', message: '不接受这种内容类型。' },
};
const BAD_REQUEST = { code: 'BAD_REQUEST', message: '请求不符合格式要求。' };

/** A host name or address with its port (RFC 9110, 7.2). */
const HOST = /^[\w.:[\]-]{1,255}$/;

const PARAMETER: TextRule = { form: 'LINE', maxChars: MAX_INPUT_TEXT_CHARS };

/** Options of an app: those of Fastify, and whom the app believes about its callers. */
export interface AppOptions extends FastifyServerOptions, HeaderOptions {
  /**
   * Addresses and networks of the proxies in front. The address of a caller behind them is taken from X-Forwarded-For.
   * By default no proxy is trusted, so that nobody can name another's address.
   */
  trustedProxies?: readonly string[] | undefined;
  /** For a subgraph: a caller that the hub's gateway names is believed. */
  gateway?: GatewayCheck;
  connections?: ConnectionLimits | undefined;
  /** What callers may have the app do. Without it they are not limited: only known processes use the app. */
  operations?: OperationHookOptions;
  readDeadlineMs?: number | undefined;
  /** Shows errors to people. Without it, browsers too get `{ code, message }`. */
  renderProblem?: RenderProblem;
}

/**
 * Creates a Fastify app whose errors are `{ code, message }`. An error that is not meant for callers becomes a fault:
 * 500 with an `incident`, reported to `onFault`. A path or query parameter that breaks the rule for text is 400
 * BAD_USER_INPUT before the route's handler runs. Every answer has the headers of `headers.ts`.
 */
export function createApp(onFault: OnFault, options: AppOptions = {}): FastifyInstance {
  const { trustedProxies = [], gateway, isHttps, operations, readDeadlineMs, renderProblem, ...rest } = options;
  const { connections = DEFAULT_HUB_LIMITS.connections, ...serverOptions } = rest;
  const renderError = (error: FastifyError, reply: FastifyReply) => sendError(error, reply, onFault);
  const app = Fastify({
    ...REQUEST_LOG_OPTIONS,
    ...serverOptions,
    trustProxy: trustedProxies.length > 0 && ((address: string) => isTrustedProxy(address, trustedProxies)),
    serverFactory: createServerFactory(connections, trustedProxies),
    // Fastify would answer this itself, without the headers. The hooks below do.
    return503OnClosing: false,
    clientErrorHandler: createClientErrorHandler({ isHttps }),
    // A path that cannot be decoded belongs to no route, so neither hooks nor error handlers see it.
    frameworkErrors: (error, request, reply) => {
      setDefaultHeaders(reply as unknown as FastifyReply, { isHttps });
      const subject = describeRequest({ id: request.id, method: request.method });
      runWithSubject(subject, () => renderError(error, reply as unknown as FastifyReply));
      logRequest({ subject, status: reply.statusCode, ms: 0 });
    },
  }) as FastifyInstance;
  addRequestLog(app);
  addDefaultHeaders(app, { isHttps });
  addProblemForms(app, renderProblem);
  refuseAtOnce(app);
  addCaller(app, gateway);
  addDeadline(app, { readDeadlineMs });
  if (operations) addOperationLimits(app, operations);
  app.setErrorHandler<FastifyError>((error, _request, reply) => renderError(error, reply));
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(STATUS_ERRORS[404]));
  app.addHook('preValidation', async (request, reply) => {
    const wrong = findWrongParameter(request.params) ?? findWrongParameter(request.query);
    if (wrong !== null) return reply.code(400).send({ code: 'BAD_USER_INPUT', message: wrong });
  });
  return app;
}

/** Refuses requests without a host, and new requests on open connections while the app closes. */
function refuseAtOnce(app: FastifyInstance): void {
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  app.addHook('onRequest', async ({ headers }, reply) => {
    if (isClosing) throw new Overload('OVERLOADED');
    if (!HOST.test(headers.host ?? '')) return reply.code(400).send(BAD_REQUEST);
  });
}

function sendError(error: FastifyError | Overload | Halted, reply: FastifyReply, onFault: OnFault): FastifyReply {
  if (error instanceof TokenError)
    return reply.code(error.statusCode).send({ code: error.code, message: error.message });
  if (error instanceof Halted) {
    return reply.code(503).send({ ...error.extensions, message: error.message });
  }
  const overload = findOverload(error);
  if (overload) {
    const { message, statusCode, extensions, retryAfterSeconds } = overload;
    // The rest of a body that nobody reads must not keep the connection.
    if (!reply.request.raw.complete) reply.header('connection', 'close');
    return reply
      .code(statusCode)
      .header('retry-after', retryAfterSeconds)
      .send({ ...extensions, message });
  }
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return reply.code(status).send(STATUS_ERRORS[status] ?? BAD_REQUEST);
  return reply.code(500).send(reportFault(onFault, error));
}

/** Returns what is wrong with the first bad parameter, or null. */
function findWrongParameter(parameters: unknown): string | null {
  for (const [name, value] of Object.entries((parameters ?? {}) as Record<string, string | string[]>)) {
    for (const text of [name, value].flat()) {
      const problem = typeof text === 'string' ? findTextProblem(text, PARAMETER) : null;
      if (problem) return `参数 ${describeName(name)} 不符合要求：${describeTextProblem(problem)}。`;
    }
  }
  return null;
}

/** A name that is wrong itself is not repeated. */
function describeName(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) ? name : '（名称有误）';
}

/** Returns `content-disposition` for a file to save: RFC 6266 with the name in UTF-8 (RFC 8187). */
export function buildContentDisposition(name: string): string {
  const asciiName = name.replace(/[^\w.-]/g, '_');
  const encodedName = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${asciiName}"; filename*=UTF-8''${encodedName}`;
}
