import { lookup as lookUp } from 'node:dns';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { NoAnswer, readCapped, toNoAnswer } from '../../../kernel/http/http-client.ts';
import { mayConnect } from './webhook.ts';

/**
 * One POST to a URL that a person entered: no redirect, one deadline for all of it, a limited answer, no private
 * network.
 */

/** For the whole exchange, from the name lookup to the last byte of the answer. Shorter than the relay's lease. */
const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 16_384;

export interface PostAnswer {
  status: number;
  body: string;
}

/**
 * Posts JSON. It looks the name up once and connects to exactly the checked address, so that the name cannot change
 * between.
 * Throws NoAnswer if there is no complete answer. A redirect is returned like any other answer.
 */
export function post(
  url: URL,
  headers: Record<string, string>,
  body: string,
  allowedHosts: readonly string[],
  stopSignal: AbortSignal,
): Promise<PostAnswer> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !mayConnect(url, host, allowedHosts)) throw new NoAnswer(`${host} 在内部网络，不予连接`);
  const lookup: LookupFunction = (name, options, done) => {
    lookUp(name, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, []);
      const allowedAddresses = addresses.filter(({ address }) => mayConnect(url, address, allowedHosts));
      const [first] = allowedAddresses;
      if (!first) return done(new NoAnswer(`${name} 在内部网络，不予连接`), []);
      if (options.all) return done(null, allowedAddresses);
      done(null, first.address, first.family);
    });
  };
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const length = Buffer.byteLength(body);
  return new Promise((resolve, reject) => {
    const request = send(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'content-length': length },
      lookup,
      agent: false,
      signal: AbortSignal.any([stopSignal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    request.on('error', (error) => reject(toNoAnswer(error)));
    request.on('response', (response) => {
      readCapped(response, MAX_ANSWER_BYTES).then(
        (bytes) => resolve({ status: response.statusCode ?? 0, body: bytes.toString('utf8') }),
        (error) => reject(toNoAnswer(error)),
      );
    });
    request.end(body);
  });
}
