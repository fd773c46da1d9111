import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Builds the gateway over an unreachable subgraph, queries it, and records every connection and DNS look-up. */
const PROBE = `
import dns from 'node:dns';
import net from 'node:net';
const tried = [];
const note = (what) => { tried.push(JSON.stringify(what)); };
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) { note(args[0]); return connect.apply(this, args); };
const lookup = dns.lookup;
dns.lookup = (name, ...rest) => { note(name); return lookup(name, ...rest); };
const { generateKeyPairSync } = await import('node:crypto');
const { createGateway } = await import('./gateway/gateway.ts');
const { createParserPool } = await import('./subgraphs/kernel/foreign/pool.ts');
const dead = { url: 'http://127.0.0.1:59999/graphql' };
const app = await createGateway({
  sources: { matters: dead, cases: dead, licenses: dead, seals: dead },
  tokenKey: generateKeyPairSync('ed25519').publicKey,
  identity: { service: 'gateway', privateKey: generateKeyPairSync('ed25519').privateKey }, parsers: createParserPool(),
  now: () => new Date(), file: async () => null, rootCertificate: async () => '', checks: {}, onFault: () => {},
});
await app.inject({ method: 'POST', url: '/graphql', payload: { query: '{ matters(first: 1) { totalCount } }' } });
await app.inject({ url: '/' });
await new Promise((resolve) => setTimeout(resolve, 2500));
await app.close();
console.log(JSON.stringify(tried));
process.exit(0);
`;

test('the gateway connects only to its subgraphs, even with a vendor key in the environment', () => {
  const run = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', PROBE], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      APOLLO_TELEMETRY_DISABLED: '1',
      APOLLO_KEY: 'service:somebody:key',
      APOLLO_GRAPH_REF: 'somebody@current',
      APOLLO_SCHEMA_REPORTING: 'true',
      HTTP_PROXY: 'http://127.0.0.1:59998',
      HTTPS_PROXY: 'http://127.0.0.1:59998',
    },
  });
  expect(run.stderr).not.toMatch(/Error/);
  const attempts: string[] = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '');
  expect(attempts.length).toBeGreaterThan(0);
  expect(attempts.filter((attempt) => !/127\.0\.0\.1/.test(attempt) || !/59999/.test(attempt))).toEqual([]);
}, 30_000);
