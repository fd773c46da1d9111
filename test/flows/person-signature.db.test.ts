import { createHash } from 'node:crypto';
import { decodeJwt } from 'jose';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AuditInput } from '../../scripts/audit/finding.ts';
import { auditSignatures } from '../../scripts/audit/office/signatures.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import {
  type SealAuthorisation,
  sealAuthorisation,
  writeAuthorisation,
} from '../../subgraphs/kernel/sealing/authorisation.ts';
import type { PersonSignature } from '../../subgraphs/kernel/sealing/person-signature.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import type { PersonKeys } from '../../subgraphs/seals/signer/person/credential.ts';
import { createSigner } from '../../subgraphs/seals/signer/signer.ts';
import { requireDemoPerson } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import { CASE_FIELDS, COMPANY, issueGrantedLicense, LICENSE_FIELDS, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, RUN_KEY_ENCRYPTION_KEY, type TestHub } from '../support/hub.ts';
import { decideAct, prepareAct } from '../support/own-act.ts';
import { buildPersonKeys, createSignatory, PARTY, register } from '../support/person-keys.ts';
import { waitUntil } from '../support/until.ts';

/** An organ whose deciders sign in person: rehearsal, signature, decision, seal. Subgraphs call one another by HTTP. */

const route = ROUTES.DIRECT;
const ORGAN = 'yudu-lyj';
const DECIDER = requireDemoPerson(route.decides);
const clock = testClock('2026-06-01');
const serviceKeys = generateServiceKeys();
const registrars = [createSignatory('administrator'), createSignatory('administrator-deputy')];
const authenticator = createSignatory('approver-passkey', 'WEBAUTHN');
const identity = { person: DECIDER.id, name: DECIDER.name, organ: ORGAN };
const fileKeys = buildPersonKeys(registrars, ORGAN, [register(authenticator, identity, registrars)]);
const REQUEST = 'signatureRequest { required text salt challenge rpId credentials { id kind } }';

let personKeys: PersonKeys | null = fileKeys;
let hub: TestHub;
let sql: postgres.Sql;
beforeAll(async () => {
  const readPersonKeys = () => {
    if (personKeys === null) throw new Error('the signer is away');
    return personKeys;
  };
  const signer = createSigner({
    ring: [RUN_KEY_ENCRYPTION_KEY],
    publicKeys: serviceKeys.publicKeys,
    readPersonKeys,
    now: clock,
  });
  hub = await createTestHub({ transport: 'http', signer, serviceKeys, now: clock });
  sql = postgres(hub.adminUrl, { max: 1 });
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});
beforeEach(() => {
  personKeys = fileKeys;
});

/** Accepts and examines a case. Returns its id. */
async function prepareCase(): Promise<string> {
  const input = { matter: route.matter, applicant: COMPANY, fields: [{ label: '采伐地点', text: '于都县示范乡' }] };
  const acceptance = await runMutation(
    hub,
    route.accepts,
    'acceptCase',
    'ApplicationInput',
    input,
    'case { id: uuid }',
  );
  const examination = { case: acceptance.case.id, finding: 'APPROVED' };
  await runMutation(hub, route.examines, 'examineCase', 'ExamineCaseInput', examination, 'case { step }');
  return acceptance.case.id;
}

const decide = (input: object, fields = `case { ${CASE_FIELDS} } ${REQUEST}`, person: string = route.decides) =>
  runMutation(hub, person, 'decideCase', 'DecideCaseInput', { authoriseSeal: true, ...input }, fields);

/** Signs what a rehearsal told. Returns the input of the mutation. */
function toInput({ text, salt }: { text: string; salt: string }, signed: PersonSignature = authenticator.sign(text)) {
  const { credential, signature, webauthn } = signed;
  const { authenticatorData, clientDataJson: clientDataJSON } = webauthn ?? {};
  return { text, salt, credential, signature, authenticatorData, clientDataJSON };
}

/** Rehearses a decision, signs what it tells, and decides. Returns the payload. */
async function decideSigned(input: object) {
  const { signatureRequest } = await decide({ ...input, dryRun: true });
  const signature = toInput(signatureRequest);
  return decide({ ...input, signature });
}

const waitForTask = (id: string) =>
  waitUntil('the certificate task is open', async () => {
    const { data } = await hub.ask(
      'auditor',
      '{ certificateTasks(first: 100) { edges { node { case { id: uuid } } } } }',
    );
    return data.certificateTasks.edges.some((edge: { node: { case: { id: string } } }) => edge.node.case.id === id);
  });

describe('a license', () => {
  test('is decided only with the signature, and sealed; the signature is evidence', async () => {
    const id = await prepareCase();
    const decision = { case: id, decision: 'GRANTED' };
    expect((await decide(decision)).refusal).toMatchObject({ code: 'PERSON_SIGNATURE_MISSING', field: 'signature' });
    const { signatureRequest, case: rehearsed } = await decide({ ...decision, dryRun: true });
    expect(rehearsed.step).toBe('DECIDED');
    const { text } = signatureRequest;
    expect(signatureRequest).toEqual({
      required: true,
      salt: expect.stringMatching(/^[\w-]{22}$/),
      text: expect.stringMatching(/^tongquan seal authorisation 1\n\{"act":"ISSUE","actor":"yudu-lyj.approver",/),
      challenge: createHash('sha256').update(text).digest('base64url'),
      rpId: PARTY.rpId,
      credentials: [{ id: authenticator.id, kind: 'WEBAUTHN' }],
    });
    const signature = authenticator.sign(text);
    const decided = await decide({ ...decision, signature: toInput(signatureRequest, signature) });
    expect(decided).toMatchObject({ refusal: null, case: { step: 'DECIDED' }, signatureRequest: null });
    await waitForTask(id);
    // The license may be printed days later.
    clock.advance(5 * 86_400_000);
    const license = await issueGrantedLicense(hub, route, id, 1);
    expect(license.state).toBe('VALID');
    const [use] = await sql`select issuance_id as use, authorisation from seals.seal_use
      where case_id = ${id} and act = 'ISSUE'`;
    expect(decodeJwt(use?.authorisation)).toMatchObject({ actor: DECIDER.id, signature });
    await waitUntil('the log has the use', async () => {
      const [leaf] = await sql`select entry from seals.log_leaf where kind = 'SEAL_USE' and subject = ${use?.use}`;
      return leaf && JSON.parse(leaf.entry).authorisationDigest === sha256(use?.authorisation);
    });
    const identifier = license.identifier;
    await suspendSigned(identifier);
  });

  test('is not decided with a signature over something else, or one that is too old', async () => {
    const [id, otherId] = [await prepareCase(), await prepareCase()];
    const { signatureRequest } = await decide({ case: id, decision: 'GRANTED', dryRun: true });
    const signature = toInput(signatureRequest);
    const codeOf = async (input: object) => (await decide({ decision: 'GRANTED', signature, ...input })).refusal?.code;
    expect(await codeOf({ case: otherId })).toBe('PERSON_SIGNATURE_STALE');
    expect(await codeOf({ case: id, decision: 'REJECTED', reason: '不符合条件' })).toBe('PERSON_SIGNATURE_STALE');
    expect(await codeOf({ case: id, validFrom: '2026-12-01' })).toBe('PERSON_SIGNATURE_STALE');
    const text = signatureRequest.text.replace('ISSUE', 'RENEW');
    const forged = { ...signature, text };
    expect(await codeOf({ case: id, signature: forged })).toBe('PERSON_SIGNATURE_INVALID');
    const signedElse = toInput({ ...signatureRequest, text });
    expect(await codeOf({ case: id, signature: signedElse })).toBe('PERSON_SIGNATURE_STALE');
    const broken = ['x', '', `${signature.text} `, 'tongquan seal authorisation 1\n{}'];
    for (const other of broken)
      expect(await codeOf({ case: id, signature: { ...signature, text: other } })).toBe('PERSON_SIGNATURE_INVALID');
    for (const part of ['authenticatorData', 'clientDataJSON', 'signature'] as const)
      expect(await codeOf({ case: id, signature: { ...signature, [part]: '!' } })).toBe('PERSON_SIGNATURE_INVALID');
    const otherSalt = { ...signature, salt: 'A'.repeat(22) };
    expect(await codeOf({ case: id, signature: otherSalt })).toBe('PERSON_SIGNATURE_STALE');
    for (const salt of ['', 'x', 'A'.repeat(21).concat('B')])
      expect(await codeOf({ case: id, signature: { ...signature, salt } })).toBe('PERSON_SIGNATURE_INVALID');
    expect(await codeOf({ case: id, signature: { ...signature, credential: 'other' } })).toBe(
      'PERSON_CREDENTIAL_UNFIT',
    );
    clock.advance(900_001);
    expect(await codeOf({ case: id })).toBe('PERSON_SIGNATURE_STALE');
    expect((await decideSigned({ case: id, decision: 'GRANTED' })).case.step).toBe('DECIDED');
  });
});

async function suspendSigned(identifier: string) {
  const prepare = async (reason: string) =>
    (await prepareAct(hub, `${ORGAN}.reviewer`, 'suspend', { identifier, reason })).proposal.id;
  const [proposal, other] = [await prepare('采伐现场与许可内容不符'), await prepare('另一理由')];
  const suspend = (input: object) =>
    decideAct(hub, route.decides, proposal, `license { ${LICENSE_FIELDS} } ${REQUEST}`, input);
  expect((await suspend({})).refusal).toMatchObject({ code: 'PERSON_SIGNATURE_MISSING' });
  const { signatureRequest } = await suspend({ dryRun: true });
  expect(signatureRequest.text).toMatch('"act":"SUSPEND"');
  const signature = toInput(signatureRequest);
  const elsewhere = { signature, proposal: other };
  expect((await suspend(elsewhere)).refusal).toMatchObject({ code: 'PERSON_SIGNATURE_STALE' });
  expect(await suspend({ signature })).toMatchObject({ refusal: null, license: { state: 'SUSPENDED' } });
}

test('a decision document is sealed with the signature', async () => {
  const id = await prepareCase();
  const rejection = { case: id, decision: 'REJECTED', reason: '不符合法定条件' };
  expect((await decide(rejection)).refusal).toMatchObject({ code: 'PERSON_SIGNATURE_MISSING' });
  expect(await decideSigned(rejection)).toMatchObject({ refusal: null, case: { step: 'DECIDED' } });
  await waitUntil('the document is sealed', async () => {
    const [use] = await sql`select authorisation from seals.seal_use where case_id = ${id} and act <> 'NOTICE'`;
    return use && decodeJwt(use.authorisation).signature !== undefined;
  });
});

/** Audits the persons' signatures after a change in the database, which it undoes. */
async function auditAfter(change: postgres.PendingQuery<postgres.Row[]> | null, keys: PersonKeys | null = fileKeys) {
  const [findings, notes]: [string[], string[]] = [[], []];
  await sql`begin`;
  try {
    if (change !== null) expect((await change).count).toBeGreaterThan(0);
    const onNote = (note: string) => notes.push(note);
    const input = { sql, personKeys: keys, onNote } as Partial<AuditInput> as AuditInput;
    for await (const { code, object } of auditSignatures(input)) findings.push(`${code} ${object}`);
  } finally {
    await sql`rollback`;
  }
  return { findings, notes };
}

describe('the audit', () => {
  test('verifies each signature again, by the file that the auditor brings', async () => {
    const [{ uses } = { uses: 0 }] = await sql`select (select count(*)::int from seals.seal_use where act <> 'NOTICE')
      + (select count(*)::int from seals.seal_code) as uses`;
    expect(uses).toBeGreaterThan(2);
    expect(await auditAfter(null)).toEqual({ findings: [], notes: [] });
    expect(await auditAfter(null, null)).toEqual({ findings: [], notes: [expect.stringContaining(`有 ${uses} 项`)] });
    const { findings } = await auditAfter(null, { ...fileKeys, registrations: [] });
    expect(new Set(findings.map((text) => text.split(' ')[0]))).toEqual(new Set(['PERSON_CREDENTIAL_UNFIT']));
    expect(findings).toHaveLength(uses);
    const ending = { credential: authenticator.id, from: '2026-01-01T00:00:00Z', reason: '遗失' };
    expect((await auditAfter(null, { ...fileKeys, endings: [ending] })).findings).toHaveLength(uses);
  });

  test.each<[string, (statement: SealAuthorisation) => SealAuthorisation, string]>([
    ['is over another content', (s) => ({ ...s, contentDigest: 'ab'.repeat(32) }), 'PERSON_SIGNATURE_INVALID'],
    ['is over another act', (s) => ({ ...s, act: 'REVOKE' }), 'PERSON_SIGNATURE_INVALID'],
    ['is for another moment', (s) => ({ ...s, authorisedAt: '2026-06-01T01:00:00Z' }), 'PERSON_SIGNATURE_INVALID'],
    ['is of another person', (s) => ({ ...s, actor: 'yudu-lyj.reviewer' }), 'PERSON_CREDENTIAL_UNFIT'],
    ['is gone', ({ signature: _, ...s }) => s, 'PERSON_SIGNATURE_MISSING'],
    [
      'is altered',
      (s) => ({ ...s, signature: { ...(s.signature as PersonSignature), signature: 'AAAA' } }),
      'PERSON_SIGNATURE_INVALID',
    ],
  ])('finds a signature that %s, although the hub’s key vouches for the statement', async (_, alter, code) => {
    const [use] = await sql`select issuance_id, authorisation from seals.seal_use
      where act <> 'NOTICE' order by serial limit 1`;
    const statement = sealAuthorisation.parse(decodeJwt(use?.authorisation));
    const forged = await writeAuthorisation(serviceKeys.identities.cases, alter(statement));
    const id = use?.issuance_id;
    const change = sql`update seals.seal_use set authorisation = ${forged} where issuance_id = ${id}`;
    expect((await auditAfter(change)).findings).toEqual([`${code} use:${id}`]);
  });
});

test('a clerk signs no notice in person, and the audit asks for no signature either', async () => {
  const id = await prepareCase();
  const use = await waitUntil('the receipt is sealed', async () => {
    const [row] = await sql`select authorisation, authorised_by_id from seals.seal_use
      where case_id = ${id} and act = 'NOTICE'`;
    return row;
  });
  expect(use.authorised_by_id).toBe(requireDemoPerson(route.accepts).id);
  expect(decodeJwt(use.authorisation).signature).toBeUndefined();
  expect(await auditAfter(null)).toEqual({ findings: [], notes: [] });
  // The act of the use counts: whoever calls another use a notice's gets no further than the signer.
  const change = sql`update seals.seal_use set act = 'DECISION' where case_id = ${id} and act = 'NOTICE'`;
  expect((await auditAfter(change)).findings).toEqual([expect.stringContaining('PERSON_SIGNATURE_MISSING use:')]);
});

describe('while the signer is away', () => {
  test('what needs a signature is not decided, and the last answer about organs counts', async () => {
    const id = await prepareCase();
    await decide({ case: id, decision: 'GRANTED', dryRun: true });
    const { signatureRequest } = await decide({ case: id, decision: 'GRANTED', dryRun: true });
    personKeys = null;
    expect((await decide({ case: id, decision: 'GRANTED' })).refusal).toMatchObject({
      code: 'PERSON_SIGNATURE_MISSING',
    });
    const signature = toInput(signatureRequest);
    await expect(decide({ case: id, decision: 'GRANTED', signature })).rejects.toThrow('INTERNAL_SERVER_ERROR');
    const rehearsal = await decide({ case: id, decision: 'GRANTED', dryRun: true });
    expect(rehearsal.signatureRequest).toMatchObject({ required: true, rpId: null, credentials: [] });
  });
});
