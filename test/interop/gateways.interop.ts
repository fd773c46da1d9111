import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lexicographicSortSchema, parse, print, printSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXAMPLES } from '../../gateway/page/static/explorer/examples.js';
import { SUPERGRAPH_SDL } from '../../gateway/plan/supergraph.ts';
import { parseSchema } from '../../subgraphs/kernel/graphql/descriptions.ts';
import { buildApiSchema } from '../support/api-schema.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, RUN_KEY_ENCRYPTION_KEY, type TestHub } from '../support/hub.ts';
import { type SeparateProcesses, startProcesses } from '../support/separate-processes.ts';

/** Composers and gateways that are not the hub's: they take the same subgraphs, and answer the same. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PEERS = join(ROOT, 'test/interop/peers');
/** The log of the seeded template belongs to this name. */
const LOG_ORIGIN = 'tongquan.test/yudu/seals';
const NAMES = ['matters', 'cases', 'licenses', 'seals'] as const;

let folder: string;
beforeAll(() => {
  if (!existsSync(join(PEERS, 'node_modules'))) throw new Error('run `npm ci --prefix test/interop/peers` first');
  folder = mkdtempSync(join(tmpdir(), 'tongquan-gateways-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("another composer makes the same public schema of the subgraphs as Apollo's", () => {
  const services = NAMES.map((name) => {
    const file = join(folder, `${name}.graphql`);
    const typeDefs = readFileSync(join(ROOT, `subgraphs/${name}/schema.graphql`), 'utf8');
    writeFileSync(file, print(parseSchema(typeDefs)));
    return `${name}=${file}`;
  });
  const { stdout, stderr, status } = spawnSync(process.execPath, ['compose.mjs', ...services], {
    ...{ cwd: PEERS, encoding: 'utf8', maxBuffer: 16 * 1_048_576 },
  });
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout.trim()).toBe(printSchema(lexicographicSortSchema(buildApiSchema())));
});

describe('Hive Gateway before the separate processes of the subgraphs', () => {
  let hub: TestHub;
  let processes: SeparateProcesses;
  let hive: ChildProcess;
  let hiveUrl: string;
  beforeAll(async () => {
    hub = await createTestHub();
    for (const [serial, route] of [ROUTES.DIRECT, ROUTES.SUBSTANTIVE_REVIEW].entries()) {
      await issueGrantedLicense(hub, route, await grantCase(hub, route), serial + 1);
    }
    processes = await startProcesses(hub.databaseUrls, {
      keyEncryptionKey: RUN_KEY_ENCRYPTION_KEY,
      logOrigin: LOG_ORIGIN,
    });
    const supergraph = join(folder, 'supergraph.graphql');
    writeFileSync(
      supergraph,
      NAMES.reduce(
        (sdl, name) => sdl.replace(`http://${name}.invalid/graphql`, processes.subgraphs[name]),
        SUPERGRAPH_SDL,
      ),
    );
    hive = spawn(process.execPath, ['hive.mjs', supergraph], { cwd: PEERS, stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = await once(hive.stdout ?? hive, 'data');
    hiveUrl = `http://127.0.0.1:${String(port).trim()}`;
  });
  afterAll(async () => {
    hive?.kill('SIGKILL');
    processes?.stop();
    await hub?.stop();
  });

  const ask = async (url: string, person: string | null, query: string, variables: object = {}) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', accept: 'application/json' },
        ...(person === null ? {} : { authorization: `Bearer ${await hub.token(person)}` }),
      },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors = [] } = (await response.json()) as { data: unknown; errors?: AnswerError[] };
    const faults = errors.map(({ path, extensions }) => `${path?.join('.')} ${extensions?.code}`);
    return { data, faults: faults.sort() };
  };
  interface AnswerError {
    path?: string[];
    extensions?: { code?: string };
  }

  const PEOPLE = [null, 'applicant-company', 'yudu-lyj.clerk', 'yudu-sjj.reviewer', 'yudu-lyj.supervisor', 'auditor'];

  /** Queries that cross subgraphs, lose a part of the screen, or find nothing. */
  const QUERIES: Record<string, string> = {
    'a license whole': `{ licenses(first: 5) { edges { node { number state holder { name code } issuer { name }
      matter { displayName countyOrgan { name } } case { number step applicant { name } } paper { blankNumber state }
      document { digest signature { seal { name organ { name } } } } acts { act at } collection { state } } } } }`,
    'cases with their licenses': `{ cases(first: 5) { edges { node { number step matter { name } license { number state }
      waitsFor { organs { name } } actions { name allowed refusal { code } clause } } } } }`,
    'a screen of which parts are refused': `{ matters(first: 2) { totalCount edges { node { name } } }
      cases(first: 2) { edges { node { number } } } sealUses(first: 2) { edges { node { act matter { name } } } } }`,
    'nothing found': '{ license(identifier: "1.2.156.3005.2.11360700MB0000000A.1") { number case { number } } }',
    'a wrong argument': '{ matters(first: 0) { totalCount } licenses(first: 1) { edges { node { number } } } }',
  };

  test.each(Object.entries(QUERIES))('%s is answered the same', async (_, query) => {
    for (const person of PEOPLE) {
      const [ours, theirs] = await Promise.all([ask(processes.gateway, person, query), ask(hiveUrl, person, query)]);
      expect([person, theirs]).toEqual([person, ours]);
    }
  });

  test.each(EXAMPLES.map((example) => [example.key, example] as const))(
    'the example %s of the explorer is answered the same',
    async (_, { person, query, variables }) => {
      const ours = await ask(processes.gateway, person, query, variables);
      expect(ours.faults).toEqual([]);
      expect(await ask(hiveUrl, person, query, variables)).toEqual(ours);
    },
  );

  test('every query printed in README and docs that needs no variables is answered the same', async () => {
    const pages = [
      'README.md',
      ...readdirSync(join(ROOT, 'docs'))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `docs/${name}`),
    ];
    const printed = pages.flatMap((page) =>
      [...readFileSync(join(ROOT, page), 'utf8').matchAll(/```graphql\n(.*?)```/gs)].map(([, block = '']) => block),
    );
    const plain = printed.filter((block) => !/\$|mutation/.test(block));
    expect(plain).not.toEqual([]);
    for (const query of plain.map((block) => print(parse(block)))) {
      const ours = await ask(processes.gateway, 'auditor', query);
      expect([query, await ask(hiveUrl, 'auditor', query)]).toEqual([query, ours]);
    }
  });
});
