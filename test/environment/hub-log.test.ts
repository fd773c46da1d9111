import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type HubLog, openHubLog } from '../../scripts/hub/log.ts';
import { logFailure, logFault, logRequest, runWithSubject } from '../../subgraphs/kernel/environment/log.ts';

/** The file of the log: its size, and a disk that is full. */

let folder: string;
let log: HubLog | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tongquan-log-'));
});
afterEach(() => {
  log?.close();
  log = null;
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});
const path = (name: string) => join(folder, name);
const MAX_BYTES = 2_000;

test('a large log is set aside while the hub runs, and no line is lost between', () => {
  log = openHubLog(folder, 'info', MAX_BYTES);
  // Of a message the log keeps its UUIDs.
  const written: string[] = [];
  while (!existsSync(path('hub.log.1')) && written.length < 100) {
    const id = randomUUID();
    logFailure(id);
    written.push(id);
  }
  const text = readFileSync(path('hub.log.1'), 'utf8') + readFileSync(path('hub.log'), 'utf8');
  const ids = [...text.matchAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g)].map(([id]) => id);
  expect(ids).toEqual(written);
  expect(statSync(path('hub.log.1')).size).toBeGreaterThan(MAX_BYTES);
  expect(statSync(path('hub.log')).size).toBeLessThan(MAX_BYTES);
});

test('requests that callers got wrong wash away no fault; a request with a fault stands beside it', () => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  log = openHubLog(folder, 'info', MAX_BYTES);
  const incident = randomUUID();
  logFault(incident, new Error('broken'));
  logRequest({ subject: { incident }, status: 500, ms: 1 });
  for (const status of [400, 404, 429, 503])
    for (let i = 0; i < 100; i++)
      runWithSubject({ request: randomUUID() }, () => logRequest({ subject: {}, status, ms: 1 }));
  const lines = readFileSync(path('hub.log'), 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { event: 'fault', incident },
    { event: 'request', incident, status: 500 },
  ]);
  expect(existsSync(path('hub.log.1'))).toBe(false);
  expect(statSync(path('requests.log.1')).size).toBeGreaterThan(MAX_BYTES);
});

test('what earlier runs wrote counts', () => {
  writeFileSync(path('hub.log'), 'x'.repeat(MAX_BYTES + 1));
  log = openHubLog(folder, 'info', MAX_BYTES);
  logFailure('first');
  expect(readFileSync(path('hub.log'), 'utf8')).toContain('first');
  expect(statSync(path('hub.log.1')).size).toBe(MAX_BYTES + 1);
});

test.skipIf(!existsSync('/dev/full'))(
  'a full disk throws nothing: lines go to the error stream, with one notice',
  () => {
    symlinkSync('/dev/full', path('hub.log'));
    const notices = vi.spyOn(console, 'error').mockImplementation(() => {});
    const stream = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    log = openHubLog(folder, 'info');
    logFailure('first');
    logFailure('second');
    expect(stream.mock.calls.map(([line]) => JSON.parse(String(line)).error.message)).toEqual(['first', 'second']);
    expect(notices.mock.calls).toEqual([[expect.stringContaining('ENOSPC')]]);
  },
);
