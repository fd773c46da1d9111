import { buildClientSchema, getIntrospectionQuery } from 'graphql';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Person, ROLES } from '../../subgraphs/kernel/actor.ts';
import { startLog } from '../../subgraphs/kernel/environment/log.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { type Place, placesBelowRoots, placesOfRoots, writeOperation } from '../support/arguments.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/**
 * The name, codes and telephone number of a person in every text of every query and mutation, found by walking the
 * schema: no line of the log has them, and no text makes a line of its own. First the hub answers or refuses, then its
 * tables are gone and it fails.
 */

const [NAME, CITIZEN, USCC, MOBILE] = ['罗德福', '11010519491231002X', '91000000MA0000001R', '13987654321'];
const CANARIES = [NAME, CITIZEN, USCC, MOBILE];
const PLAIN = CANARIES.join(' ');
/** What could end or hide a line: line breaks of every kind, ANSI, bidirectional control, the end of a JSON text. */
const FORGING = `${PLAIN}"}\r\n{"level":"error","event":"forged"}\n\u001b[2K\u0085\u2028\u2029\u202e`;
const MAX_LINE_CHARS = 10_000;

let hub: TestHub;
let token: string;
let places: Place[];
const lines: string[] = [];
const errorOutput: string[] = [];

beforeAll(async () => {
  startLog({ service: 'hub', level: 'debug', write: (line) => lines.push(line) });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => errorOutput.push(String(text)) > 0);
  vi.spyOn(console, 'error').mockImplementation((...texts) => void errorOutput.push(texts.map(String).join(' ')));
  hub = await createTestHub({ onFault: undefined });
  // Somebody with every role, so that no value is stopped by who sends it.
  const person: Person = {
    ...requireDemoPerson('yudu-lyj.approver'),
    name: NAME ?? '',
    roles: ROLES,
    window: '360731',
  };
  token = await tokenFor({ ...person, holderCode: USCC ?? null }, new Date());
  const schema = buildClientSchema((await send(getIntrospectionQuery(), {})).data);
  places = [...placesOfRoots(schema), ...placesBelowRoots(schema)].filter(({ scalar }) => scalar !== 'Boolean');
}, 60_000);
afterAll(async () => {
  vi.restoreAllMocks();
  await hub?.stop();
  startLog({ service: 'hub', level: 'error' });
});

async function send(query: string, variables: Record<string, unknown>) {
  const headers = { authorization: `Bearer ${token}` };
  const payload = { query, variables };
  return (await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload })).json();
}

/** Sends the canaries in every place. Returns how many answers are faults. */
async function walk(): Promise<number> {
  let faults = 0;
  for (const place of places) {
    for (const text of [PLAIN, FORGING]) {
      const variables = place.fill(text);
      const { errors = [] } = await send(writeOperation(place, variables), variables);
      const codes = errors.map(({ extensions }: { extensions?: { code?: string } }) => extensions?.code);
      if (codes.includes('INTERNAL_SERVER_ERROR')) faults++;
    }
  }
  return faults;
}

function expectCleanLines(): void {
  for (const line of [...lines, ...errorOutput]) {
    for (const canary of CANARIES) expect([line, line.includes(canary ?? '')]).toEqual([line, false]);
    expect(line.length).toBeLessThan(MAX_LINE_CHARS);
  }
  for (const line of lines) {
    expect(line).toMatch(/^\{[\x20-\x7e…]+\}\n$/);
    expect(JSON.parse(line).event).not.toBe('forged');
  }
}

test('no text of a caller reaches a line of the log, whether it is answered, refused, or the hub fails', async () => {
  expect(places.length).toBeGreaterThan(250);
  expect(await walk()).toBe(0);
  const refused = lines.length;
  expectCleanLines();
  const sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  for (const schema of ['matters', 'cases', 'licenses', 'seals'])
    await sql.unsafe(`alter schema ${schema} rename to lost_${schema}`);
  await sql.end();
  expect(await walk()).toBeGreaterThan(100);
  expect(lines.length).toBeGreaterThan(refused + 100);
  expectCleanLines();
}, 300_000);
