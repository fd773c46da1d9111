import { readFileSync } from 'node:fs';
import { isEnumType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { ACTS as PAGE_ACTS, STATES as PAGE_STATES } from '../../gateway/page/static/terms.js';
import { STATE_NAMES as LIBRARY_STATE_NAMES } from '../../scripts/city-library/page.ts';
import * as library from '../../scripts/city-library/protocol.ts';
import { advance, type Head } from '../../scripts/city-library/transition.ts';
import { requireLicenseFits } from '../../subgraphs/cases/reception/application.ts';
import type { StandingLicense } from '../../subgraphs/cases/standing/standing.ts';
import { computeContentDigest, type DelegationFact } from '../../subgraphs/kernel/events/events.ts';
import {
  ACTS,
  type Act,
  type CaseNeed,
  endsSheet,
  isActAllowed,
  isLive,
  LICENSE_ACTIONS,
  LICENSE_ACTS,
  LICENSE_STATE_LABELS,
  LICENSE_STATES,
  type LicenseActRule,
  makesSheet,
  makesVersion,
  maySeal,
  ORDERED_ACTS,
  OWN_ACTS,
  SEALED_ACT_NAMES,
  SIGNED_ACTS,
  VALIDITY_STATES,
  type ValidityState,
  VERSION_ACTS,
} from '../../subgraphs/kernel/license-acts.ts';
import { writeAuthorisation } from '../../subgraphs/kernel/sealing/authorisation.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import type { SealUseRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import { mutationOf } from '../../subgraphs/licenses/action/mutation.ts';
import { stateOfNewVersion } from '../../subgraphs/licenses/validity/renewal.ts';
import { LIST_STATES } from '../../subgraphs/licenses/verify/status.ts';
import { requireAuthorisation } from '../../subgraphs/seals/signer/authority.ts';
import { NO_PERSON_KEYS } from '../../subgraphs/seals/signer/person/credential.ts';
import { buildSubgraphSchema } from '../support/subgraph-schema.ts';

function valuesOf(subgraph: string, name: string): string[] {
  const type = buildSubgraphSchema(subgraph).getType(name);
  if (!isEnumType(type)) throw new Error(`${subgraph} has no enum ${name}`);
  return type.getValues().map((value) => value.name);
}

describe('the columns of a row agree with each other', () => {
  test.each(ACTS)('%s moves paper as its other columns say', (act) => {
    const { from, to, paper, makesVersion: isNew }: LicenseActRule = LICENSE_ACTS[act];
    expect(makesSheet(act)).toBe(isNew);
    // Paper of a version that is out of force must come back. That of one in force, or suspended, stays.
    expect(endsSheet(act)).toBe(from.length > 0 && !isLive(to));
    // Only a reissue follows a loss.
    const newSheet = act === 'REISSUE' ? 'REPLACE_LOST' : 'NEW_SHEET';
    expect(paper).toBe(isNew ? newSheet : isLive(to) ? 'NONE' : 'RECALL');
  });

  test('a row that nothing handles does not compile', () => {
    const { SUSPEND, CANCEL, ISSUE } = LICENSE_ACTS;
    const { paper: _paper, ...withoutPaper } = SUSPEND;
    const { preparedBy: _preparer, ...withoutPreparer } = SUSPEND;
    const { hearing: _hearing, ...withoutHearing } = SUSPEND;
    const rows: LicenseActRule[] = [
      SUSPEND,
      // @ts-expect-error -- no one says what becomes of the paper
      withoutPaper,
      // @ts-expect-error -- the approver alone would do it
      withoutPreparer,
      // @ts-expect-error -- no one says whether the holder is heard
      withoutHearing,
      // @ts-expect-error -- a clerk authorises no act on a license: the policy has no such grant
      { ...SUSPEND, authorisedBy: 'CLERK' },
      // @ts-expect-error -- nobody could do it without a case
      { ...CANCEL, authorisedBy: null },
      // @ts-expect-error -- a new version needs a case
      { ...ISSUE, case: 'OPTIONAL', authorisedBy: 'APPROVER' },
      // @ts-expect-error -- a new version is on a new sheet
      { ...ISSUE, paper: 'RECALL' },
    ];
    expect(rows).toHaveLength(8);
  });
});

/** Acts that the library's list has for a sealed statement. A license from paper is told by the register alone. */
const SENT_STATEMENTS = ACTS.filter((act) => !makesVersion(act) && act !== 'REGISTER');

describe('every consumer agrees with the table of license acts', () => {
  test('the enums of GraphQL', () => {
    expect(valuesOf('licenses', 'Act').sort()).toEqual([...ACTS].sort());
    expect(valuesOf('licenses', 'LicenseState').sort()).toEqual([...VALIDITY_STATES].sort());
    expect(valuesOf('licenses', 'OrderedAct').sort()).toEqual([...ORDERED_ACTS].sort());
    expect(valuesOf('matters', 'LicenseAction').sort()).toEqual([...LICENSE_ACTIONS].sort());
  });

  test('each act that somebody can do has a mutation, and no other act has one', () => {
    const mutations = Object.keys(buildSubgraphSchema('licenses').getMutationType()?.getFields() ?? {});
    const mutableActs = new Set<Act>([...VERSION_ACTS, ...OWN_ACTS]);
    for (const act of ACTS) expect([act, mutations.includes(mutationOf(act))]).toEqual([act, mutableActs.has(act)]);
  });

  test('the status list keeps its values', () => {
    expect(LIST_STATES).toEqual([...LICENSE_STATES, 'NOT_YET_VALID']);
  });

  test('the public page names each act and each state as the table does', () => {
    const wordsOf = (terms: Record<string, { zh: string }>) =>
      Object.fromEntries(Object.entries(terms).map(([name, { zh }]) => [name, zh]));
    expect(wordsOf(PAGE_ACTS)).toEqual(Object.fromEntries(ACTS.map((act) => [act, LICENSE_ACTS[act].label])));
    expect(wordsOf(PAGE_STATES)).toEqual(LICENSE_STATE_LABELS);
  });

  test('the reference library names each state as the table does', () => {
    expect(LIBRARY_STATE_NAMES).toEqual(LICENSE_STATE_LABELS);
  });

  test('the code list of the reference library', () => {
    const codesOf = (acts: readonly Act[]) => [...new Set(acts.map((act) => LICENSE_ACTS[act].wireCode))].sort();
    expect([...library.VERSION_ACTS].sort()).toEqual(codesOf(ACTS.filter(makesVersion)));
    expect([...library.STATEMENT_ACTS].sort()).toEqual(codesOf(SENT_STATEMENTS));
    expect(library.STATES).toEqual(LICENSE_STATES);
  });

  test('the code list of the protocol page', () => {
    const page = readFileSync(new URL('../../docs/city-library.md', import.meta.url), 'utf8');
    const partOf = (start: string) => page.slice(page.indexOf(start)).split('\n- ')[0] ?? '';
    const codesIn = (text: string) =>
      [...text.matchAll(/\b([A-Z]+)\s+(\p{sc=Han}+)(?: is sent as ([A-Z]+))?/gu)].map(([, act, label, code = act]) =>
        [act, label, code].join(' '),
      );
    const rowsOf = (acts: readonly Act[]) =>
      acts.map((act) => [act, LICENSE_ACTS[act].label, LICENSE_ACTS[act].wireCode].join(' ')).sort();
    expect(codesIn(partOf('`act` with `application/pdf`')).sort()).toEqual(rowsOf(ACTS.filter(makesVersion)));
    expect(codesIn(partOf('`act` with `application/json`')).sort()).toEqual(rowsOf(SENT_STATEMENTS));
    expect(partOf('`state` after the act').match(/\b[A-Z]{2,}\b/g)).toEqual(LICENSE_STATES);
  });

  // The reference library is an independent peer with a table of its own. It alone allows a second cancellation.
  test.each(ACTS)('the reference library takes %s from the same states', (act) => {
    const { wireCode, to } = LICENSE_ACTS[act];
    for (const state of LICENSE_STATES) {
      if (act === 'ISSUE' || act === 'REGISTER' || (act === 'CANCEL' && state === 'CANCELLED')) continue;
      const head: Head = { revision: 1, identifier: 'a', version: 1, state };
      const isNew = makesVersion(act);
      const delivery = {
        revision: 2,
        act: wireCode,
        identifier: isNew ? 'b' : 'a',
        version: isNew ? 2 : 1,
        state: isNew ? stateOfNewVersion({ storedState: state }) : to,
        mediaType: isNew ? 'application/pdf' : 'application/json',
        record: { value: { KZ_XGBS: 'a' } },
      };
      const isAccepted = (() => {
        try {
          advance(head, delivery as never);
          return true;
        } catch (error) {
          if (error instanceof Error && 'code' in error && error.code === 'STATE_NOT_ALLOWED') return false;
          throw error;
        }
      })();
      expect([act, state, isAccepted]).toEqual([act, state, isActAllowed(act, state)]);
    }
  });
});

describe('the signer seals without a case only what the table allows', () => {
  const WITHOUT_CASE = ['SUSPEND', 'RESTORE', 'RESCIND', 'WITHDRAW', 'REVOKE', 'CANCEL'];
  const WITH_CASE = [
    ...['ISSUE', 'CHANGE', 'RENEW', 'REISSUE', 'RETAIN', 'TRANSFER', 'CORRECT', 'CANCEL'],
    ...['DECISION', 'NOTICE'],
  ];
  const { identities, publicKeys } = generateServiceKeys();

  /** Runs the check of the signer with a genuine authorisation for exactly this request. */
  async function isAuthorised(act: string, caseId: string | null): Promise<boolean> {
    const content = { CZ: act };
    const request = { organ: 'o', matterId: 'm', caseId, act: act as SealUseRequest['act'], content };
    const authorisation = await writeAuthorisation(caseId === null ? identities.licenses : identities.cases, {
      ...{ actor: 'a', actorName: '甲', organ: 'o', matter: 'm', caseId, act },
      ...{ contentDigest: computeContentDigest(content), authorisedAt: '2026-11-29T00:00:00Z' },
      decider: { organ: 'o', decides: 'o', exception: null },
    });
    const issuanceId = crypto.randomUUID();
    const authority = { keys: publicKeys, isKnown: () => false, personKeys: NO_PERSON_KEYS, now: new Date() };
    return requireAuthorisation(
      { ...request, level: 'COUNTY', issuanceId, identifier: 'i', authorisation },
      authority,
    ).then(
      () => true,
      (error) => {
        expect(error).toMatchObject({ code: 'SEAL_AUTHORISATION_INVALID' });
        return false;
      },
    );
  }

  test.each(SEALED_ACT_NAMES)('%s', async (act) => {
    expect(await isAuthorised(act, null)).toBe(WITHOUT_CASE.includes(act));
    expect(await isAuthorised(act, 'case')).toBe(WITH_CASE.includes(act));
  });

  test.each(['UNHEARD', '', 'issue', 'constructor', '__proto__', 'toString'])('an unknown act: %j', async (act) => {
    expect(await isAuthorised(act, null)).toBe(false);
    expect(await isAuthorised(act, 'case')).toBe(false);
  });

  test('a made-up act in the table is sealed without a case only if its row says so', () => {
    const needs: CaseNeed[] = ['REQUIRED', 'OPTIONAL', 'NEVER'];
    for (const need of needs) {
      for (const authorisedBy of ['APPROVER', null] as const) {
        const acts = { ...SIGNED_ACTS, MERGE: { case: need, authorisedBy, attestedBy: 'SEAL' as const } };
        expect(maySeal('MERGE', false, acts)).toBe(need !== 'REQUIRED' && authorisedBy !== null);
        expect(maySeal('MERGE', true, acts)).toBe(need !== 'NEVER');
      }
    }
  });
});

describe('an application on a license is refused early', () => {
  const HOLDER = { name: '甲', codeKind: 'USCC' as const, code: '91000000MA0000001B' };
  const TYPE = '11000000000090018B016';
  const delegationOf = (action: string) =>
    ({ licenseAction: action, outcome: { kind: 'LICENSE', licenseType: TYPE } }) as DelegationFact;
  const TODAY = '2027-02-12';
  /** A license in a state on TODAY. `validUntil` ends or keeps it, `validFrom` has it begin later. */
  const licenseIn = (state: ValidityState, code = HOLDER.code) =>
    ({
      state: state === 'NOT_YET_VALID' ? 'VALID' : state,
      license: {
        licenseType: TYPE,
        holder: { ...HOLDER, code },
        validFrom: state === 'NOT_YET_VALID' ? '2027-02-13' : TODAY,
        validUntil: TODAY,
      },
      running: [],
    }) as unknown as StandingLicense;
  const refusalOf = (action: string, license: StandingLicense | null, licenseNumber: string | null = 'N1') => {
    try {
      const delegation = delegationOf(action);
      requireLicenseFits({ applicant: HOLDER, act: null, delegation, licenseNumber }, license, TODAY);
      return null;
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const ACTIONS_ON_LICENSE = LICENSE_ACTIONS.filter((action) => action !== 'ISSUE');

  test.each(ACTIONS_ON_LICENSE)('%s in each state', (action) => {
    for (const state of VALIDITY_STATES) {
      const expected = isActAllowed(action, state) ? null : 'LICENSE_ACT_NOT_ALLOWED';
      expect([state, refusalOf(action, licenseIn(state))]).toEqual([state, expected]);
    }
  });

  test.each(ACTIONS_ON_LICENSE)('%s after the last day, though no act has entered the end', (action) => {
    for (const state of ['VALID', 'SUSPENDED'] as const) {
      const ended = licenseIn(state);
      const license = { ...ended, license: { ...ended.license, validUntil: '2027-02-11' } };
      expect(refusalOf(action, license)).toBe(action === 'CANCEL' ? null : 'LICENSE_ACT_NOT_ALLOWED');
      // While a renewal holds off the end (视为准予延续), the license is in force.
      const running = [{ id: 'C', number: null, act: 'RENEW' as const, isGranted: false, holdsEnd: true }];
      const expected = isActAllowed(action, state) ? null : 'LICENSE_ACT_NOT_ALLOWED';
      expect([state, refusalOf(action, { ...license, running })]).toEqual([state, expected]);
    }
  });

  test.each(ACTIONS_ON_LICENSE)('%s by another holder', (action) => {
    const expected = action === 'TRANSFER' ? null : 'NOT_YOUR_RECORD';
    expect(refusalOf(action, licenseIn('VALID', '91000000MA0000002N'))).toBe(expected);
  });

  test('a clerk is told that the holder is not the applicant', () => {
    const application = { applicant: HOLDER, act: null, delegation: delegationOf('CHANGE'), licenseNumber: 'N1' };
    const license = licenseIn('VALID', '91000000MA0000002N');
    expect(() => requireLicenseFits(application, license, TODAY)).toThrow('持证人不是申请人');
  });

  test('a revoked license may still be cancelled, and nothing else', () => {
    expect(ACTIONS_ON_LICENSE.filter((action) => refusalOf(action, licenseIn('REVOKED')) === null)).toEqual(['CANCEL']);
  });

  test('an unknown license, a license of another type, and no license', () => {
    expect(refusalOf('CHANGE', null)).toBe('LICENSE_UNKNOWN');
    const otherLicense = { ...licenseIn('VALID'), license: { ...licenseIn('VALID').license, licenseType: 'X' } };
    expect(refusalOf('CHANGE', otherLicense)).toBe('LICENSE_UNKNOWN');
    expect(refusalOf('CHANGE', null, null)).toBe('LICENSE_NOT_NAMED');
    expect(refusalOf('ISSUE', null, null)).toBeNull();
  });
});
