import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import {
  isActAllowed,
  LICENSE_ACTS,
  type LicenseActRule,
  OWN_ACTS,
  type OwnAct,
} from '../../subgraphs/kernel/license-acts.ts';
import { mutationOf } from '../../subgraphs/licenses/action/mutation.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { findRefusalCode, grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { actForOrgan, decideAct, GROUNDS, prepareAct } from '../support/own-act.ts';
import { waitUntil } from '../support/until.ts';

/** No act on a license takes effect by one person. Every act of the table that needs no case is tried. */

const ORGAN = 'yudu-lyj';
const [REVIEWER, APPROVER] = [`${ORGAN}.reviewer`, `${ORGAN}.approver`];
const FIELDS = 'proposal { id: uuid act state decision endedBy } license { state paper { validity } }';

let hub: TestHub;
let serial = 0;
beforeAll(async () => {
  hub = await createTestHub();
});
afterAll(() => hub?.stop());

const nameOf = (act: OwnAct) => mutationOf(act).replace('License', '');

/** Issues a license and brings it into a state from which an act may start. Returns its identifier. */
async function issueLicenseFor(act: OwnAct): Promise<string> {
  const license = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), ++serial);
  const { identifier } = license;
  if (isActAllowed(act, 'VALID')) return identifier;
  const before = OWN_ACTS.find((other) => isActAllowed(other, 'VALID') && isActAllowed(act, LICENSE_ACTS[other].to));
  if (!before) throw new Error(`${act} cannot be reached`);
  expect((await actForOrgan(hub, ORGAN, nameOf(before), { identifier })).refusal).toBeNull();
  return identifier;
}

async function readLicense(person: string, identifier: string) {
  const query = `query($id: ID!) { license(identifier: $id) { state
    proposals { id: uuid state actions { name allowed refusal { code } } }
    acts { act actor preparedBy decisionNumber } } }`;
  return (await hub.ask(person, query, { id: identifier })).data.license;
}

async function prepare(act: OwnAct, identifier: string, input: object = {}): Promise<string> {
  const prepared = await prepareAct(hub, REVIEWER, nameOf(act), { identifier, ...input }, FIELDS);
  expect(prepared).toMatchObject({ refusal: null, proposal: { act, state: 'WAITING' } });
  return prepared.proposal.id;
}

const refusalOfDecision = async (person: string, proposal: string, overrides: object = {}) =>
  (await decideAct(hub, person, proposal, '__typename', overrides)).refusal?.code ?? null;

const withdraw = (person: string, proposal: string) =>
  findRefusalCode(hub, person, 'withdrawLicenseProposal', 'WithdrawProposalInput', { proposal });

/** Decides with a token of the person who prepared it that holds the approver's role as well. */
async function approveAsAuthor(proposal: string): Promise<string | undefined> {
  const author: Person = { ...requireDemoPerson(REVIEWER), roles: ['REVIEWER', 'APPROVER'] };
  const query = `mutation { decideLicenseProposal(input: { proposal: "${proposal}", approve: true }) { refusal { code } } }`;
  const headers = { authorization: `Bearer ${await tokenFor(author, new Date())}` };
  const answer = await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload: { query } });
  return answer.json().data.decideLicenseProposal.refusal?.code;
}

async function listWaiting(person: string): Promise<string[]> {
  const query = '{ licenseProposals(first: 100, filter: { state: WAITING }) { edges { node { id: uuid } } } }';
  const { edges } = (await hub.ask(person, query)).data.licenseProposals;
  return edges.map(({ node }: { node: { id: string } }) => node.id);
}

describe.each(OWN_ACTS)('%s', (act) => {
  const rule: LicenseActRule = LICENSE_ACTS[act];

  test('is prepared by a reviewer of the issuing organ only, with what the law asks for', async () => {
    const identifier = await issueLicenseFor(act);
    const { state } = await readLicense('auditor', identifier);
    const refusalOf = async (person: string, input: object = {}) =>
      (await prepareAct(hub, person, nameOf(act), { identifier, dryRun: true, ...input })).refusal?.code ?? null;
    expect(await refusalOf(APPROVER)).toBe('ROLE_NOT_ALLOWED');
    expect(await refusalOf(`${ORGAN}.supervisor`)).toBe('ROLE_NOT_ALLOWED');
    expect(await refusalOf('yudu-sfj.reviewer')).toBe('ORGAN_WITHOUT_POWER');
    expect(await refusalOf(REVIEWER, { reason: ' ' })).toBe('REASON_MISSING');
    const { needsDecision, hearing } = LICENSE_ACTS[act];
    expect(await refusalOf(REVIEWER, { decisionNumber: null })).toBe(needsDecision ? 'DECISION_NUMBER_MISSING' : null);
    expect(await refusalOf(REVIEWER, { hearing: null })).toBe(hearing === 'NONE' ? null : 'HEARING_MISSING');
    expect((await readLicense('auditor', identifier)).proposals.filter(isWaiting)).toEqual([]);
    expect((await readLicense('auditor', identifier)).state).toBe(state);
  });

  test('is done by another person of the issuing organ, once', async () => {
    const identifier = await issueLicenseFor(act);
    const { state } = await readLicense('auditor', identifier);
    const proposal = await prepare(act, identifier);
    const second = await prepare(act, identifier);
    expect(await listWaiting(APPROVER)).toEqual(expect.arrayContaining([proposal, second]));
    expect(await listWaiting('yudu-sfj.approver')).not.toContain(proposal);
    const shown = (await readLicense(APPROVER, identifier)).proposals.find(({ id }: { id: string }) => id === proposal);
    expect(shown.actions).toMatchObject([{ allowed: true }, { allowed: false }]);
    await waitUntil('the approver is reminded', async () => {
      const query =
        '{ attention(first: 100, filter: { kinds: [ACT_PROPOSED] }) { edges { node { license { identifier } } } } }';
      const { edges } = (await hub.ask(APPROVER, query)).data.attention;
      return edges.some(
        ({ node }: { node: { license: { identifier: string } } }) => node.license.identifier === identifier,
      );
    });

    expect(await refusalOfDecision(REVIEWER, proposal)).toBe('ROLE_NOT_ALLOWED');
    expect(await approveAsAuthor(proposal)).toBe('SECOND_PERSON_NEEDED');
    expect(await refusalOfDecision('yudu-sfj.approver', proposal)).toBe('NOT_YOUR_RECORD');
    expect(await refusalOfDecision(APPROVER, proposal, { approve: false })).toBe('REASON_MISSING');
    expect(await refusalOfDecision(APPROVER, crypto.randomUUID())).toBe('PROPOSAL_UNKNOWN');
    expect(await refusalOfDecision(APPROVER, proposal, { dryRun: true })).toBeNull();
    expect((await readLicense('auditor', identifier)).state).toBe(state);

    const codes = await Promise.all([1, 2].map(() => refusalOfDecision(APPROVER, proposal)));
    expect(codes.sort()).toEqual(['PROPOSAL_DECIDED', null]);
    const license = await readLicense('auditor', identifier);
    expect(license.state).toBe(rule.to);
    const names = [requireDemoPerson(APPROVER).name, requireDemoPerson(REVIEWER).name];
    const { decisionNumber } = GROUNDS;
    expect(license.acts.at(-1)).toEqual({ act, actor: names[0], preparedBy: names[1], decisionNumber });
    // The holder sees the act, but not who prepared it.
    expect((await readLicense('applicant-company', identifier)).acts.at(-1).preparedBy).toBeNull();
    expect((await readLicense('applicant-company', identifier)).proposals).toBeNull();

    // What was prepared for the license as it was is refused now, and may be withdrawn.
    expect(await refusalOfDecision(APPROVER, second)).toBe('LICENSE_CHANGED');
    expect(await withdraw(REVIEWER, second)).toBeNull();
    expect(await refusalOfDecision(APPROVER, second)).toBe('PROPOSAL_DECIDED');
    expect(await refusalOfDecision(APPROVER, proposal)).toBe('PROPOSAL_DECIDED');
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  });

  test('is withdrawn by its author only, or rejected with a reason, and then never done', async () => {
    const identifier = await issueLicenseFor(act);
    const { state } = await readLicense('auditor', identifier);
    const [withdrawn, rejected] = [await prepare(act, identifier), await prepare(act, identifier)];
    expect(await withdraw(APPROVER, withdrawn)).toBe('ROLE_NOT_ALLOWED');
    expect(await withdraw('yudu-sfj.reviewer', withdrawn)).toBe('NOT_YOUR_RECORD');
    expect(await withdraw(REVIEWER, withdrawn)).toBeNull();
    const reason = '证据不足';
    const rejection = await decideAct(hub, APPROVER, rejected, FIELDS, { approve: false, reason });
    expect(rejection).toMatchObject({ proposal: { state: 'REJECTED', decision: reason }, license: { state } });
    for (const proposal of [withdrawn, rejected])
      expect(await refusalOfDecision(APPROVER, proposal)).toBe('PROPOSAL_DECIDED');
    expect((await readLicense('auditor', identifier)).state).toBe(state);
  });
});

function isWaiting({ state }: { state: string }): boolean {
  return state === 'WAITING';
}
