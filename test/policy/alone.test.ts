import { describe, expect, test } from 'vitest';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import { requireAllowed } from '../../subgraphs/kernel/policy.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import type { CountersignedKind } from '../../subgraphs/licenses/countersign/countersign.ts';
import { FIXTURES, type Fixture, POLICIES } from './fixtures.ts';
import { listMutations } from './matrix.ts';
import { PEOPLE } from './people.ts';

/**
 * What one person gains alone by each mutation: nothing, because another person decides, or because it is harmless. A
 * new mutation without a row fails.
 */

const DECISIONS = [
  ...(['decideProposal', 'decideImport', 'decideLicenseProposal', 'decideSealApplication'] as const),
  ...(['decideBlankTransfer', 'decideRegistration'] as const),
] as const;

interface Alone {
  /** The mutation by which another person decides. It refuses whoever proposed. */
  decidedBy?: (typeof DECISIONS)[number];
  /** Two persons ask for the same (folder countersign/). */
  countersigned?: CountersignedKind;
  /** Why one person is enough. */
  alone?: string;
}

const PROPOSED = { decidedBy: 'decideProposal' } as const;
const ACT_PROPOSED = { decidedBy: 'decideLicenseProposal' } as const;
const APPLIED = { decidedBy: 'decideSealApplication' } as const;
const SECOND = { alone: 'it is the second person of what another one proposed' } as const;
const TAKEN_BACK = { alone: 'it takes back what the person proposed, and changes nothing else' } as const;
const STEP = { alone: 'a step before the decision, shown to all parties; examiner and decider are different persons' };
const BY_CASE = { alone: 'carries out once what the decider of the case granted and authorised, with these bytes' };

const ROWS: Readonly<Record<string, Alone>> = {
  importDelegations: { decidedBy: 'decideImport' },
  importGuide: { decidedBy: 'decideImport' },
  importGuideOverlay: { decidedBy: 'decideImport' },
  importLicenseType: { decidedBy: 'decideImport' },
  importOrgans: { decidedBy: 'decideImport' },
  decideImport: SECOND,
  withdrawImport: TAKEN_BACK,
  reportTaskProgress: { alone: 'a dated report under the name of the organ; the next report replaces it' },

  receiveApplication: STEP,
  acceptCase: STEP,
  acceptApplication: STEP,
  askSupplement: STEP,
  supplementCase: STEP,
  closeUnsupplemented: { alone: 'possible after the last day only; the applicant applies again' },
  refuseAcceptance: { alone: 'the applicant gets the reason in writing and may apply again, at another counter too' },
  withdrawCase: { alone: 'the applicant sees it at once and applies again; nothing is granted or refused by it' },
  examineCase: STEP,
  forwardCase: STEP,
  sendBackCase: STEP,
  amendCase: { alone: 'shown line by line in the case; the decider sees and authorises the whole content' },
  pauseCase: { alone: 'needs a lawful kind and papers; the applicant and the statistics show each pause' },
  resumeCase: STEP,
  decideCase: { alone: 'whoever examined is refused, see below' },
  deliverDecision: { alone: 'of a sealed decision only; the decision does not change' },

  recordException: PROPOSED,
  endException: { alone: 'restores the segregation of duties' },
  recordAgreement: PROPOSED,
  endAgreement: PROPOSED,
  loadCalendar: PROPOSED,
  registerPlatform: PROPOSED,
  changePlatform: PROPOSED,
  addPlatformKey: PROPOSED,
  endPlatformKey: PROPOSED,
  removePlatform: PROPOSED,
  registerWebhook: PROPOSED,
  removeWebhook: PROPOSED,
  changePeople: PROPOSED,
  importPeople: PROPOSED,
  decideProposal: SECOND,
  withdrawProposal: TAKEN_BACK,
  endSessions: { alone: 'the safe direction; who may sign in signs in again' },

  claimPush: { alone: 'changes no license; signPush is open to every supervisor of the organ' },
  signPush: { alone: 'records that the organ has read a result' },
  recordFinding: { alone: 'an order is carried out only if the issuing organ prepares and approves the act' },
  acknowledgeFinding: { alone: 'records that the organ has read a finding' },
  closeFinding: { alone: 'a finding that orders nothing, by the organ that recorded it' },
  discardUpload: { alone: 'an own file that no case has' },
  findApplicantCases: { alone: 'for a purpose, recorded and shown to the applicant' },
  discloseApplicant: { alone: 'for a purpose, recorded and shown to the applicant' },
  findHolderLicenses: { alone: 'for a purpose, recorded and shown to the holder' },
  discloseHolder: { alone: 'for a purpose, recorded and shown to the holder' },

  issueLicense: BY_CASE,
  changeLicense: BY_CASE,
  renewLicense: BY_CASE,
  reissueLicense: BY_CASE,
  retainLicense: BY_CASE,
  transferLicense: BY_CASE,
  correctLicense: BY_CASE,
  cancelLicense: ACT_PROPOSED,
  suspendLicense: ACT_PROPOSED,
  restoreLicense: ACT_PROPOSED,
  rescindLicense: ACT_PROPOSED,
  withdrawLicense: ACT_PROPOSED,
  revokeLicense: ACT_PROPOSED,
  decideLicenseProposal: SECOND,
  withdrawLicenseProposal: TAKEN_BACK,
  proposeRegistration: { decidedBy: 'decideRegistration' },
  decideRegistration: SECOND,
  withdrawRegistration: TAKEN_BACK,
  spoilBlank: { alone: 'the same version on another blank of the stock, stated by the register in codes; no seal' },
  deliverCertificate: { alone: 'records a hand-over; the license does not change' },
  recallCertificate: { alone: 'records that paper out of force came back; the license does not change' },
  issueLicenses: BY_CASE,
  deliverCertificates: { alone: 'records hand-overs, each as deliverCertificate does' },
  recallCertificates: { alone: 'records that paper out of force came back, each as recallCertificate does' },
  redriveCollection: { alone: 'sends again what is already sealed' },
  declineOrder: { countersigned: 'DECLINE_ORDER' },
  voidTask: { countersigned: 'VOID_TASK' },
  receiveBlanks: { countersigned: 'RECEIVE_BLANKS' },
  writeOffBlanks: { countersigned: 'WRITE_OFF_BLANKS' },
  transferBlanks: { decidedBy: 'decideBlankTransfer' },
  decideBlankTransfer: SECOND,
  withdrawBlankTransfer: TAKEN_BACK,

  suspendSeal: { alone: 'the safe direction; putting it back into use takes two' },
  fileSeal: { alone: 'a number on a seal that two persons made; it can sign nothing before a decision authorises it' },
  putSealIntoUse: { alone: 'a filed seal that two persons made; it signs only what deciders authorise, by its grants' },
  applyForSeal: APPLIED,
  applyForSealGrant: APPLIED,
  applyForSealGrantWithdrawal: APPLIED,
  applyForSealEnd: APPLIED,
  applyForSealRotation: APPLIED,
  applyForSealResumption: APPLIED,
  enterSealCertificate: APPLIED,
  applyForSealPicture: APPLIED,
  decideSealApplication: SECOND,
  withdrawSealApplication: TAKEN_BACK,
};

/** Returns the code of the refusal, or null if a person may do it. */
function refusalOf({ rule }: Fixture, subject: unknown, person: Person): string | null {
  try {
    requireAllowed(rule, subject as never, person);
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

/** Everybody who may do what a fixture describes, and what they are told if they themselves did `part` before. */
function outcomesOf(name: string, part: (person: Person) => object): [Person, string | null][] {
  return FIXTURES.filter((fixture) => fixture.name === name).flatMap((fixture) =>
    PEOPLE.filter((person) => refusalOf(fixture, fixture.subject, person) === null).map(
      (person): [Person, string | null] => [
        person,
        refusalOf(fixture, { ...(fixture.subject as object), ...part(person) }, person),
      ],
    ),
  );
}

/** Requires that there are such persons, and that each of them is told that another one is needed. */
function expectSecondPerson(outcomes: [Person, string | null][]): void {
  expect(outcomes.length).toBeGreaterThan(0);
  expect(outcomes.filter(([, code]) => code !== 'SECOND_PERSON_NEEDED')).toEqual([]);
}

describe('what one person gains alone', () => {
  test('is said for each mutation, and for nothing else', () => {
    const mutations = Object.keys(POLICIES).flatMap((subgraph) => listMutations(subgraph).map(({ name }) => name));
    expect(Object.keys(ROWS).sort()).toEqual(mutations.sort());
    for (const [name, row] of Object.entries(ROWS)) expect([name, Object.keys(row).length]).toEqual([name, 1]);
  });

  test.each(DECISIONS)('nobody decides by %s what the same person proposed', (name) =>
    expectSecondPerson(outcomesOf(name, ({ id }) => ({ proposedById: id, appliedById: id }))),
  );

  const countersigned = Object.entries(ROWS).flatMap(([name, row]) =>
    row.countersigned ? [[name, row.countersigned] as const] : [],
  );
  test.each(countersigned)('%s asks for another person of the organ', (name, kind) => {
    const organ = 'yudu-lyj';
    const firstOf = (proposedById: string) => ({
      first: { id: 'x', kind, organ, proposedById, proposedBy: '某人', outcome: null },
    });
    expectSecondPerson(outcomesOf(name, ({ id }) => firstOf(id)));
    const others = outcomesOf(name, () => firstOf('another')).filter(([person]) => person.organ === organ);
    const secondRoles = others.filter(([, code]) => code === null).flatMap(([{ roles }]) => roles);
    expect([...new Set(secondRoles)].sort()).toEqual(
      kind.endsWith('_BLANKS') ? ['SEAL_APPROVER', 'SEAL_KEEPER'] : ['APPROVER'],
    );
  });

  test('whoever examined a case does not decide it', () => {
    const examined = (id: string) => [{ step: 'EXAMINED', actorId: id, at: new Date(), data: null }];
    const outcomes = outcomesOf('decideCase', ({ id }) => ({ steps: examined(id) }));
    expect(outcomes.length).toBeGreaterThan(0);
    expect(outcomes.filter(([, code]) => code !== 'EXAMINER_DECIDES')).toEqual([]);
  });
});
