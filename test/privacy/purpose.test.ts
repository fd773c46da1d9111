import { readFileSync } from 'node:fs';
import { isEnumType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { type Person, ROLES, type Role } from '../../subgraphs/kernel/actor.ts';
import { type Phase, PURPOSES, type Purpose, requirePurpose } from '../../subgraphs/kernel/privacy/purpose.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import { buildSubgraphSchema } from '../support/subgraph-schema.ts';

/** Written out by hand: which role may give which purpose, before and after the decision. */
const ALLOWED: Readonly<Record<Phase, Partial<Record<Role, readonly Purpose[]>>>> = {
  OPEN: {
    WINDOW_CLERK: ['EXAMINATION', 'VERIFICATION'],
    REVIEWER: ['EXAMINATION', 'DECISION', 'VERIFICATION'],
    APPROVER: ['DECISION', 'VERIFICATION'],
    SUPERVISOR: ['SUPERVISION'],
    AUDITOR: ['AUDIT'],
    LIBRARY: ['COLLECTION'],
  },
  ENDED: {
    WINDOW_CLERK: ['CERTIFICATION', 'VERIFICATION'],
    REVIEWER: ['VERIFICATION'],
    APPROVER: ['VERIFICATION'],
    SEAL_KEEPER: ['CERTIFICATION', 'SEAL_CONTROL'],
    SEAL_APPROVER: ['SEAL_CONTROL'],
    SUPERVISOR: ['SUPERVISION'],
    AUDITOR: ['AUDIT'],
    LIBRARY: ['COLLECTION'],
  },
};
const NAMES = Object.keys(PURPOSES) as Purpose[];

const personOf = (...roles: Role[]): Person => ({
  ...{ kind: 'person', id: 'x', name: '某人', roles, organ: 'yudu-lyj', window: null, holderCode: null },
});

function codeOf(purpose: string | null, person: Person, phase: Phase = 'ENDED', remark: string | null = null): string {
  try {
    return requirePurpose({ purpose, remark }, person, phase).purpose;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

describe.each(['OPEN', 'ENDED'] as const)('a purpose in phase %s', (phase) => {
  test.each(ROLES)('by %s', (role) => {
    const given = NAMES.filter((name) => codeOf(name, personOf(role), phase) === name);
    expect(given).toEqual(ALLOWED[phase][role] ?? []);
    for (const name of NAMES.filter((other) => !given.includes(other)))
      expect(codeOf(name, personOf(role), phase)).toBe('PURPOSE_UNFIT');
  });
});

test('an empty purpose is refused, but for the city library, whose protocol has none', () => {
  for (const empty of [null, '', '  ']) {
    for (const role of ROLES) {
      expect(codeOf(empty, personOf(role))).toBe(role === 'LIBRARY' ? 'COLLECTION' : 'PURPOSE_MISSING');
    }
    expect(codeOf(empty, personOf('LIBRARY', 'WINDOW_CLERK'))).toBe('PURPOSE_MISSING');
  }
});

test('other words are no purpose', () => {
  for (const text of ['审查申请', 'audit', 'toString', '__proto__', 'AUDIT,VERIFICATION'])
    expect(codeOf(text, personOf(...ROLES))).toBe('PURPOSE_UNKNOWN');
});

test('a remark is one line of 200 characters at most', () => {
  const person = personOf('AUDITOR');
  const remarkOf = (remark: string | null) => requirePurpose({ purpose: 'AUDIT', remark }, person, 'ENDED').remark;
  expect([remarkOf(null), remarkOf(' '), remarkOf(' 年度审计 ')]).toEqual([null, null, '年度审计']);
  expect(codeOf('AUDIT', person, 'ENDED', '长'.repeat(200))).toBe('AUDIT');
  expect(codeOf('AUDIT', person, 'ENDED', '长'.repeat(201))).toBe('FIELD_TOO_LONG');
  for (const remark of ['换\n行', '\u001b[31m', '\u2028', '\u202e'])
    expect(codeOf('AUDIT', person, 'ENDED', `甲${remark}乙`)).toBe('FIELD_MALFORMED');
});

test.each(['cases', 'licenses'])('the schema of %s has every purpose, with its label', (name) => {
  const type = buildSubgraphSchema(name).getType('ReadingPurpose');
  const values = isEnumType(type) ? type.getValues() : [];
  expect(values.map((value) => value.name)).toEqual(NAMES);
  for (const { name: purpose, description } of values)
    expect(description).toContain(PURPOSES[purpose as Purpose].label);
});

test('docs/privacy.md has every purpose with its label', () => {
  const page = readFileSync(new URL('../../docs/privacy.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` +\| (\S+)/gm)].map(([, name, label]) => [name, label]);
  expect(rows).toEqual(NAMES.map((name) => [name, PURPOSES[name].label]));
});
