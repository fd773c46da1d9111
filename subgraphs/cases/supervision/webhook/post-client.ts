import { lookup as lookUp } from 'node:dns';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
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
 * Throws if there is no complete answer. A redirect is returned like any other answer.
 */
export function post(
  url: URL,
  headers: Record<string, string>,
  body: string,
  allowedHosts: readonly string[],
): Promise<PostAnswer> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !mayConnect(url, host, allowedHosts)) throw new Error(`${host} 在内部网络，不予连接`);
  const lookup: LookupFunction = (name, options, done) => {
    lookUp(name, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, []);
      const allowedAddresses = addresses.filter(({ address }) => mayConnect(url, address, allowedHosts));
      const [first] = allowedAddresses;
      if (!first) return done(new Error(`${name} 在内部网络，不予连接`), []);
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
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('error', reject);
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > MAX_ANSWER_BYTES) response.destroy(new Error(`答复超过 ${MAX_ANSWER_BYTES} 字节`));
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    request.end(body);
  });
}
