import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestClock, testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import { buildPdf } from '../support/files.ts';
import { COMPANY, findRefusalCode, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { TEST_INTAKE_LIMITS } from '../support/limits.ts';
import { uploadFile } from '../support/upload.ts';

/** What one applicant and one person may bring in, also if all of it is handed in at once. */

const [APPLICANT, CLERK] = ['applicant-company', 'window-yudu'];
const DAY_MS = 86_400_000;
const OPEN_APPLICATIONS = 3;
const FILE_BYTES = buildPdf('0').length;

describe('intake', () => {
  let hub: TestHub;
  let clock: TestClock;
  beforeAll(async () => {
    clock = testClock('2026-03-02T01:00:00Z');
    const intakeLimits = {
      ...TEST_INTAKE_LIMITS,
      openApplications: OPEN_APPLICATIONS,
      applicantUploadBytes: 2 * FILE_BYTES,
      staffUploadBytes: 3 * FILE_BYTES,
      holderChecks: 10,
    };
    hub = await createTestHub({ now: clock, intakeLimits });
  });
  afterAll(() => hub?.stop());

  const application = { matter: 'yd2022-3-25', applicant: COMPANY, fields: linesFor('yd2022-3-25') };
  const refusalOf = (person: string, name: string, extraInput: object = {}) =>
    findRefusalCode(hub, person, name, 'ApplicationInput', { ...application, ...extraInput });
  const receive = async (extraInput: object = {}): Promise<string> => {
    const input = { ...application, ...extraInput };
    return (await runMutation(hub, APPLICANT, 'receiveApplication', 'ApplicationInput', input, 'case { id: uuid }'))
      .case.id;
  };

  test('of an upload without a token little is read', async () => {
    const long = Buffer.alloc(2 * 1_048_576);
    const answer = await uploadFile(hub, null, long);
    expect(answer).toMatchObject({ status: 401, headers: { connection: 'close' } });
    expect((await uploadFile(hub, null, buildPdf('x'))).headers.connection).not.toBe('close');
    // The answer to a person who erred is not lost.
    const refused = await uploadFile(hub, APPLICANT, long, { name: '' });
    expect([refused.status, refused.headers.connection]).toEqual([422, 'keep-alive']);
  });

  test('uploads of a day count also after they were handed in', async () => {
    const ids: string[] = [];
    for (const name of ['0', '1']) {
      const { status, body } = await uploadFile(hub, APPLICANT, buildPdf(name));
      expect(status).toBe(201);
      ids.push(body.id);
    }
    const materials = ids.map((upload, i) => ({ code: `图纸${i}`, upload }));
    await receive({ materials });
    const refused = await uploadFile(hub, APPLICANT, buildPdf('2'));
    expect(refused).toMatchObject({ status: 422, body: { code: 'UPLOADS_OF_DAY_TOO_LARGE' } });
    for (const name of ['3', '4', '5']) expect((await uploadFile(hub, CLERK, buildPdf(name))).status).toBe(201);
    expect((await uploadFile(hub, CLERK, buildPdf('6'))).body.code).toBe('UPLOADS_OF_DAY_TOO_LARGE');
    clock.advance(DAY_MS);
    expect((await uploadFile(hub, APPLICANT, buildPdf('7'))).status).toBe(201);
  });

  test('applications at the same time do not pass the limit, whoever takes them in', async () => {
    const codes = await Promise.all(Array.from({ length: 8 }, () => refusalOf(APPLICANT, 'receiveApplication')));
    expect(codes.filter((code) => code === null)).toHaveLength(OPEN_APPLICATIONS - 1);
    expect(new Set(codes)).toEqual(new Set([null, 'APPLICATIONS_TOO_MANY']));
    expect(await refusalOf(CLERK, 'receiveApplication')).toBe('APPLICATIONS_TOO_MANY');
    // The counter decides on it at once, so none is left to wait.
    expect(await refusalOf(CLERK, 'acceptCase')).toBeNull();
    const other = { applicant: { ...COMPANY, code: '91360731MA35F7XE8A' } };
    expect(await refusalOf(CLERK, 'receiveApplication', other)).not.toBe('APPLICATIONS_TOO_MANY');
  });

  test('withdrawing makes room after a day; accepting makes room at once; a repeated request is answered', async () => {
    clock.advance(DAY_MS);
    const { data } = await hub.ask(APPLICANT, '{ cases(first: 100) { edges { node { id: uuid step } } } }');
    const nodes: { id: string; step: string }[] = data.cases.edges.map(({ node }: { node: object }) => node);
    const waiting = nodes.filter(({ step }) => step === 'RECEIVED').map(({ id }) => id);
    expect(waiting).toHaveLength(OPEN_APPLICATIONS);
    const actOn = (person: string, name: string, type: string, input: object) =>
      findRefusalCode(hub, person, name, type, input);
    expect(await actOn(CLERK, 'acceptApplication', 'CaseInput', { case: waiting[0] })).toBeNull();
    const kept = await receive({ requestKey: 'again' });
    const reason = { case: waiting[1], reason: '不再申请' };
    expect(await actOn(APPLICANT, 'withdrawCase', 'CaseReasonInput', reason)).toBeNull();
    expect(await refusalOf(APPLICANT, 'receiveApplication')).toBe('APPLICATIONS_TOO_MANY');
    expect(await receive({ requestKey: 'again' })).toBe(kept);
    clock.advance(DAY_MS);
    expect(await refusalOf(APPLICANT, 'receiveApplication')).toBeNull();
  });
});
