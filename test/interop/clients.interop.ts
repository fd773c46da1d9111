import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { printSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApiSchema } from '../support/api-schema.ts';
import { COMPANY, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** The three usual clients of GraphQL take the schema as it is: ids, connections and payloads need no settings. */

const PEERS = fileURLToPath(new URL('peers', import.meta.url));

beforeAll(() => {
  if (!existsSync(join(PEERS, 'node_modules'))) throw new Error('run `npm ci --prefix test/interop/peers` first');
});

describe("Relay's compiler", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tongquan-relay-'));
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'schema.graphql'), printSchema(buildApiSchema()));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const compile = (source: string) => {
    writeFileSync(join(folder, 'src/screen.js'), `import { graphql } from 'relay-runtime';\n${source}`);
    return spawnSync(process.execPath, ['relay.mjs', folder], { cwd: PEERS, encoding: 'utf8' });
  };

  test('compiles fragments that fetch an object again by its id, pages in both directions, and mutations', () => {
    const { status, stdout, stderr } = compile(`
      graphql\`fragment screen_license on License @refetchable(queryName: "screenLicenseQuery") {
        number state case { ...screen_case }
      }\`;
      graphql\`fragment screen_case on Case @refetchable(queryName: "screenCaseQuery") { number step }\`;
      graphql\`fragment screen_cases on Query @refetchable(queryName: "screenCasesQuery")
        @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" }) {
        cases(first: $count, after: $cursor) @connection(key: "screen_cases") { edges { node { ...screen_case } } }
      }\`;
      graphql\`query screenQuery { ...screen_cases licenses(first: 5) { edges { node { ...screen_license } } } }\`;
      graphql\`mutation screenExamineMutation($input: ExamineCaseInput!) {
        examineCase(input: $input) { case { ...screen_case } refusals { code message path } }
      }\`;
    `);
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual([
      'screenCaseQuery.graphql.js',
      'screenCasesQuery.graphql.js',
      'screenExamineMutation.graphql.js',
      'screenLicenseQuery.graphql.js',
      'screenQuery.graphql.js',
      'screen_case.graphql.js',
      'screen_cases.graphql.js',
      'screen_license.graphql.js',
    ]);
  });

  test('refuses a fragment that the schema does not fit', () => {
    const { status, stderr } = compile('graphql`fragment screen_matter on Matter { nonsense }`;');
    expect([status, stderr.includes('nonsense')]).toEqual([1, true]);
  });
});

describe('normalised caches', () => {
  let hub: TestHub;
  let address: string;
  beforeAll(async () => {
    hub = await createTestHub();
    address = await hub.hub.app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(() => hub?.stop());

  const run = (script: string, ...args: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [script, address, ...args], { cwd: PEERS });
      const output = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (chunk) => (output[name] += chunk));
      child.once('exit', (code) => (code === 0 ? resolve(output.stdout) : reject(new Error(output.stderr))));
    });
  const acceptCase = async (): Promise<string> => {
    const input = { matter: ROUTES.DIRECT.matter, applicant: COMPANY, fields: [{ label: '树种', text: '杉木' }] };
    const accepted = await runMutation(
      hub,
      ROUTES.DIRECT.accepts,
      'acceptCase',
      'ApplicationInput',
      input,
      'case { id }',
    );
    return accepted.case.id;
  };
  const listMatters = async (first: number): Promise<string[]> => {
    const { data } = await hub.ask(null, `{ matters(first: ${first}) { edges { node { name } } } }`);
    return data.matters.edges.map(({ node }: { node: { name: string } }) => node.name);
  };

  test("Apollo Client's: a mutation's answer changes the case on every screen, and pages join", async () => {
    const answer = JSON.parse(await run('apollo.mjs', await hub.token(ROUTES.DIRECT.examines), await acceptCase()));
    expect(answer).toMatchObject({
      steps: ['ACCEPTED', 'EXAMINED', 'EXAMINED', 'EXAMINED'],
      refusals: [],
      matters: await listMatters(6),
    });
    expect(answer.caseKeys).toBe(answer.listedOnce);
  });

  test("urql's: it reads the schema without a warning, keeps what a refusal did not change, and pages join", async () => {
    const answer = JSON.parse(await run('urql.mjs', await hub.token(ROUTES.DIRECT.decides), await acceptCase()));
    expect(answer).toEqual({
      ...{ step: 'ACCEPTED', cachedStep: 'ACCEPTED', refusals: ['CASE_STEP_NOT_ALLOWED'], warnings: [] },
      matters: await listMatters(6),
    });
  });
});
