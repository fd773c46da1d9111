import { randomBytes, X509Certificate } from 'node:crypto';
import postgres from 'postgres';
import { beforeAll, describe, expect, test } from 'vitest';
import { SUBGRAPHS } from '../../db/migrate.ts';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import { PURPOSES, type Purpose } from '../../subgraphs/kernel/privacy/purpose.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { POLICIES } from '../policy/fixtures.ts';
import { expectationOf, listMutations } from '../policy/matrix.ts';
import { findFixture, PEOPLE } from '../policy/people.ts';
import { createPolicyHub, type PolicyHub } from '../policy/policy-hub.ts';
import { tokenFor } from '../support/actors.ts';
import { createTestDatabase, makeTemplate } from '../support/database.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, toBlanks } from '../support/flow.ts';
import { createHubOn, makeSeededTemplate, type TestHub, type TestHubOptions } from '../support/hub.ts';
import { issueCertificate } from '../support/pki-builder.ts';

/**
 * Every mutation that has an effect in another subgraph answers when that subgraph knows it. The list is made here:
 * each mutation is carried out on a copy of a policy hub, and the events that it has written are read. Mutations that
 * would meddle with each other take another copy.
 */

/** Copies of the hub. A mutation that an earlier one prevents is tried on the next copy. */
const MAX_COPIES = 8;
/** The longest wait that can be set, so that only an event that does not come ends it. */
const WAIT_MS = 9_000;
/** A guide of a matter that has none, and a county's reduction of a sample guide. */
const GUIDE = {
  ...{ matterId: 'yd2022-1-07', validFrom: '2026-01-01', conditions: ['有林权。'], fees: [], counters: [] },
  steps: [{ name: '受理', what: '核对材料。', limitDays: 1 }],
  materials: [{ code: 'M01', name: '申请表', form: 'ORIGINAL', copies: 2, required: true }],
  ...{ statutoryDays: 20, statutoryBasis: '《中华人民共和国行政许可法》第四十二条', promisedDays: 10 },
};
const OVERLAY = {
  ...{ matterId: 'yd2022-3-31', version: 1, divisionCode: '360731' },
  ...{ validFrom: '2026-03-20', promisedDays: 7 },
};
/** A license type that is new. */
const TYPE = {
  ...{ code: '11000000000090018B099', name: '示范证', validFrom: '2026-04-01', acts: ['ISSUE'] },
  term: { kind: 'NONE' },
  lines: [
    { key: 'scope', label: '范围', kind: 'TEXT', group: 'PERMISSION', required: true, maxLength: 60, source: '某条例' },
  ],
};
const toFile = (content: object) => ({ format: 'JSON', text: JSON.stringify(content) });
/** Another authority, which the hub trusts. */
const AUTHORITY = issueCertificate({ common: '某电子认证服务机构', isCa: true });
const toPem = (certificate: Uint8Array) => new X509Certificate(certificate).toString();

/** Inputs that a policy hub leaves wrong, and that are right. */
const INPUTS: Record<string, object> = {
  importDelegations: { csv: 'matter,valid_from,outcome_name\nyd2022-1-08,2100-01-01,新证' },
  importGuide: toFile(GUIDE),
  importGuideOverlay: toFile(OVERLAY),
  importLicenseType: { text: JSON.stringify(TYPE) },
  importOrgans: { csv: 'organ,valid_from,action,name\nyudu-swj,2100-01-01,RENAME,于都县商务和开放局' },
};

/** Each act by a case on an existing license: by which route, and for which matter of the same license. */
const EXPLORATION = {
  ...ROUTES.WINDOW_FORWARD,
  ...{ matter: 'yd2022-3-01', decides: 'ganzhou-zrzyj.approver', blanks: 'KB0004' },
};
const FOLLOWING = {
  changeLicense: [EXPLORATION, 'yd2022-3-05'],
  renewLicense: [EXPLORATION, 'yd2022-3-02'],
  retainLicense: [EXPLORATION, 'yd2022-3-03'],
  transferLicense: [EXPLORATION, 'yd2022-3-06'],
  reissueLicense: [ROUTES.WINDOW_FORWARD, 'yd2022-3-29'],
  correctLicense: [EXPLORATION, 'yd2022-3-01'],
} as const;

const BUYER = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '110101199001011237' };

/** Grants a case of each act on a license of its own, and builds a certificate for the key of a seal. */
async function completeInputs({ hub, inputs }: PolicyHub): Promise<void> {
  let serial = 10;
  for (const [name, [route, matter]] of Object.entries(FOLLOWING)) {
    const license = await issueGrantedLicense(hub, route, await grantCase(hub, route), serial++);
    const correction = { situation: 'CORRECT', applicant: { ...COMPANY, name: '更正后的名称' }, reason: '笔误' };
    const extra = { correctLicense: correction, transferLicense: { applicant: BUYER } }[name] ?? {};
    const id = await grantCase(hub, route, { matter, licenseNumber: license.number, ...extra });
    INPUTS[name] = { case: id, ...toBlanks(route, serial++) };
  }
  const { certificates } = inputs.enterSealCertificate as { certificates: string };
  const { publicKey } = new X509Certificate(certificates);
  const subject = { organisation: '于都县林业局', common: '于都县林业局证照专用章', issuer: AUTHORITY };
  // Only its issuer signs with a private key.
  const { certificate } = issueCertificate({ ...subject, pair: { ...AUTHORITY.pair, publicKey } });
  INPUTS.enterSealCertificate = { certificates: toPem(certificate) };
}

interface Trial {
  name: string;
  inputType: string;
}
interface Outcome {
  refusal: string | null;
  delayed: string[];
  /** `<consumer> <type>` of each event that it has written for another subgraph. */
  effects: string[];
  /** Those of them that the other subgraph had not taken when the mutation answered. */
  unknown: string[];
}

interface StoredEvent {
  key: string;
  consumer: string;
  type: string;
  isUnknown: boolean;
}

const keys = { serviceKeys: generateServiceKeys(), derivationKey: randomBytes(32) };
const TRIALS: Trial[] = Object.keys(POLICIES).flatMap((subgraph) => listMutations(subgraph));
let policyHub: PolicyHub;
let template: string;

beforeAll(async () => {
  const seeded = await makeSeededTemplate();
  template = await makeTemplate(
    'tongquan_policy',
    async (database) => {
      const keep = { ...database, drop: async () => {} };
      policyHub = await createPolicyHub((options) => createHubOn(keep, { ...keys, ...options }, false));
      await completeInputs(policyHub);
      await policyHub.hub.stop();
    },
    seeded,
  );
}, 120_000);

/** The licenses of a ledger are entered in batches behind the answer that approves it. */
const IN_BATCHES = 'LicensesRegistered';

/** A copy of the policy hub, and a look at its events. */
async function openCopy(options: TestHubOptions = {}) {
  const hub = await createHubOn(
    await createTestDatabase(template),
    { ...keys, now: policyHub.clock, trustedAuthorities: [toPem(AUTHORITY.certificate)], ...options },
    false,
  );
  const sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  const readEvents = async () => {
    const rows = await Promise.all(
      SUBGRAPHS.map(
        (name) => sql`select consumer, type, outbox_event.stream, outbox_event.revision,
            outbox_event.revision > coalesce(cases.revision, licenses.revision, 0) as "isUnknown"
          from ${sql(name)}.outbox_event join ${sql(name)}.outbox_delivery using (stream)
            left join cases.inbox as cases
              on consumer = 'cases' and cases.producer = ${name} and cases.stream = outbox_event.stream
            left join licenses.inbox as licenses
              on consumer = 'licenses' and licenses.producer = ${name} and licenses.stream = outbox_event.stream
          where consumer in ${sql(SUBGRAPHS)} and type <> ${IN_BATCHES}`,
      ),
    );
    return rows
      .flat()
      .map((row) => ({ key: `${row.consumer} ${row.stream} ${row.revision}`, ...row })) as StoredEvent[];
  };
  const stop = async () => {
    await sql.end();
    await hub.stop();
  };
  return { hub, readEvents, stop };
}
type Copy = Awaited<ReturnType<typeof openCopy>>;

function listEffects(events: readonly StoredEvent[]): string[] {
  return [...new Set(events.map(({ consumer, type }) => `${consumer} ${type}`))].sort();
}

/**
 * Whether a person may try a mutation. The licenses of `FOLLOWING` were accepted by a window of this county. Those of
 * the policy hub, whom its fixtures describe, by none.
 */
function mayTry(name: string, person: Person): boolean {
  if (name in FOLLOWING) return person.window === '360731' && person.roles.includes('WINDOW_CLERK');
  return expectationOf(findFixture(policyHub, name), person) === 'ALLOWED';
}

/** Carries out a mutation as the first of those who may, and who is not kept from it as its author. */
async function carryOut({ hub, readEvents }: Copy, { name, inputType }: Trial): Promise<Outcome> {
  const known = new Set((await readEvents()).map(({ key }) => key));
  let outcome: Outcome | null = null;
  for (const person of PEOPLE.filter((candidate) => mayTry(name, candidate))) {
    const purposes = (Object.keys(PURPOSES) as Purpose[]).filter((one) =>
      PURPOSES[one].roles.some((role) => person.roles.includes(role)),
    );
    const purpose = 'purpose' in (policyHub.inputs[name] ?? {}) ? { purpose: purposes.at(-1) } : {};
    const response = await hub.hub.app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { authorization: `Bearer ${await tokenFor(person, policyHub.clock())}` },
      payload: {
        query: `mutation($input: ${inputType}) { ${name}(input: $input) { refusal { code } } }`,
        variables: { input: { ...policyHub.inputs[name], ...INPUTS[name], ...purpose } },
      },
    });
    const events = await readEvents();
    const { data, errors, extensions } = response.json();
    if (errors) throw new Error(`${name}: ${JSON.stringify(errors)}`);
    const written = events.filter(({ key }) => !known.has(key));
    outcome = {
      refusal: data[name].refusal?.code ?? null,
      delayed: extensions?.delayedSubgraphs ?? [],
      effects: listEffects(written),
      unknown: listEffects(written.filter(({ isUnknown }) => isUnknown)),
    };
    if (outcome.refusal === null) break;
  }
  if (!outcome) throw new Error(`nobody may do ${name}`);
  return outcome;
}

/** Carries out every mutation, on as many copies as it takes. Returns their outcomes, and who was always refused. */
async function carryOutAll(
  options: TestHubOptions,
  prepare: (hub: TestHub) => void,
  examine: (copy: Copy, trial: Trial, outcome: Outcome) => Promise<void>,
): Promise<{ outcomes: Map<string, Outcome>; left: string[] }> {
  const outcomes = new Map<string, Outcome>();
  let left = TRIALS;
  for (let i = 0; i < MAX_COPIES; i++) {
    const copy = await openCopy(options);
    prepare(copy.hub);
    for (const trial of left) {
      const outcome = await carryOut(copy, trial);
      if (outcome.refusal !== null) continue;
      outcomes.set(trial.name, outcome);
      await examine(copy, trial, outcome);
    }
    await copy.stop();
    const next = left.filter(({ name }) => !outcomes.has(name));
    if (next.length === left.length) break;
    left = next;
  }
  return { outcomes, left: left.map(({ name }) => name) };
}

/** Whether an answer names all of them. It may name more: what its subject still waits for. */
const names = (delayed: readonly string[], consumers: readonly (string | undefined)[]) =>
  consumers.every((consumer) => delayed.includes(consumer ?? ''));
const consumersOf = (effects: readonly string[]) => [...new Set(effects.map((effect) => effect.split(' ')[0]))];

describe('mutations with effects in other subgraphs', () => {
  test('each answers when the other subgraph knows it', async () => {
    const { outcomes, left } = await carryOutAll(
      { eventWaitMs: WAIT_MS },
      () => {},
      async () => {},
    );
    expect(left).toEqual([]);
    const late = [...outcomes].filter(([, { unknown, delayed }]) => unknown.length + delayed.length > 0);
    expect(late).toEqual([]);
    const types = new Set([...outcomes.values()].flatMap(({ effects }) => effects.map((one) => one.split(' ')[1])));
    expect([...outcomes].filter(([, { effects }]) => effects.length > 0).length).toBeGreaterThan(15);
    const expected = ['LicenseChanged', 'CertificateDelivered', 'DutyChanged', 'ProposalChanged', 'CaseGranted'];
    for (const type of [...expected, 'SealChanged']) expect(types).toContain(type);
  });

  test('each says which subgraph does not know it yet, also when it is repeated', async () => {
    const silence = ({ hub }: TestHub) => {
      for (const subgraph of [hub.cases, hub.licenses]) subgraph.receive = () => new Promise(() => {});
    };
    const wrong: unknown[] = [];
    const { outcomes } = await carryOutAll({ eventWaitMs: 60 }, silence, async (copy, trial, outcome) => {
      const consumers = consumersOf(outcome.effects);
      if (!names(outcome.delayed, consumers)) wrong.push([trial.name, outcome]);
      if (consumers.length === 0) return;
      const again = await carryOut(copy, trial);
      const isHonest = again.refusal !== null || names(again.delayed, consumers);
      if (!isHonest) wrong.push([trial.name, 'repeated', again]);
    });
    expect(wrong).toEqual([]);
    expect([...outcomes].filter(([, { effects }]) => effects.length > 0).length).toBeGreaterThan(15);
  });
});
