import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Case, hasEnded } from '../../subgraphs/cases/case.ts';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import {
  ACTS,
  type Act,
  EITHER_ACTS,
  LICENSE_ACTIONS,
  LICENSE_ACTS,
  makesVersion,
  OWN_ACTS,
  PERSON_ACTS,
  VERSION_ACTS,
} from '../../subgraphs/kernel/license-acts.ts';
import { type LicenseHead, planCaseStatement } from '../../subgraphs/licenses/license.ts';
import { isByCase, policyOfAct } from '../../subgraphs/licenses/policy.ts';
import { requireDocument } from '../../subgraphs/seals/signer/content/order.ts';
import { AUTHORISER, caseStatementOf, contentOf, RECORD, statementRequest, textOf } from '../seals/requests.ts';

/**
 * What the table of acts decides about an act that a case ends in.
 * `planted-act.compiler.test.ts` runs it with another act.
 */

describe('a case that ends in an act', () => {
  test.each(LICENSE_ACTIONS)('%s waits for delivery only if the act makes a sheet', (licenseAction) => {
    const subject = { step: 'CERTIFIED', delegation: { licenseAction } } as Case;
    expect(hasEnded(subject)).toBe(!makesVersion(licenseAction));
    expect(hasEnded({ ...subject, step: 'DECIDED' })).toBe(false);
  });

  test.each(EITHER_ACTS)('%s is stated under its own name', (act) => {
    const head = { state: 'VALID', number: 'N', identifier: 'I', version: 1, issuer: {}, record: {} } as LicenseHead;
    const sealing = { authorisedBy: AUTHORISER, authorisedAt: new Date(0), sealName: '章', salt: 'A'.repeat(22) };
    const { record, stateAfter } = planCaseStatement(head, act, sealing, 'B');
    const { to, label } = LICENSE_ACTS[act];
    expect(stateAfter).toBe(to);
    expect(record).toMatchObject({ CZ: act, ZZZT: to, SM: `依申请${label}`, KZ_BJBH: 'B' });
  });

  test.each(EITHER_ACTS)('%s is sealed as a statement of this act, and of no other', (act) => {
    const content = { ...contentOf({ ...RECORD, KZ_CZ: act }) };
    const requestFor = (statedAct: Act) => ({
      ...{ ...statementRequest(), caseId: randomUUID(), act, content },
      document: textOf(caseStatementOf(statedAct)),
    });
    expect(requireDocument(requestFor(act), AUTHORISER)).toMatch(/^[0-9a-f]{64}$/);
    for (const otherAct of ACTS.filter((candidate) => candidate !== act)) {
      expect(() => requireDocument(requestFor(otherAct), AUTHORISER)).toThrow(
        expect.objectContaining({ code: 'SEAL_CONTENT_DIFFERS' }),
      );
    }
  });
});

describe('an act that somebody does', () => {
  const personWith = (role: string) => ({ kind: 'person', roles: [role] }) as unknown as Person;

  test('is by a case, on own authority, or by either', () => {
    const [reviewer, clerk] = [personWith('REVIEWER'), personWith('WINDOW_CLERK')];
    const isVersion = (act: string) => (VERSION_ACTS as readonly string[]).includes(act);
    const isEither = (act: string) => (EITHER_ACTS as readonly string[]).includes(act);
    for (const act of PERSON_ACTS) {
      expect([act, isByCase(act, reviewer), isByCase(act, clerk)]).toEqual([
        act,
        isVersion(act),
        isVersion(act) || isEither(act),
      ]);
    }
  });

  test.each(PERSON_ACTS)('%s has a grant for each basis', (act) => {
    const roles = policyOfAct(act).grants.map((grant) => grant.roles.join());
    const isVersion = (VERSION_ACTS as readonly string[]).includes(act);
    const isOwn = (OWN_ACTS as readonly string[]).includes(act);
    const isEither = (EITHER_ACTS as readonly string[]).includes(act);
    const byCase = isVersion || isEither ? ['WINDOW_CLERK,SEAL_KEEPER'] : [];
    // Nobody does an act on the organ's own authority: a supervisor or a reviewer prepares it.
    expect(roles).toEqual([...byCase, ...(isOwn ? ['SUPERVISOR', 'REVIEWER'] : [])]);
  });
});

/** Acts that a file names, and why it may. `ISSUE`, which makes the first version, is a rule in many places. */
const NAMING_FILES = {
  // A correction says why, and a renewal is decided by the day of its acceptance.
  'cases/decision/decide.ts': ['CORRECT', 'RENEW'],
  // The end of a period: nobody does it, the register states it. Cases enter the state that it leads to.
  'cases/fact/workflow.ts': ['LAPSE'],
  'kernel/sealing/attest.ts': ['LAPSE', 'REGISTER'],
  'licenses/act/issue-workflow.ts': ['LAPSE'],
  // The entry of a license from paper: it makes version 1, and nobody decides it.
  'licenses/library/statement-store.ts': ['REGISTER'],
  'licenses/registration/entry/store.ts': ['REGISTER'],
  'licenses/registration/record.ts': ['REGISTER'],
  'licenses/registration/registration.ts': ['REGISTER'],
  'licenses/register/statement.ts': ['LAPSE'],
  'licenses/validity/sweep-workflow.ts': ['LAPSE'],
  // Lapses are counted beside what people do.
  'licenses/statistics/store.ts': ['LAPSE'],
  // What a correction replaced is no longer published.
  'cases/publication/publication.ts': ['CORRECT'],
  // A renewal asked for in time holds off the end.
  'cases/renewal/renewal.ts': ['RENEW'],
  // Which acts are asked for once at a time. The compiler names an act that is missing.
  'cases/standing/standing.ts': ['REISSUE', 'RENEW', 'RETAIN'],
  // A change of the register of people, which is no act on a license.
  'cases/person/appointment.ts': ['CHANGE'],
  // The finding that orders it.
  'cases/supervision/supervision.ts': ['RESTORE', 'REVOKE', 'SUSPEND'],
  // A supervisor lifts only its own suspension.
  'licenses/order/order.ts': ['RESTORE', 'SUSPEND'],
  'licenses/policy.ts': ['SUSPEND'],
};

test('no other file asks for an act by its name', () => {
  const root = new URL('../../subgraphs/', import.meta.url);
  const pattern = new RegExp(`'(${ACTS.filter((act) => act !== 'ISSUE').join('|')})'`, 'g');
  const named = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.gen.ts') && path !== 'kernel/license-acts.ts')
    .map((path) => {
      const matches = readFileSync(new URL(path, root), 'utf8').matchAll(pattern);
      return [path, [...new Set([...matches].map(([, act]) => act))].sort()] as const;
    })
    .filter(([, acts]) => acts.length > 0);
  expect(Object.fromEntries(named)).toEqual(NAMING_FILES);
});
