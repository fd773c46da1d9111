import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  type Appointment,
  applyChange,
  buildPerson,
  isInForce,
  type PersonChange,
  requireChange,
} from '../../subgraphs/cases/person/appointment.ts';
import { parsePeople } from '../../subgraphs/cases/person/list.ts';
import { planChanges } from '../../subgraphs/cases/person/plan.ts';
import { ROLES, type Role } from '../../subgraphs/kernel/actor.ts';
import type { OrganFact } from '../../subgraphs/kernel/events/events.ts';
import { catchRefusal } from '../../subgraphs/kernel/policy.ts';

/** The rules of the register of people (人员岗位登记). */

const AT = new Date('2026-03-02T02:00:00Z');
const organOf = (id: string, level: OrganFact['level'], divisionCode: string): OrganFact => ({
  ...{ id, name: id, level, divisionCode, uscc: '91000000MA0000001R' },
});
const FORESTRY = organOf('yudu-lyj', 'COUNTY', '360731');
const CITY = organOf('ganzhou-lyj', 'CITY', '360700');
const ISSUER = 'https://id.example';

const change = (overrides: Partial<PersonChange> = {}): PersonChange => ({
  ...{ action: 'ENTER', issuer: ISSUER, subject: 'wang', name: '王芳', organ: 'yudu-lyj', roles: ['REVIEWER'] },
  ...{ window: null, from: null, to: null, reason: null },
  ...overrides,
});
const leaving = (overrides: Partial<PersonChange> = {}) =>
  change({ action: 'END', name: null, organ: null, roles: [], reason: '调离', ...overrides });
const line = (overrides: Partial<Appointment> = {}): Appointment => ({
  ...{ id: 'a', issuer: ISSUER, subject: 'wang', name: '王芳', organ: 'yudu-lyj', roles: ['REVIEWER'], window: null },
  ...{ from: new Date('2026-01-01T00:00:00Z'), to: null },
  ...overrides,
});
const codeOf = (run: () => unknown) => catchRefusal(() => void run())?.code ?? null;

describe('a change is well-formed, and its roles fit its organ', () => {
  test.each(ROLES)('%s', (role) => {
    const atOrgan = codeOf(() => requireChange(change({ roles: [role] }), FORESTRY));
    const without = codeOf(() => requireChange(change({ roles: [role], organ: null }), null));
    const isWithout = ['AUDITOR', 'LIBRARY', 'ADMINISTRATOR'].includes(role);
    const isNowhere = role === 'APPLICANT';
    expect(atOrgan).toBe(isWithout || isNowhere ? 'ROLES_UNFIT' : null);
    expect(without).toBe(isWithout ? null : 'ROLES_UNFIT');
  });

  test.each<[string, Partial<PersonChange>, OrganFact | null, string | null]>([
    ['two roles of an organ', { roles: ['REVIEWER', 'APPROVER'] }, FORESTRY, null],
    ['a role twice', { roles: ['REVIEWER', 'REVIEWER'] }, FORESTRY, 'FIELD_MALFORMED'],
    ['no role', { roles: [] }, FORESTRY, 'FIELD_MALFORMED'],
    ['an auditor who administers', { roles: ['AUDITOR', 'ADMINISTRATOR'], organ: null }, null, 'ROLES_UNFIT'],
    ['a clerk at the window', { roles: ['WINDOW_CLERK'], window: '360731' }, FORESTRY, null],
    ['a window without a clerk', { window: '360731' }, FORESTRY, 'WINDOW_UNFIT'],
    ['the window of another county', { roles: ['WINDOW_CLERK'], window: '360732' }, FORESTRY, 'WINDOW_UNFIT'],
    ['a city organ at a window', { roles: ['WINDOW_CLERK'], window: '360700' }, CITY, 'WINDOW_UNFIT'],
    ['a name of two lines', { name: '王\n芳' }, FORESTRY, 'FIELD_MALFORMED'],
    ['no name', { name: null }, FORESTRY, 'FIELD_MALFORMED'],
    ['the id of a holder', { subject: 'holder:x' }, FORESTRY, 'FIELD_MALFORMED'],
    ['a day that is none', { from: '2026-02-29' }, FORESTRY, 'FIELD_MALFORMED'],
    ['a reason to enter', { reason: '新进' }, FORESTRY, 'FIELD_MALFORMED'],
  ])('%s', (_, overrides, organ, code) => {
    expect(codeOf(() => requireChange(change(overrides), organ))).toBe(code);
  });

  test('an end has a reason, and no post', () => {
    expect(codeOf(() => requireChange(leaving(), null))).toBeNull();
    expect(codeOf(() => requireChange(leaving({ reason: ' ' }), null))).toBe('REASON_MISSING');
    expect(codeOf(() => requireChange(leaving({ roles: ['REVIEWER'] }), null))).toBe('FIELD_MALFORMED');
  });
});

describe('a person is in one place at a time', () => {
  const entered = (changed: PersonChange, lines: readonly Appointment[] = []) => applyChange(lines, changed, AT);

  test('a line counts from its approval at the earliest, and through its last day in Asia/Shanghai', () => {
    const { entered: lines } = entered(change({ from: '2026-01-01', to: '2026-03-05' }));
    expect(lines).toMatchObject([{ from: AT, to: new Date('2026-03-05T16:00:00Z') }]);
    const { entered: later } = entered(change({ from: '2026-03-09' }));
    expect(later).toMatchObject([{ from: new Date('2026-03-08T16:00:00Z'), to: null }]);
    expect(codeOf(() => entered(change({ to: '2026-03-01' })))).toBe('FIELD_MALFORMED');
  });

  test.each<[string, Partial<Appointment>, string | null]>([
    ['elsewhere', { organ: 'yudu-sjj' }, 'PERSON_TWO_PLACES'],
    ['of another issuer', { issuer: 'https://other.example', organ: 'yudu-sjj' }, 'PERSON_TWO_PLACES'],
    ['until later', { organ: 'yudu-sjj', to: new Date('2026-06-01T00:00:00Z') }, 'PERSON_TWO_PLACES'],
    ['from later on', { organ: 'yudu-sjj', from: new Date('2026-06-01T00:00:00Z') }, 'PERSON_TWO_PLACES'],
    ['until now', { organ: 'yudu-sjj', to: AT }, null],
    ['that never began', { organ: 'yudu-sjj', from: new Date('2026-06-01'), to: new Date('2026-06-01') }, null],
  ])('a line %s', (_, overrides, code) => {
    expect(codeOf(() => entered(change(), [line(overrides)]))).toBe(code);
  });

  test('a change ends the line and enters another, at the same instant', () => {
    const { entered: lines, ended } = entered(change({ action: 'CHANGE', organ: 'yudu-sjj' }), [line()]);
    expect(ended).toEqual([{ id: 'a', at: AT }]);
    expect(lines).toMatchObject([{ organ: 'yudu-sjj', from: AT }]);
    expect(codeOf(() => entered(change({ action: 'CHANGE' })))).toBe('APPOINTMENT_UNKNOWN');
  });

  test('what the register says already changes nothing', () => {
    expect(entered(change(), [line()])).toEqual({ entered: [], ended: [] });
    expect(entered(change({ action: 'CHANGE' }), [line()])).toEqual({ entered: [], ended: [] });
  });

  test('an end ends everything after it, also if it was yesterday', () => {
    const future = line({ id: 'b', from: new Date('2026-06-01T00:00:00Z') });
    const current = line({ to: future.from });
    const yesterday = applyChange([current, future], leaving({ to: '2026-03-01' }), AT);
    expect(yesterday.ended).toEqual([
      { id: 'a', at: new Date('2026-03-01T16:00:00Z') },
      { id: 'b', at: future.from },
    ]);
    expect(applyChange([line()], leaving(), AT).ended).toEqual([{ id: 'a', at: AT }]);
    expect(codeOf(() => applyChange([], leaving(), AT))).toBe('APPOINTMENT_UNKNOWN');
    const ending = line({ to: new Date('2026-04-01T00:00:00Z') });
    expect(codeOf(() => applyChange([ending], leaving({ to: '2026-05-01' }), AT))).toBe('FIELD_MALFORMED');
  });

  test('a line is in force from its first instant until before its end', () => {
    const ending = line({ to: AT });
    expect(isInForce(ending, ending.from)).toBe(true);
    expect(isInForce(ending, new Date(AT.getTime() - 1))).toBe(true);
    expect(isInForce(ending, AT)).toBe(false);
  });
});

describe('the person of an identity', () => {
  const identity = {
    ...{ issuer: ISSUER, subject: 'wang', name: '王芳', holderCode: null },
    ...{ issuedAt: AT, authTime: null, session: null },
  };
  const holderCode = '11010519491231002X';

  test('acts by the register alone, whatever the issuer says', () => {
    const post = { roles: ['REVIEWER'], organ: 'yudu-lyj', holderCode: null };
    expect(buildPerson({ ...identity, holderCode }, line())).toMatchObject({ id: 'wang', ...post });
  });

  test('is a holder by the code of the issuer, with an id that names nobody', () => {
    const holder = buildPerson({ ...identity, holderCode }, null);
    expect(holder).toMatchObject({ roles: ['APPLICANT'], organ: null, window: null, holderCode });
    const digest = createHash('sha256')
      .update(JSON.stringify([ISSUER, 'wang']))
      .digest('base64url');
    expect(holder?.id).toBe(`holder:${digest}`);
    const foreignLine = line({ issuer: 'https://other.example' });
    expect(buildPerson({ ...identity, holderCode }, foreignLine)?.roles).toEqual(['APPLICANT']);
  });

  test('is nobody without a line and a code', () => {
    expect(buildPerson(identity, null)).toBeNull();
    expect(buildPerson({ ...identity, holderCode, name: null }, null)).toBeNull();
    expect(buildPerson(identity, line({ issuer: 'https://other.example' }))).toBeNull();
  });
});

describe('a list', () => {
  const state = { lines: [], organs: new Map([FORESTRY, CITY].map((organ) => [organ.id, organ])), at: AT };
  const problemsOf = (csv: string, lines: readonly Appointment[] = []) => {
    const { changes, problems } = parsePeople('CSV', csv, ISSUER);
    const all = [...problems, ...planChanges({ ...state, lines }, changes).problems];
    return all
      .sort((one, other) => one.line - other.line)
      .map(({ line: at, code, column }) => `${at} ${code} ${column}`);
  };
  const HEADER = 'action,subject,name,organ,roles,window,from,to,reason';

  test('names every bad line, and what is wrong with it', () => {
    const csv = [
      HEADER,
      'ENTER,a,甲,yudu-lyj,REVIEWER,,,,',
      'ENTER,b,乙,nowhere,REVIEWER,,,,',
      'ENTER,c,丙,yudu-lyj,KING,,2026-02-30,,',
      'ENTER,,丁,yudu-lyj,REVIEWER,,,,',
      'ENTER,e,戊,yudu-lyj,REVIEWER,360731,,,',
      'END,f,,,,,,,',
      'ENTER,g,"庚,yudu-lyj,REVIEWER,,,,',
      'MOVE,h,辛,yudu-lyj,REVIEWER,,,,',
      'ENTER,i,壬,,APPLICANT,,,,',
      '',
    ].join('\r\n');
    expect(problemsOf(csv)).toEqual([
      '3 ORGAN_UNKNOWN organ',
      '4 VALUE_UNKNOWN roles',
      '4 DAY_INVALID from',
      '5 VALUE_MISSING subject',
      '6 WINDOW_UNFIT window',
      '7 VALUE_MISSING reason',
      '8 LINE_BROKEN null',
      '9 VALUE_UNKNOWN action',
      '10 ROLES_UNFIT roles',
    ]);
  });

  test('with two places at once names both lines', () => {
    const csv = `${HEADER}\nENTER,a,甲,yudu-lyj,REVIEWER,,,,\nENTER,a,甲,ganzhou-lyj,APPROVER,,2026-05-01,,`;
    const { changes } = parsePeople('CSV', csv, ISSUER);
    const { problems } = planChanges(state, changes);
    expect(problems).toMatchObject([{ line: 3, code: 'PERSON_TWO_PLACES' }]);
    expect(problems[0]?.message).toContain('本清单第 2 行');
    const known = planChanges({ ...state, lines: [line({ subject: 'a', organ: 'yudu-sjj' })] }, changes);
    expect(known.problems[0]?.message).toContain('登记中：王芳 yudu-sjj');
  });

  test('may end and enter the same person, and counts what changes nothing', () => {
    const csv = `${HEADER}\nEND,wang,,,,,,,调离\nENTER,wang,王芳,ganzhou-lyj,APPROVER,,,,\nENTER,li,李明,yudu-lyj,REVIEWER,,,,`;
    const { changes } = parsePeople('CSV', csv, ISSUER);
    const plan = planChanges({ ...state, lines: [line(), line({ id: 'l', subject: 'li', name: '李明' })] }, changes);
    expect(plan).toMatchObject({ problems: [], unchanged: 1 });
    expect(plan.planned.map(({ organ }) => organ)).toEqual(['yudu-lyj', 'ganzhou-lyj']);
  });

  test('is the same in JSON and CSV', () => {
    const roles: Role[] = ['REVIEWER', 'APPROVER'];
    const item = { action: 'ENTER', subject: 'a', name: '甲', organ: 'yudu-lyj', roles, from: '2026-05-01' };
    const csv = `${HEADER}\nENTER,a,甲,yudu-lyj,REVIEWER APPROVER,,2026-05-01,,`;
    const [fromJson] = parsePeople('JSON', JSON.stringify([item]), ISSUER).changes;
    const [fromCsv] = parsePeople('CSV', csv, ISSUER).changes;
    expect(fromJson?.change).toEqual(fromCsv?.change);
    expect(fromCsv?.change).toMatchObject({ issuer: ISSUER, roles });
  });

  test.each([
    ['nothing', 'CSV', 'IMPORT_EMPTY', ''],
    ['a header alone', 'CSV', 'IMPORT_EMPTY', HEADER],
    ['an object', 'JSON', 'FIELD_MALFORMED', '{}'],
    ['half a list', 'JSON', 'FIELD_MALFORMED', '['],
    ['an empty list', 'JSON', 'IMPORT_EMPTY', '[]'],
    ['1,001 items', 'JSON', 'IMPORT_TOO_LARGE', `[[]${',[]'.repeat(1_000)}]`],
    ['1,001 lines', 'CSV', 'IMPORT_TOO_LARGE', `${HEADER}\n${'END,a,,,,,,,x\n'.repeat(1_001)}`],
    ['a long text', 'CSV', 'IMPORT_TOO_LARGE', 'x'.repeat(200_001)],
  ] as const)('of %s in %s is refused %s', (_name, format, code, text) => {
    expect(codeOf(() => parsePeople(format, text, ISSUER))).toBe(code);
  });

  test('refuses a header without its columns, and items that are no objects of texts', () => {
    expect(problemsOf('subject,shoe,subject\na,b,c')).toEqual([
      '1 COLUMN_MISSING action',
      '1 COLUMN_UNKNOWN shoe',
      '1 COLUMN_TWICE subject',
    ]);
    const items = JSON.stringify([7, { action: 'ENTER', shoe: 'x' }, { action: 1 }]);
    expect(parsePeople('JSON', items, ISSUER).problems.map(({ line: at, code }) => `${at} ${code}`)).toEqual([
      '1 LINE_BROKEN',
      '2 COLUMN_UNKNOWN',
      '3 VALUE_UNKNOWN',
    ]);
  });
});
