import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findHub } from '../../scripts/demo/client.ts';
import { boot } from '../../scripts/hub/boot.ts';
import { START_CHECKS, StartRefusal } from '../../scripts/hub/check/checks.ts';
import { serveRefusal } from '../../scripts/hub/check/refusing.ts';
import { askWitnesses, describeSilence } from '../../scripts/hub/check/witness-sizes.ts';
import { findFreePort } from '../../scripts/hub/port.ts';

/** What is next to a hub that refused to start: the demo, a second start, witnesses that are away. */

const HOST = '127.0.0.1';
const [check] = START_CHECKS;
if (!check) throw new Error('no check');
const refusal = new StartRefusal(check, { zh: '目录有误', en: 'the folder is wrong' });
const dataFolder = join(tmpdir(), 'tongquan-no-hub');
let port: number;
let app: FastifyInstance;

beforeAll(async () => {
  port = await findFreePort();
  app = await serveRefusal(refusal, { host: HOST, port });
});
afterAll(() => app?.close());

test('the demo does not go on beside it: it names the code and the message', async () => {
  const lines: string[] = [];
  const place = { HOST, PORT: port, DATA_FOLDER: dataFolder };
  const error = await findHub(place, (line) => lines.push(line)).catch((reason) => reason);
  expect(String(error)).toContain(refusal.message);
  expect(String(error)).toContain(refusal.check.code);
  expect(lines).toEqual([]);
});

test('a second start says that it holds the port', async () => {
  const options = { dataFolder, host: HOST, port, libraryPort: await findFreePort() };
  const start = boot({ ...options, databaseUrl: null, withLibrary: false, say: () => {} });
  await expect(start).rejects.toThrow(`由拒绝运行的系统占用（${refusal.check.code}）`);
});

test('a witness that does not tell its size is named; one that has signed more too', async () => {
  const answers: Record<string, [number, string]> = {
    '/equal': [200, '— name signature'],
    '/ahead': [409, '9\n'],
    '/behind': [409, '3\n'],
    '/broken': [409, 'x'],
    '/unknown': [404, ''],
  };
  const server = createServer((request, reply) => {
    const [status, body] = answers[(request.url ?? '').replace('/add-checkpoint', '')] ?? [500, ''];
    reply.writeHead(status).end(body);
  });
  const witnessPort = await findFreePort();
  await new Promise<void>((done) => server.listen(witnessPort, HOST, done));
  const witnesses = Object.keys(answers).map((path) => ({
    vkey: `w${path.replace('/', '-')}+1+key`,
    url: `http://${HOST}:${witnessPort}${path}`,
  }));
  witnesses.push({ vkey: 'w-away+1+key', url: `http://${HOST}:${await findFreePort()}` });
  const result = await askWitnesses({ size: 5, note: 'note' }, witnesses);
  server.close();
  expect(result).toEqual({
    aheadWitnesses: [{ name: 'w-ahead', size: 9 }],
    silentWitnesses: [{ name: 'w-broken' }, { name: 'w-unknown' }, { name: 'w-away' }],
  });
  expect(describeSilence('w-away')).toMatch(/见证人 w-away .* — witness w-away did not answer[^\n]*$/);
});
