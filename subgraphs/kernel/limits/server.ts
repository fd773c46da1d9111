import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { isTrustedProxy, keyOfAddress } from '../http/caller.ts';
import type { ConnectionLimits } from './limits.ts';

/** An HTTP server on which no connection can stay without use, and no address can take all connections. */

/**
 * Returns Fastify's `serverFactory`. Node closes what sends its headers or its request too slowly, moves no byte for
 * too long or is idle for too long. Connections of `trustedProxies` are not counted by address.
 */
export function createServerFactory(
  limits: ConnectionLimits,
  trustedProxies: readonly string[] = [],
): (handler: RequestListener) => Server {
  return (handler) => {
    const headersTimeout = Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs);
    const server = createServer({
      headersTimeout,
      maxHeaderSize: limits.maxHeaderBytes,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      // The two time limits are checked this often, not at their moment.
      connectionsCheckingInterval: Math.ceil(headersTimeout / 4),
      // The app answers a request without a host, with the headers of every other answer.
      requireHostHeader: false,
    });
    server.maxConnections = limits.maxConnections;
    server.setTimeout(limits.idleTimeoutMs);
    const unanswered = limitPipelines(server, limits.maxPipelinedRequests);
    limitAddresses(server, limits.maxConnectionsPerAddress, trustedProxies, unanswered);
    closeWithoutRequest(server, unanswered);
    server.on('request', (request, response) => watchSpeed(server, request, response, limits));
    server.on('request', handler);
    return server;
  };
}

/**
 * Closes a connection of an address that has too many: one whose requests are all answered, otherwise the new one. An
 * office behind one address keeps many connections for later. The table holds only addresses with open connections.
 */
function limitAddresses(
  server: Server,
  maxConnections: number,
  trustedProxies: readonly string[],
  unanswered: WeakMap<Socket, number>,
): void {
  const openSockets = new Map<string, Set<Socket>>();
  server.on('connection', (socket: Socket) => {
    if (isTrustedProxy(socket.remoteAddress, trustedProxies)) return;
    const address = keyOfAddress(socket.remoteAddress);
    const sockets = openSockets.get(address) ?? new Set();
    if (sockets.size >= maxConnections) {
      const idle = [...sockets].find((open) => unanswered.get(open) === 0);
      (idle ?? socket).destroy();
      if (!idle) return;
      sockets.delete(idle);
    }
    openSockets.set(address, sockets.add(socket));
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) openSockets.delete(address);
    });
  });
}

/**
 * Closes a connection whose client sends more and more requests and takes no answer (RFC 9112, 9.3.2). Returns how many
 * requests of a connection are unanswered. A connection that has sent none yet is not in the table.
 */
function limitPipelines(server: Server, maxRequests: number): WeakMap<Socket, number> {
  const unanswered = new WeakMap<Socket, number>();
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const count = (unanswered.get(socket) ?? 0) + 1;
    unanswered.set(socket, count);
    response.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    if (count > maxRequests) socket.destroy();
  });
  return unanswered;
}

/**
 * Lets a server that closes end every connection without an open request. Node waits for the first headers of a
 * connection as long as they may take, so anybody could hold up a stop.
 */
function closeWithoutRequest(server: Server, unanswered: WeakMap<Socket, number>): void {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const close = server.close.bind(server);
  server.close = (done) => {
    for (const socket of sockets) if (!unanswered.get(socket)) socket.destroy();
    return close(done);
  };
}

/**
 * Ends a connection whose client sends its body or takes its answer more slowly than the least speed. Waiting for the
 * hub is not slow: a body counts only while somebody here reads it, an answer only as far as it is written.
 */
function watchSpeed(
  server: Server,
  request: IncomingMessage,
  response: ServerResponse,
  { speedWindowMs, minBytesPerSecond }: ConnectionLimits,
): void {
  const { socket } = request;
  const readSent = () => socket.bytesWritten - socket.writableLength;
  const leastBytes = (minBytesPerSecond * speedWindowMs) / 1_000;
  let received = socket.bytesRead;
  let sent = readSent();
  let stalledMs = 0;
  const isOver = () => socket.destroyed || (response.closed && request.complete);
  const look = () => {
    if (isOver()) return;
    const isSlowSender = !request.complete && request.readableLength === 0 && socket.bytesRead - received < leastBytes;
    received = socket.bytesRead;
    // The size of the part that is being sent is known, how much of it has arrived is not.
    const pending = response.writableLength;
    stalledMs = pending > 0 && readSent() === sent ? stalledMs + speedWindowMs : 0;
    sent = readSent();
    const isSlowReader = stalledMs > speedWindowMs + (pending / minBytesPerSecond) * 1_000;
    if (isSlowSender) {
      server.emit('clientError', Object.assign(new Error('slow body'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
    } else if (isSlowReader) socket.destroy();
    else timer.refresh();
  };
  const timer = setTimeout(look, speedWindowMs).unref();
  const settle = () => {
    if (isOver()) clearTimeout(timer);
  };
  response.once('close', settle);
  request.once('close', settle);
}
