import { buildClientSchema, type GraphQLSchema, getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROLES } from '../../subgraphs/kernel/actor.ts';
import { FILE_INPUT } from '../../subgraphs/kernel/graphql/inputs.ts';
import { MAX_INPUT_FILE_CHARS, MAX_INPUT_ID_CHARS, MAX_INPUT_TEXT_CHARS } from '../../subgraphs/kernel/text.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { type Place, placesBelowRoots, placesOfRoots, writeOperation } from '../support/arguments.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { type Answer, createTestHub, type TestHub } from '../support/hub.ts';
import { proposeLedger } from '../support/ledger.ts';
import { prepareAct } from '../support/own-act.ts';
import { importDelegations } from '../support/proposal.ts';
import { sampleCases } from '../support/sample.ts';
import { submitApplication } from '../support/seal-applications.ts';
import { recordFinding } from '../support/supervision.ts';

/**
 * Every argument and every input field of the composed schema gets bad values of its type: some in each run, chosen by
 * the seed, and all in a whole run. A new argument is covered by itself: its type says which values are bad.
 */

/** How many values of a kind a run tries in one place, unless it tries all. */
const VALUES = 3;

/** Wrong in every argument of its type: refused as BAD_USER_INPUT, which names the argument. */
const WRONG: Record<string, unknown[]> = {
  String: ['甲\u0000', '\ud800乙'],
  ID: ['甲\u0000', '\ud800乙', '\u202eabc', 'a\nb', 'x'.repeat(MAX_INPUT_ID_CHARS + 1)],
  Date: ['2026-02-29', '0000-01-01', '10000-01-01', '2026-1-1', '', '2026-01-01T00:00:00Z', 5, {}],
  DateTime: ['2026-02-29T00:00:00Z', '0000-01-01T00:00:00Z', '+010000-01-01T00:00:00Z', '2026-01-01', '', 5, {}],
  Int: [2_147_483_648, -2_147_483_649, 1.5, '1'],
  Boolean: ['true', 0],
};
/** Also wrong in a file. */
const WRONG_IN_FILES = ['x'.repeat(MAX_INPUT_FILE_CHARS + 1)];
/** Also wrong unless the argument holds a file. */
const WRONG_OUTSIDE_FILES = ['\u202eabc', '甲\u200b乙', 'a\r\nb', 'x'.repeat(MAX_INPUT_TEXT_CHARS + 1)];
/** Also wrong by the argument's name: pages that no list has, and cursors that no list gave. */
const WRONG_IN_PAGES: Record<string, unknown[]> = {
  first: [-2_147_483_648, -1, 0, 101, 2_147_483_647],
  after: [' ', 'x', 'W10', '{"a":[', Buffer.from('["\\u0000"]').toString('base64url'), '2026-01-01'],
};
/**
 * Of the right form and yet hardly what the argument means: answered with data, a refusal as data, or BAD_USER_INPUT.
 */
const STRANGE: Record<string, unknown[]> = {
  String: [
    '',
    ' ',
    '甲\n乙',
    '%_\\\'"',
    '😀',
    'W10',
    Buffer.from('["\\u0000"]').toString('base64url'),
    '{"a":[',
    '0001-01-01',
  ],
  ID: [
    '',
    ' ',
    'x',
    '%_\\\'"',
    '00000000-0000-0000-0000-00000000000g',
    '11111111-1111-4111-8111-111111111111',
    '9'.repeat(200),
  ],
  Date: ['0001-01-01', '9999-12-31'],
  DateTime: ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999Z'],
  Int: [-2_147_483_648, -1, 0, 2_147_483_647],
  Boolean: [],
};
/** What no answer may contain: words of the database and of stack traces. */
const INSIDE = /Failed query|select |insert into|\bat \w+ \(|node_modules|PostgresError/i;

let hub: TestHub;
let token: string;
const faults: unknown[] = [];

beforeAll(async () => {
  hub = await createTestHub({ onFault: (_incident, error) => faults.push(error) });
  // Somebody who holds every position, so that no value is stopped by who sends it.
  const person = { ...requireDemoPerson('yudu-lyj.approver'), roles: ROLES, window: '360731' };
  token = await tokenFor({ ...person, holderCode: requireDemoPerson('applicant-company').holderCode }, new Date());
});
afterAll(() => hub.stop());

async function send(query: string, variables: Record<string, unknown>): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await hub.hub.app.inject({
    method: 'POST',
    url: '/graphql',
    headers,
    payload: { query, variables },
  });
  return { status: response.statusCode, ...response.json() };
}

async function readSchema(): Promise<GraphQLSchema> {
  const { data } = await send(getIntrospectionQuery(), {});
  return buildClientSchema(data);
}

function ask(place: Place, variables: Record<string, unknown>): Promise<Answer> {
  return send(writeOperation(place, variables), variables);
}

const isFile = async (coordinate: string) => (await filesOf()).has(coordinate);
let files: Set<string> | null = null;

/** The coordinates that take a file, as the hub shows: they accept CR LF. */
async function filesOf(): Promise<Set<string>> {
  files ??= new Set(
    (
      await Promise.all(
        placesOfRoots(await readSchema())
          .filter(({ scalar }) => scalar === 'String')
          .map(async (place) => {
            const { errors } = await ask(place, place.fill('a\r\nb'));
            const isRefusedForm = errors?.[0]?.message.includes('U+000D') ?? false;
            return isRefusedForm ? [] : [place.coordinate];
          }),
      )
    ).flat(),
  );
  return files;
}

/** Every bad value of a place. */
async function listWrong(place: Place): Promise<unknown[]> {
  const wrong = WRONG[place.scalar];
  if (!wrong) throw new Error(`${place.coordinate}: say what is wrong for ${place.scalar}`);
  const texts = (await isFile(place.coordinate)) ? WRONG_IN_FILES : WRONG_OUTSIDE_FILES;
  const pages = WRONG_IN_PAGES[place.path] ?? [];
  return [...wrong, ...pages, ...(place.scalar === 'String' ? texts : [])];
}

/** Sends every bad value to every place. Returns what was not refused as BAD_USER_INPUT with the argument's name. */
async function listUnrefused(places: readonly Place[]): Promise<string[]> {
  const unexpected: string[] = [];
  for (const place of places) {
    for (const value of sampleCases(`wrong ${place.coordinate}`, await listWrong(place), VALUES)) {
      const { errors } = await ask(place, place.fill(value));
      const { code, argument } = (errors?.[0]?.extensions ?? {}) as { code?: string; argument?: string };
      const isNamed = code === 'BAD_USER_INPUT' && argument === place.path;
      if (!isNamed || INSIDE.test(JSON.stringify(errors))) {
        const name = `${place.parent.name}.${place.field.name}`;
        unexpected.push([name, place.path, String(value).slice(0, 20), code, argument, errors?.[0]?.message].join(' '));
      }
    }
  }
  return unexpected;
}

/** Sends every strange value to every place. Returns what was answered with a fault. */
async function listFaults(places: readonly Place[]): Promise<string[]> {
  const unexpected: string[] = [];
  for (const place of places) {
    for (const value of sampleCases(`strange ${place.coordinate}`, STRANGE[place.scalar] ?? [], VALUES)) {
      const answer = await ask(place, place.fill(value));
      const codes = (answer.errors ?? []).map(({ extensions }) => extensions.code);
      const isBad = codes.some((code) => code !== 'BAD_USER_INPUT' && code !== 'FORBIDDEN');
      if (isBad || INSIDE.test(JSON.stringify(answer))) {
        unexpected.push(
          [place.field.name, place.path, String(value).slice(0, 40), JSON.stringify(answer.errors)].join(' '),
        );
      }
    }
  }
  return unexpected;
}

describe('every argument of every query and mutation', () => {
  test('wrong values are BAD_USER_INPUT and name the argument', async () => {
    const places = placesOfRoots(await readSchema());
    expect(places.length).toBeGreaterThan(200);
    expect(await listUnrefused(places)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test('the files are those that say so', async () => {
    expect([...(await filesOf())].sort()).toEqual([
      'AddPlatformKeyInput.publicKey',
      'ImportDelegationsInput.csv',
      'ImportGuideInput.text',
      'ImportLicenseTypeInput.text',
      'ImportOrgansInput.csv',
      'ProposeRegistrationInput.file',
      'RegisterPlatformInput.publicKey',
      'SealCertificateInput.certificates',
      'SealPictureInput.picture',
      'VerifyLicenseInput.document',
      'VerifyLicenseInput.signature',
    ]);
    expect(FILE_INPUT.form).toBe('FILE');
  });

  test('strange values are answered, never with a fault', async () => {
    expect(await listFaults(placesOfRoots(await readSchema()))).toEqual([]);
    expect(faults).toEqual([]);
  });
});

describe('every argument of every field below the roots', () => {
  beforeAll(async () => {
    // The seed imports no list, and an import has changes to page through.
    const csv = 'matter,valid_from,outcome_name\nyd2022-1-07,2100-01-01,新林木采伐许可证';
    expect((await importDelegations(hub, { csv }, 'unchanged')).import).not.toBeNull();
    // One of each that has actions: cases, a task, a license, a proposed act, a push, a finding, a ledger, blanks on
    // their way.
    const [route, granted] = [ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT)];
    const { identifier } = await issueGrantedLicense(hub, route, granted, 1);
    expect((await prepareAct(hub, 'yudu-lyj.reviewer', 'suspend', { identifier })).proposal).not.toBeNull();
    const webhook = { url: 'http://127.0.0.1:9/a', organ: 'yudu-slj' };
    await runMutation(hub, 'administrator', 'registerWebhook', 'RegisterWebhookInput', webhook, '__typename');
    const grant = { seal: 'yudu-slj-license-seal', matter: route.matter, reason: '示范' };
    expect((await submitApplication(hub.ask, 'yudu-slj.keeper', 'applyForSealGrant', grant)).refusal).toBeNull();
    await recordFinding(hub, 'yudu-lyj.supervisor', { case: granted, kind: 'NOTICE', text: '请核对' });
    await grantCase(hub, route);
    const ledger = `证照编号,持证主体,持证主体代码,颁发日期,有效期截止\n旧字1号,${COMPANY.name},${COMPANY.code},2019-03-05,长期\n`;
    await proposeLedger(hub, 'yudu-lyj.reviewer', route.matter, ledger);
    const transfer = { organ: 'yudu-slj', prefix: route.blanks, from: 160, to: 161, remark: '调剂' };
    await runMutation(hub, 'yudu-lyj.keeper', 'transferBlanks', 'TransferBlanksInput', transfer, '__typename');
  });

  test('wrong values are BAD_USER_INPUT and name the argument', async () => {
    const places = placesBelowRoots(await readSchema());
    expect(new Set(places.map(({ parent, field }) => `${parent.name}.${field.name}`)).size).toBeGreaterThan(5);
    expect(await listUnrefused(places)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test('strange values are answered, never with a fault', async () => {
    expect(await listFaults(placesBelowRoots(await readSchema()))).toEqual([]);
    expect(faults).toEqual([]);
  });
});
