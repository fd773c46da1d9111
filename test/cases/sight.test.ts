import { describe, expect, test } from 'vitest';
import { readLicenseTypes } from '../../seeds/load.ts';
import { buildStep, type Case, foldCase, type LicenseFact } from '../../subgraphs/cases/case.ts';
import { listChanges, typeOfCase } from '../../subgraphs/cases/content/check.ts';
import { type ContentFacts, showContent } from '../../subgraphs/cases/content/shown.ts';
import { viewCase } from '../../subgraphs/cases/reading/view.ts';
import { requireApplication } from '../../subgraphs/cases/reception/application.ts';
import { type Person, ROLES, STAFF_ROLES } from '../../subgraphs/kernel/actor.ts';
import type { GrantContent, Holder } from '../../subgraphs/kernel/events/events.ts';
import { LICENSE_ACTIONS, type LicenseAction } from '../../subgraphs/kernel/license-acts.ts';
import type { LicenseTypeVersion } from '../../subgraphs/kernel/license-type/type.ts';
import { delegationOn, type MatterFact } from '../../subgraphs/kernel/period/delegation.ts';
import { listRefusals } from '../../subgraphs/kernel/refusals/collector.ts';
import { linesFor } from '../support/content.ts';
import { matterFacts } from '../support/matters.ts';

/**
 * What the answers of a case tell of the license that it names. Two licenses that differ in what everybody may not know
 * are distinct only for whoever may see the whole of them.
 */

const DAY = '2026-03-02';
const AT = new Date(`${DAY}T01:00:00Z`);
/** 不动产权证书: 坐落 is published, 共有人 and 附记 are not. */
const MATTER = 'yd2022-2-03';
const APPLICANT: Holder = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
const OTHER: Holder = { name: '王小红', codeKind: 'CITIZEN_NUMBER', code: '110101199001011237' };
const SECRET_LABELS = ['共有人', '附记'];

const matter = matterFacts.find(({ matterId }) => matterId === MATTER) as MatterFact;
const delegation = delegationOn(matter, DAY);
const type: LicenseTypeVersion = {
  ...readLicenseTypes().find(({ code }) => code === delegation.outcome.licenseType),
  version: 1,
  validTo: null,
} as LicenseTypeVersion;
const published = { code: type.code, versions: [type] };

const linesWith = (secret: string) =>
  linesFor(MATTER, Object.fromEntries([['坐落', '于都县示例路1号'], ...SECRET_LABELS.map((label) => [label, secret])]));

/** A license of somebody, with a secret in each line that its type does not publish. */
function licenseOf(holder: Holder, secret: string): LicenseFact {
  const outcome = { licenseName: type.name, licenseType: type.code, validFrom: DAY, validUntil: null };
  return {
    ...{ act: 'ISSUE', number: '示例1号', identifier: 'x', version: 1, state: 'VALID', caseId: null, orderId: null },
    ...{ documentDigest: '', signatureDigest: '', changedAt: AT.toISOString(), earlier: null },
    license: { matterId: MATTER, holder, fields: linesWith(secret), ...outcome },
  } as LicenseFact;
}
/** Licenses of the applicant's and of others that differ in nothing that everybody may know. */
const OWN = ['甲的秘密', '乙的秘密'].map((secret) => licenseOf(APPLICANT, secret));
const FOREIGN = [
  licenseOf(OTHER, '甲的秘密'),
  licenseOf({ ...OTHER, name: '王大明', code: '110101199003070012' }, '乙的秘密'),
];

const GUESSES = ['甲的秘密', '乙的秘密', ''].map((text) => SECRET_LABELS.map((label) => ({ label, text })));

function caseOf(act: LicenseAction, fields: Case['fields']): Case {
  const file = {
    id: 'c',
    number: '1',
    matter,
    delegation,
    applicant: APPLICANT,
    coOwnership: null,
    reissuedSheets: null,
    agent: null,
    contact: null,
    fields,
    act,
    guide: null,
  };
  const step = { ...buildStep(clerk, 'RECEIVED', AT), at: AT };
  return foldCase({ ...file, licenseNumber: '示例1号', acceptedBy: null }, [step]);
}

const person = (roles: Person['roles'], more: Partial<Person> = {}): Person => ({
  ...{ kind: 'person', id: 'p', name: '示例', roles, organ: null, window: null, holderCode: null },
  ...more,
});
const clerk = person(['WINDOW_CLERK'], { organ: 'yudu-xzspj' });
const applicant = person(['APPLICANT'], { holderCode: APPLICANT.code });
const READERS: readonly Person[] = [
  ...ROLES.map((role) => person([role], { organ: STAFF_ROLES.includes(role) ? 'yudu-xzspj' : null })),
  applicant,
  person(['APPLICANT'], { holderCode: OTHER.code }),
  // A clerk who applies reads the own case as an applicant.
  { ...clerk, holderCode: APPLICANT.code },
];
const worksForOffice = ({ roles, holderCode }: Person) =>
  holderCode !== APPLICANT.code && roles.some((role) => role === 'AUDITOR' || STAFF_ROLES.includes(role));

/** Whether two licenses are distinct by what a case shows of its content. */
function areDistinct(
  reader: Person,
  subject: Case,
  pair: LicenseFact[],
  facts: Pick<ContentFacts, 'isStored'>,
): boolean {
  const [first, second] = pair.map((license) =>
    JSON.stringify(showContent(reader, subject, { license, published, type, grant: null, ...facts })),
  );
  return first !== second;
}

describe('the content of a case', () => {
  const cases = LICENSE_ACTIONS.filter((act) => act !== 'ISSUE').flatMap((act) =>
    [[], ...GUESSES].map((fields) => caseOf(act, fields)),
  );

  test('tells of another holder’s license what everybody may know, except to an office that transfers it', () => {
    for (const subject of cases)
      for (const reader of READERS)
        for (const isStored of [true, false]) {
          const mayTell = subject.act === 'TRANSFER' && isStored && worksForOffice(reader);
          const differs = areDistinct(reader, subject, FOREIGN, { isStored });
          expect([subject.act, subject.fields, reader.roles, isStored, differs]).toEqual([
            ...[subject.act, subject.fields, reader.roles, isStored, mayTell],
          ]);
        }
  });

  test('tells of the applicant’s own license all, to the applicant and to an office once it is recorded', () => {
    for (const subject of cases.filter(({ fields }) => fields.length === 0))
      for (const reader of READERS)
        for (const isStored of [true, false]) {
          const isApplicant = reader.holderCode === APPLICANT.code;
          const differs = areDistinct(reader, subject, OWN, { isStored });
          expect(differs).toBe(isApplicant || (isStored && worksForOffice(reader)));
        }
  });

  test('shows what the type publishes, with the name masked', () => {
    const facts = { license: FOREIGN[0] ?? null, published, type, grant: null, isStored: false };
    const { fields, changes } = showContent(applicant, caseOf('TRANSFER', []), facts);
    const labels = type.lines.flatMap((line) => (line.published ? line.label : []));
    expect(fields.map(({ label }) => label)).toEqual(labels.filter((label) => label === '坐落'));
    expect(changes).toEqual([{ label: '持证主体', before: '王**', after: '李晓明' }]);
  });
});

describe('after the decision', () => {
  const granted = (act: LicenseAction, license: LicenseFact): [Case, ContentFacts] => {
    const open = caseOf(act, [{ label: '附记', text: '新的附记' }]);
    const data = { amended: listChanges(open, license, typeOfCase(published, open.steps, DAY)) };
    const decision = buildStep(clerk, 'DECIDED', AT, { finding: 'GRANTED', data });
    const subject = foldCase(open, [...open.steps, decision]);
    const grant = { fields: linesWith('准予的内容'), typeVersion: 1 } as unknown as GrantContent;
    return [subject, { license, published, type, grant, isStored: true }];
  };

  test('a case says what was granted, whatever the license says later', () => {
    for (const act of LICENSE_ACTIONS.filter((each) => each !== 'ISSUE'))
      for (const reader of READERS) {
        const [subject, facts] = granted(act, OWN[0] as LicenseFact);
        for (const later of [...OWN, ...FOREIGN]) {
          const { fields, changes } = showContent(reader, subject, { ...facts, license: later });
          expect(fields).toEqual(linesWith('准予的内容'));
          expect(changes).toEqual(showContent(reader, subject, facts).changes);
        }
      }
  });

  test('the new holder learns from whom the license comes, and no line that it said before', () => {
    for (const license of FOREIGN) {
      const [subject, facts] = granted('TRANSFER', license);
      const expected = [
        { label: '持证主体', before: license.license.holder.name, after: '李晓明' },
        { label: '附记', before: null, after: '新的附记' },
      ];
      expect(showContent(applicant, subject, facts).changes).toEqual(expected);
      expect(viewCase(subject, applicant).steps.at(-1)?.amended).toEqual(expected);
      const seen = viewCase(subject, clerk)
        .steps.at(-1)
        ?.amended.find(({ label }) => label === '附记');
      expect(seen?.before).toMatch(/的秘密$/);
    }
  });

  test('a case that ended without a grant has only its own lines', () => {
    const open = caseOf('TRANSFER', GUESSES[0] ?? []);
    for (const end of [
      buildStep(clerk, 'WITHDRAWN', AT),
      buildStep(clerk, 'NOT_ACCEPTED', AT),
      buildStep(clerk, 'DECIDED', AT, { finding: 'REJECTED' }),
    ]) {
      const subject = foldCase(open, [...open.steps, end]);
      for (const reader of READERS) expect(areDistinct(reader, subject, FOREIGN, { isStored: true })).toBe(false);
    }
  });
});

test('no refusal of an application tells of another holder’s license what everybody may not know', () => {
  for (const act of LICENSE_ACTIONS)
    for (const fields of [[], ...GUESSES, [{ label: '不存在的项', text: '甲' }]])
      for (const name of [APPLICANT.name, ...FOREIGN.map(({ license }) => license.holder.name)]) {
        const application = {
          applicant: { ...APPLICANT, name },
          coOwnership: null,
          reissuedSheets: null,
          agent: null,
          contact: null,
          fields,
          licenseNumber: '示例1号',
          act,
        };
        const names = { matterId: 'yd2022-3-25', licenseMatter: null };
        const facts = { type, duplicates: 0, offered: LICENSE_ACTIONS, today: DAY, ...names };
        const answers = FOREIGN.map((license) =>
          listRefusals(() => requireApplication(delegation, application, { ...license, running: [] }, facts)).map(
            ({ code, field, message }) => ({ code, field, message }),
          ),
        );
        expect([act, fields, name, answers[1]]).toEqual([act, fields, name, answers[0]]);
      }
});
