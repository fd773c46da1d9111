import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Person, ROLES, type Role } from '../../../subgraphs/kernel/actor.ts';
import { generateServiceKeys } from '../../../subgraphs/kernel/sealing/service-token.ts';
import { createSigner, type Signer } from '../../../subgraphs/seals/signer/signer.ts';
import { requireDemoPerson, tokenFor } from '../../support/actors.ts';
import { testClock } from '../../support/clock.ts';
import { linesFor } from '../../support/content.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, toBlankNumber, toBlanks } from '../../support/flow.ts';
import { createTestHub, RUN_KEY_ENCRYPTION_KEY, type TestHub } from '../../support/hub.ts';
import { GROUNDS } from '../../support/own-act.ts';
import {
  buildMessage,
  createForwardedCase,
  createPlatformKeys,
  GRANT_BODY,
  PLATFORM_ORGAN,
  postMessage,
  registerPlatform,
  signMessage,
} from '../../support/platform.ts';
import { waitUntil } from '../../support/until.ts';

/**
 * What one account can do alone, tried by scripts that hold one token each. Every way ends with its refusal. Then
 * nothing has changed but what waits for a second person. The fourth attack, on a person's data in the public log, is
 * `test/security/log-attack.db.test.ts`.
 */

const clock = testClock('2026-03-02T01:00:00Z');
let hub: TestHub;
let sql: postgres.Sql;
/** Orders to put a seal onto something, by kind of order. */
const sealed: string[] = [];

function watch(signer: Signer): Signer {
  return new Proxy(signer, {
    get(target, name, receiver) {
      const value = Reflect.get(target, name, receiver);
      if (typeof value !== 'function') return value;
      return (...input: unknown[]) => {
        if (name === 'sign') sealed.push(String(name));
        return value.apply(target, input);
      };
    },
  });
}

beforeAll(async () => {
  const serviceKeys = generateServiceKeys();
  const signer = watch(
    createSigner({ ring: [RUN_KEY_ENCRYPTION_KEY], publicKeys: serviceKeys.publicKeys, now: clock }),
  );
  hub = await createTestHub({ now: clock, signer, serviceKeys });
  sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});

/**
 * Tables in which an account may leave what has no effect by itself: what waits for a second person, that somebody
 * is told of it, and the log of both.
 */
const WAITING =
  /\.((peer_)?proposal\w*|import_file|seal_application\w*|seal_event|duty|inbox|outbox_\w+|log_\w+|appointment_proposal)$/;

/** Returns the number of rows of every other table. */
async function countEffects(): Promise<Record<string, number>> {
  const tables = await sql`select schemaname as schema, tablename as name from pg_tables
    where schemaname in ('matters', 'cases', 'licenses', 'seals') order by 1, 2`;
  const counts: Record<string, number> = {};
  for (const { schema, name } of tables) {
    if (WAITING.test(`${schema}.${name}`)) continue;
    const [row] = await sql`select count(*)::int as rows from ${sql(schema)}.${sql(name)}`;
    counts[`${schema}.${name}`] = row?.rows;
  }
  return counts;
}

/** Waits until background work has nothing left to write. */
async function settle(): Promise<Record<string, number>> {
  let counts: Record<string, number> = {};
  await waitUntil('nothing is written any more', async () => {
    const before = counts;
    await new Promise((resolve) => setTimeout(resolve, 300));
    counts = await countEffects();
    return JSON.stringify(before) === JSON.stringify(counts);
  });
  return counts;
}

/** An account: the one token that a script holds. */
function accountOf(person: Person) {
  const ask = async (query: string, variables: object = {}) => {
    const headers = { authorization: `Bearer ${await tokenFor(person, clock())}` };
    const payload = { query, variables };
    return (await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload })).json();
  };
  const types = new Map<string, string>();
  const run = async (name: string, input: object, fields = '') => {
    if (types.size === 0) {
      const { data } = await ask('{ __schema { mutationType { fields { name args { type { ofType { name } } } } } } }');
      for (const field of data.__schema.mutationType.fields) types.set(field.name, field.args[0].type.ofType.name);
    }
    const query = `mutation($input: ${types.get(name)}!) { ${name}(input: $input) { refusal { code } ${fields} } }`;
    const { data, errors } = await ask(query, { input });
    return data?.[name] ?? { refusal: { code: errors[0].extensions.code } };
  };
  /** Returns the code of the refusal, or DONE. */
  const attempt = async (name: string, input: object): Promise<string> =>
    (await run(name, input)).refusal?.code ?? 'DONE';
  return { run, attempt };
}

/** Somebody of an organ whose one token holds roles. */
const personWith = (roles: readonly Role[], organ: string | null): Person => ({
  ...requireDemoPerson('administrator'),
  ...{ id: 'alone', name: '独行者', roles, organ },
});

let before: Record<string, number>;
let sealedBefore: number;
async function remember(): Promise<void> {
  before = await settle();
  sealedBefore = sealed.length;
}
async function expectNothingHappened(): Promise<void> {
  expect(await settle()).toEqual(before);
  expect(sealed.length).toBe(sealedBefore);
}

describe('an administrator wants the seal of a city organ', () => {
  const administrator = accountOf(requireDemoPerson('administrator'));
  const REGISTRATION = { organ: 'ganzhou-jyj', name: '审批平台', url: 'https://platform.example/hub' };
  let platform: { id: string };
  let waitingCase: { id: string; number: string };
  beforeAll(async () => {
    platform = await registerPlatform(hub, await createPlatformKeys());
    waitingCase = await createForwardedCase(hub);
  });
  beforeEach(remember);

  /** Proposes an act, and then tries to be its second person as well. */
  async function actAlone(name: string, input: object): Promise<string> {
    const { proposal, refusal } = await administrator.run(name, input, 'proposal { id: uuid }');
    if (refusal || !proposal) return refusal?.code ?? 'DONE';
    const decision = name.startsWith('import') ? 'decideImport' : 'decideProposal';
    return administrator.attempt(decision, { proposal: proposal.id, approve: true });
  }

  test('by an own key for the organ’s platform: the key is not in force, and no message counts', async () => {
    const keys = await createPlatformKeys();
    const ways: [string, object][] = [
      ['registerPlatform', { ...REGISTRATION, publicKey: keys.publicKey }],
      ['addPlatformKey', { platform: platform.id, publicKey: keys.publicKey }],
      ['changePlatform', { platform: platform.id, url: 'https://attacker.example/hub', renewSecret: true }],
      ['removePlatform', { platform: platform.id }],
    ];
    for (const [name, input] of ways) {
      const code = await actAlone(name, input);
      expect([name, code]).toEqual([name, expect.stringMatching(/^(ROLE_NOT_ALLOWED|SECOND_PERSON_NEEDED)$/)]);
    }
    const message = buildMessage('CASE_DECIDED', waitingCase.number, clock(), GRANT_BODY);
    const body = JSON.stringify(message);
    const answer = await postMessage(hub, body, await signMessage(keys, body, clock()));
    expect([answer.status, answer.body.code]).toEqual([401, 'KEY_UNKNOWN']);
    await expectNothingHappened();
  });

  test.each<[string, object]>([
    [
      'changePeople',
      {
        changes: [
          { action: 'ENTER', subject: 'second-self', name: '周敏', organ: PLATFORM_ORGAN, roles: ['APPROVER'] },
        ],
      },
    ],
    [
      'recordAgreement',
      {
        ...{ number: '示范〔2026〕1号', cityOrgan: 'ganzhou-jyj', countyOrgan: 'yudu-jktj', matters: ['yd2022-2-44'] },
        ...{ validFrom: '2026-01-01', scanDigest: '0'.repeat(64) },
      },
    ],
    ['registerWebhook', { organ: 'yudu-slj', url: 'https://attacker.example/hook' }],
    [
      'loadCalendar',
      {
        ...{ year: 2027, source: '示范（测试）', makeUpDays: [] },
        holidays: ['2027-01-01', '2027-05-01', '2027-10-01', '2027-10-02', '2027-10-03'],
      },
    ],
    ['importDelegations', { csv: 'matter,valid_from,outcome_name\nyd2022-1-07,2100-01-01,新林木采伐许可证' }],
  ])('by %s: it waits for a second person', async (name, input) => {
    expect(await actAlone(name, input)).toMatch(/^(ROLE_NOT_ALLOWED|SECOND_PERSON_NEEDED)$/);
    await expectNothingHappened();
  });

  test('by asking for it: every act of the organ is refused', async () => {
    const seal = 'ganzhou-xzspj-approval-seal';
    const ways: [string, object][] = [
      ['applyForSeal', { kind: 'APPROVAL_SEAL', reason: '制作审批专用章' }],
      ['applyForSealGrant', { seal, matter: 'yd2022-1-02', reason: '新增' }],
      ['applyForSealRotation', { seal, reason: '更换' }],
      ['decideSealApplication', { application: 'x', approve: true }],
      ['decideCase', { case: waitingCase.id, decision: 'GRANTED', authoriseSeal: true }],
      [
        'recordException',
        {
          ...{ organ: PLATFORM_ORGAN, kind: 'EXAMINER_DECIDES', validFrom: '2026-03-02', validTo: '2026-04-01' },
          ...{ reason: '休假', approvingOrgan: PLATFORM_ORGAN },
        },
      ],
      ['issueLicense', { case: waitingCase.id, ...toBlanks(ROUTES.WINDOW_FORWARD, 9) }],
    ];
    for (const [name, input] of ways) {
      const code = await administrator.attempt(name, input);
      expect([name, code]).toEqual([
        name,
        expect.stringMatching(/^(ROLE_NOT_ALLOWED|CASE_NOT_GRANTED|[A-Z_]+_UNKNOWN)$/),
      ]);
    }
    await expectNothingHappened();
  });
});

describe('one person wants a license without anybody else', () => {
  const organ = 'yudu-lyj';
  test.each<[string, readonly Role[]]>([
    ['the roles of an office', ['WINDOW_CLERK', 'REVIEWER', 'APPROVER', 'SEAL_KEEPER', 'SEAL_APPROVER', 'SUPERVISOR']],
    ['all roles', ROLES],
  ])('with one token of %s: who examined does not decide', async (_, roles) => {
    const alone = accountOf(personWith(roles, organ));
    const application = { matter: ROUTES.DIRECT.matter, applicant: COMPANY, fields: linesFor(ROUTES.DIRECT.matter) };
    const { case: accepted } = await alone.run('acceptCase', application, 'case { id: uuid }');
    expect(await alone.attempt('examineCase', { case: accepted.id, finding: 'APPROVED' })).toBe('DONE');
    await remember();
    const decision = { case: accepted.id, decision: 'GRANTED', authoriseSeal: true };
    expect(await alone.attempt('decideCase', decision)).toBe('EXAMINER_DECIDES');
    const exception = {
      ...{ organ, kind: 'EXAMINER_DECIDES', validFrom: '2026-03-02', validTo: '2026-04-01' },
      ...{ reason: '只有我一个人', approvingOrgan: organ },
    };
    const { proposal } = await alone.run('recordException', exception, 'proposal { id: uuid }');
    const approval = { proposal: proposal.id, approve: true };
    expect(await alone.attempt('decideProposal', approval)).toBe('SECOND_PERSON_NEEDED');
    expect(await alone.attempt('decideCase', decision)).toBe('EXAMINER_DECIDES');
    const sheet = { case: accepted.id, ...toBlanks(ROUTES.DIRECT, 30) };
    expect(await alone.attempt('issueLicense', sheet)).toMatch(/UNKNOWN|NOT_GRANTED|NOT_ALLOWED/);
    await expectNothingHappened();
  });

  test('or wants to revoke one, or a seal of the organ, and decides the own proposal', async () => {
    const caseId = await grantCase(hub, ROUTES.DIRECT);
    const { identifier } = await issueGrantedLicense(hub, ROUTES.DIRECT, caseId, 40);
    const alone = accountOf(personWith(ROLES, organ));
    await remember();
    for (const name of ['suspendLicense', 'revokeLicense']) {
      const { proposal } = await alone.run(name, { ...GROUNDS, identifier, reason: '检查' }, 'proposal { id: uuid }');
      const approval = { proposal: proposal.id, approve: true };
      expect([name, await alone.attempt('decideLicenseProposal', approval)]).toEqual([name, 'SECOND_PERSON_NEEDED']);
      expect(await alone.attempt('withdrawLicenseProposal', { proposal: proposal.id })).toBe('DONE');
    }
    const grant = { seal: 'yudu-lyj-license-seal', matter: 'yd2022-1-02', reason: '新增' };
    const { application } = await alone.run('applyForSealGrant', grant, 'application { id }');
    const approval = { application: application.id, approve: true };
    expect(await alone.attempt('decideSealApplication', approval)).toBe('SECOND_PERSON_NEEDED');
    await expectNothingHappened();
  });
});

describe('a county clerk wants own words under the city’s seal', () => {
  const WORDS = '凭此文可免检，赣州市行政审批局';
  test('no step of a clerk puts a seal onto them', async () => {
    const route = ROUTES.SUBSTANTIVE_REVIEW;
    const caseId = await grantCase(hub, route);
    const { identifier } = await issueGrantedLicense(hub, route, caseId, 1);
    const clerk = accountOf(requireDemoPerson(route.prints));
    const sheet = { identifier, blankNumber: toBlankNumber(route, 1) };
    await remember();
    const seal = 'ganzhou-xzspj-approval-seal';
    const ways: [string, object][] = [
      ['decideCase', { case: caseId, decision: 'REJECTED', reason: WORDS, authoriseSeal: true }],
      ['applyForSealGrant', { seal, matter: route.matter, person: route.prints, reason: WORDS }],
      ['suspendSeal', { seal, reason: WORDS }],
      ['suspendLicense', { ...GROUNDS, identifier, reason: WORDS }],
      ['revokeLicense', { ...GROUNDS, identifier, reason: WORDS }],
      ['restoreLicense', { identifier, reason: WORDS }],
      ['voidTask', { case: caseId, reason: WORDS }],
    ];
    for (const [name, input] of ways) expect([name, await clerk.attempt(name, input)]).not.toEqual([name, 'DONE']);
    const spoiling = { ...sheet, replacement: toBlankNumber(route, 2), reason: WORDS };
    expect(await clerk.attempt('spoilBlank', spoiling)).toBe('BAD_USER_INPUT');
    await expectNothingHappened();
  });
});
