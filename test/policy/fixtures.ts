import { readMatters, readOrgans, readTasks } from '../../seeds/load.ts';
import { type Case, foldCase, type StepRecord } from '../../subgraphs/cases/case.ts';
import { EXCEPTION_POLICY } from '../../subgraphs/cases/exception/policy.ts';
import { MATERIAL_POLICY } from '../../subgraphs/cases/material/policy.ts';
import { SESSION_POLICY } from '../../subgraphs/cases/person/policy.ts';
import { CASE_ACTIONS } from '../../subgraphs/cases/policy.ts';
import { ADMINISTRATION_POLICY, PROPOSAL_POLICY } from '../../subgraphs/cases/proposal/policy.ts';
import { PROPOSALS, type Proposal, type ProposalKind } from '../../subgraphs/cases/proposal/proposal.ts';
import { READING_POLICY as CASE_READING_POLICY } from '../../subgraphs/cases/reading/policy.ts';
import { RECEPTION_POLICY } from '../../subgraphs/cases/reception/policy.ts';
import { SUPERVISION_POLICY } from '../../subgraphs/cases/supervision/policy.ts';
import type { Finding, Push } from '../../subgraphs/cases/supervision/supervision.ts';
import { LICENSE_ACTS, ORDERED_ACTS, OWN_ACTS } from '../../subgraphs/kernel/license-acts.ts';
import { delegationOn } from '../../subgraphs/kernel/period/delegation.ts';
import type { PolicyRule } from '../../subgraphs/kernel/policy.ts';
import { mutationOf } from '../../subgraphs/licenses/action/mutation.ts';
import type { LicenseHead } from '../../subgraphs/licenses/license.ts';
import { LICENSES_POLICY } from '../../subgraphs/licenses/policy.ts';
import { LICENSE_PROPOSAL_POLICY } from '../../subgraphs/licenses/proposal/policy.ts';
import { READING_POLICY as LICENSE_READING_POLICY } from '../../subgraphs/licenses/reading/policy.ts';
import { REGISTRATION_POLICY } from '../../subgraphs/licenses/registration/policy.ts';
import { REGISTRATION_KIND } from '../../subgraphs/licenses/registration/registration.ts';
import { STOCK_POLICY } from '../../subgraphs/licenses/stock/policy.ts';
import type { CertificateTask } from '../../subgraphs/licenses/task/task.ts';
import { buildDelegationFact, buildMatter } from '../../subgraphs/matters/matter.ts';
import { MATTERS_POLICY } from '../../subgraphs/matters/policy.ts';
import { IMPORT_PROPOSAL_POLICY } from '../../subgraphs/matters/proposal/policy.ts';
import { IMPORTS, type ImportKind } from '../../subgraphs/matters/proposal/proposal.ts';
import { computeTaskStatus } from '../../subgraphs/matters/task/task.ts';
import { SEALS_POLICY } from '../../subgraphs/seals/policy.ts';
import type { Seal } from '../../subgraphs/seals/seal.ts';
import { COMPANY } from '../support/flow.ts';

/** One subject for every policy row, and who belongs to its places: written out by hand, not computed by a rule. */

/** Who belongs to a place. */
export interface Reading {
  everybody?: boolean;
  anyOrgan?: boolean;
  organs?: readonly string[];
  windows?: readonly string[];
  holderCodes?: readonly string[];
  personIds?: readonly string[];
}

export interface Fixture {
  name: string;
  /** What the subject is, for the name of the test. */
  of: string;
  rule: PolicyRule<never>;
  subject: unknown;
  places: Readonly<Record<string, Reading>>;
}

export const KEEPER_ID = 'yudu-lyj.keeper';
export const APPLICANT_ID = 'applicant-company';
const YUDU_WINDOW = '360731';
const DAY = '2026-11-24';
const AT = new Date(`${DAY}T01:00:00Z`);

export const POLICIES: Readonly<Record<string, Readonly<Record<string, PolicyRule<never>>>>> = {
  matters: { ...MATTERS_POLICY, ...IMPORT_PROPOSAL_POLICY },
  cases: {
    ...{ ...RECEPTION_POLICY, ...CASE_ACTIONS, ...ADMINISTRATION_POLICY, ...PROPOSAL_POLICY, ...EXCEPTION_POLICY },
    ...{ ...SUPERVISION_POLICY, ...MATERIAL_POLICY, ...CASE_READING_POLICY, ...SESSION_POLICY },
  },
  licenses: {
    ...{ ...LICENSES_POLICY, ...LICENSE_READING_POLICY, ...LICENSE_PROPOSAL_POLICY },
    ...{ ...STOCK_POLICY, ...REGISTRATION_POLICY },
  },
  seals: SEALS_POLICY,
};

const organs = readOrgans();
function factOf(matterId: string) {
  const row = readMatters().find(({ id }) => id === matterId);
  if (!row) throw new Error(`no matter ${matterId}`);
  return buildDelegationFact(buildMatter(row), organs);
}

/** The matter of each mode, its organs, and where its cases are received: at a window or at the county's counter. */
const MODES = {
  DIRECT: { matter: factOf('yd2022-1-07'), county: 'yudu-lyj', city: 'ganzhou-xzspj', atWindow: false },
  SUBSTANTIVE_REVIEW: { matter: factOf('yd2022-2-30'), county: 'yudu-sjj', city: 'ganzhou-xzspj', atWindow: true },
  WINDOW_FORWARD: { matter: factOf('yd2022-3-25'), county: 'yudu-xzspj', city: 'ganzhou-xzspj', atWindow: true },
} as const;
type Mode = keyof typeof MODES;

const step = (name: StepRecord['step'], finding: StepRecord['finding'] = null): StepRecord => ({
  step: name,
  at: AT,
  actor: '经办人员',
  actorId: 'x',
  organ: null,
  note: null,
  finding,
  data: null,
});

/** A case of a mode after these steps. The county accepted it if ACCEPTED is among them. */
function caseAfter(mode: Mode, ...steps: StepRecord[]): Case {
  const { matter, county } = MODES[mode];
  const file = { id: 'x', number: 'x', matter, delegation: delegationOn(matter, DAY), fields: [], licenseNumber: null };
  const acceptedBy = steps.some(({ step: name }) => name === 'ACCEPTED') ? county : null;
  return foldCase(
    {
      ...file,
      applicant: { ...COMPANY, codeKind: 'USCC' },
      act: null,
      coOwnership: null,
      reissuedSheets: null,
      agent: null,
      contact: null,
      acceptedBy,
      guide: null,
    },
    steps,
  );
}

function casePlaces(mode: Mode, { isAccepted }: { isAccepted: boolean }): Record<string, Reading> {
  const { county, city, atWindow } = MODES[mode];
  const countyCounter = atWindow ? { windows: [YUDU_WINDOW], organs: [] } : { windows: [], organs: [county] };
  const anyCounter = { ...countyCounter, organs: [...countyCounter.organs, ...(atWindow ? [city] : [])] };
  return {
    RECEIVING_COUNTER: anyCounter,
    OWN_APPLICATION: { holderCodes: [COMPANY.code] },
    OWN_CASE: { holderCodes: [COMPANY.code] },
    COUNTER: isAccepted ? countyCounter : anyCounter,
    EXAMINING_ORGAN: { organs: [county] },
    EXAMINING_WINDOW: mode === 'WINDOW_FORWARD' ? { windows: [YUDU_WINDOW] } : {},
    DECIDING_ORGAN: { organs: [mode === 'DIRECT' ? county : city] },
  };
}

const RECEIVED = [step('RECEIVED')];
const SUPPLEMENT_ASKED = [...RECEIVED, step('SUPPLEMENT_ASKED')];
const ACCEPTED = [...RECEIVED, step('ACCEPTED')];
const EXAMINED = [...ACCEPTED, step('EXAMINED', 'APPROVED')];
const FORWARDED = [...EXAMINED, step('FORWARDED')];
const PAUSED = [...ACCEPTED, step('PAUSED')];

function caseFixtures(mode: Mode): Fixture[] {
  const toDecide = mode === 'DIRECT' ? EXAMINED : FORWARDED;
  const stepsOf: [keyof typeof CASE_ACTIONS, readonly StepRecord[]][] = [
    ['acceptApplication', RECEIVED],
    ['askSupplement', RECEIVED],
    ['supplementCase', SUPPLEMENT_ASKED],
    ['closeUnsupplemented', SUPPLEMENT_ASKED],
    ['refuseAcceptance', RECEIVED],
    ['examineCase', ACCEPTED],
    ...(mode === 'DIRECT' ? [] : [['forwardCase', EXAMINED] as ['forwardCase', readonly StepRecord[]]]),
    ['sendBackCase', toDecide],
    ['amendCase', ACCEPTED],
    ['amendCase', toDecide],
    ['pauseCase', ACCEPTED],
    ['pauseCase', toDecide],
    ['resumeCase', PAUSED],
    ['resumeCase', [...toDecide, step('PAUSED')]],
    ['decideCase', toDecide],
    ['withdrawCase', RECEIVED],
    ['withdrawCase', ACCEPTED],
    ['deliverDecision', [...toDecide, step('DECIDED', 'REJECTED')]],
  ];
  const { matter } = MODES[mode];
  const reception = { matter, delegation: delegationOn(matter, DAY), applicantCode: COMPANY.code };
  return [
    ...(['receiveApplication', 'acceptCase'] as const).map((name) => ({
      name,
      of: mode,
      rule: RECEPTION_POLICY[name],
      subject: reception,
      places: casePlaces(mode, { isAccepted: false }),
    })),
    ...stepsOf.map(([name, steps]) => {
      const subject = caseAfter(mode, ...steps);
      const places = casePlaces(mode, { isAccepted: subject.acceptedBy !== null });
      return { name, of: `${mode} ${steps.at(-1)?.step}`, rule: CASE_ACTIONS[name], subject, places };
    }),
  ];
}

/** Fixtures of rows of one table that have the same subject. */
function fixturesOf(
  policy: Readonly<Record<string, PolicyRule<never>>>,
  names: readonly string[],
  subject: unknown,
  places: Fixture['places'],
  of = '',
): Fixture[] {
  return names.map((name) => {
    const rule = policy[name];
    if (!rule) throw new Error(`no row ${name}`);
    return { name, of, rule, subject, places };
  });
}

const push: Push = {
  ...{ id: 'x', caseId: 'x', level: 'COUNTY', organ: 'yudu-lyj', decidedAt: AT, dueOn: DAY, missingYear: null },
  ...{ state: 'SENT', claimedById: null, reachedAt: null },
};
const finding: Finding = {
  ...{ id: 'x', caseId: 'x', kind: 'NOTICE', organ: 'yudu-lyj', decidedBy: 'yudu-sjj', licenseNumber: null },
  ...{ state: 'OPEN', acknowledgedAt: null, endedAt: null },
};
const supervision = [
  ...fixturesOf(SUPERVISION_POLICY, ['claimPush', 'signPush', 'recordFinding'], push, {
    RECEIVING_ORGAN: { organs: ['yudu-lyj'] },
    SUPERVISING_ORGAN: { organs: ['yudu-lyj'] },
  }),
  ...fixturesOf(SUPERVISION_POLICY, ['acknowledgeFinding', 'closeFinding'], finding, {
    ANSWERING_ORGAN: { organs: ['yudu-sjj'] },
    RECORDING_ORGAN: { organs: ['yudu-lyj'] },
  }),
];

const exceptions = [
  ...fixturesOf(
    EXCEPTION_POLICY,
    ['recordException'],
    { organ: 'yudu-lyj' },
    { EXCEPTION_ORGAN: { organs: ['yudu-lyj'] } },
  ),
  ...fixturesOf(
    EXCEPTION_POLICY,
    ['endException'],
    { organ: 'yudu-lyj', personOrgan: 'ganzhou-xzspj', isOver: false },
    { EXCEPTION_ORGAN: { organs: ['yudu-lyj'] }, SECOND_PERSON_ORGAN: { organs: ['ganzhou-xzspj'] } },
  ),
];
const EVERYBODY = { ANYWHERE: { everybody: true } };
const upload = { uploaderId: APPLICANT_ID, attachedAt: null };
const simple = [
  ...fixturesOf(ADMINISTRATION_POLICY, Object.keys(ADMINISTRATION_POLICY), null, EVERYBODY),
  ...fixturesOf(
    MATTERS_POLICY,
    ['importDelegations', 'importGuide', 'importGuideOverlay', 'importLicenseType', 'importOrgans'],
    null,
    EVERYBODY,
  ),
  ...fixturesOf(MATERIAL_POLICY, ['receiveUpload'], null, EVERYBODY),
  ...fixturesOf(MATERIAL_POLICY, ['discardUpload'], upload, { OWN_UPLOAD: { personIds: [APPLICANT_ID] } }),
];

/** A waiting proposal of each kind, by somebody else. A calendar acts for no organ. */
const proposals = (Object.keys(PROPOSALS) as ProposalKind[]).flatMap((kind) => {
  const organ = kind === 'LOAD_CALENDAR' ? null : 'yudu-lyj';
  const proposal: Proposal = { id: 'x', kind, organ, proposedById: 'another', proposedBy: '某人', outcome: null };
  const places = { ...EVERYBODY, PROPOSAL_ORGAN: { organs: organ === null ? [] : [organ] } };
  return fixturesOf(PROPOSAL_POLICY, ['decideProposal'], proposal, places, kind);
});
const imports = (Object.keys(IMPORTS) as ImportKind[]).flatMap((kind) => {
  const organ = kind === 'DELEGATIONS' ? null : 'yudu-lyj';
  const proposal = { kind, organ, proposedById: 'another', outcome: null };
  const places = { ...EVERYBODY, PROPOSAL_ORGAN: { organs: organ === null ? [] : [organ] } };
  return fixturesOf(IMPORT_PROPOSAL_POLICY, ['decideImport'], proposal, places, kind);
});
const ownImport = fixturesOf(
  IMPORT_PROPOSAL_POLICY,
  ['withdrawImport'],
  { kind: 'DELEGATIONS', organ: null, proposedById: KEEPER_ID, outcome: null },
  { OWN_PROPOSAL: { personIds: [KEEPER_ID] } },
);
/** A change of people of an organ that has nobody who could approve it. */
const unstaffedProposal = fixturesOf(
  PROPOSAL_POLICY,
  ['decideProposal'],
  { id: 'x', kind: 'CHANGE_PEOPLE', organ: null, proposedById: 'another', proposedBy: '某人', outcome: null },
  { ...EVERYBODY, PROPOSAL_ORGAN: { organs: [] } },
  'CHANGE_PEOPLE without an organ',
);
const sessions = fixturesOf(
  SESSION_POLICY,
  ['endSessions'],
  { person: KEEPER_ID, organ: 'yudu-lyj' },
  { ...EVERYBODY, PERSON_ORGAN: { organs: ['yudu-lyj'] }, OWN_SESSIONS: { personIds: [KEEPER_ID] } },
);
const ownProposal = fixturesOf(
  PROPOSAL_POLICY,
  ['withdrawProposal'],
  { kind: 'LOAD_CALENDAR', organ: null, proposedById: KEEPER_ID, outcome: null },
  { OWN_PROPOSAL: { personIds: [KEEPER_ID] } },
);

/** Task 1: the office for approvals leads, most offices of the county are responsible. */
const task = readTasks().find(({ number }) => number === 1);
if (!task) throw new Error('no task');
const tasks = fixturesOf(MATTERS_POLICY, ['reportTaskProgress'], computeTaskStatus(task, []), {
  ASSIGNED_ORGAN: { organs: ['yudu-lyj', 'yudu-sfj', 'yudu-sjj', 'yudu-xzspj'] },
});

const seal: Seal = {
  ...{ id: 'x', name: '于都县林业局证照专用章', kind: 'LICENSE_SEAL', organ: 'yudu-lyj', state: 'IN_USE' },
  ...{ validFrom: new Date('2026-01-01'), validUntil: new Date('2029-01-01'), filingNumber: '1', grants: [] },
  requiredSince: null,
};
const sealPlaces = { SEAL_ORGAN: { organs: ['yudu-lyj'] } };
const application = {
  ...{ id: 'x', organ: 'yudu-lyj', sealId: 'x', particulars: { kind: 'ROTATE' } },
  ...{ appliedById: KEEPER_ID, appliedBy: '某人', outcome: null },
};
const grant = { id: 'g', matter: 'yd2022-1-07', person: null, from: null, to: null };
const applying = Object.keys(SEALS_POLICY).filter((name) => name.startsWith('applyFor') || name.startsWith('enter'));
const seals = [
  ...fixturesOf(SEALS_POLICY, ['suspendSeal', 'putSealIntoUse'], { seal, at: AT }, sealPlaces),
  ...fixturesOf(SEALS_POLICY, ['fileSeal'], { seal: { ...seal, state: 'MADE' }, at: AT }, sealPlaces),
  ...fixturesOf(
    SEALS_POLICY,
    applying.filter((name) => name !== 'applyForSealResumption'),
    { organ: 'yudu-lyj', seal: { ...seal, grants: [grant] }, at: AT },
    { APPLYING_ORGAN: { organs: ['yudu-lyj'] } },
    'existing',
  ),
  ...fixturesOf(
    SEALS_POLICY,
    ['applyForSealResumption'],
    { organ: 'yudu-lyj', seal: { ...seal, state: 'SUSPENDED' }, at: AT },
    { APPLYING_ORGAN: { organs: ['yudu-lyj'] } },
    'existing',
  ),
  ...fixturesOf(
    SEALS_POLICY,
    ['applyForSeal'],
    { organ: null, seal: null, at: AT },
    { APPLYING_ORGAN: { anyOrgan: true } },
    'new',
  ),
  // Nobody decides the own application, so another keeper applied for this one.
  ...fixturesOf(
    SEALS_POLICY,
    ['decideSealApplication'],
    { ...application, appliedById: 'another' },
    { APPLICATION_ORGAN: { organs: ['yudu-lyj'] } },
  ),
  ...fixturesOf(SEALS_POLICY, ['withdrawSealApplication'], application, {
    OWN_APPLICATION: { personIds: [KEEPER_ID] },
  }),
];

const licensePlaces = {
  COUNTER: { organs: ['yudu-lyj', 'yudu-sjj'], windows: [YUDU_WINDOW] },
  ISSUER: { organs: ['yudu-lyj'] },
  AN_ORGAN: { anyOrgan: true },
  ORDERING_ORGAN: { organs: ['yudu-sjj'] },
  ...EVERYBODY,
};
const holding = { counters: ['yudu-lyj', 'yudu-sjj'], window: YUDU_WINDOW, issuer: { id: 'yudu-lyj' } };
const head = { ...holding, number: 'x', state: 'VALID', record: { KZ_SX: 'yd2022-1-07' } } as unknown as LicenseHead;
const taskOf = (action: string) =>
  ({ ...holding, content: { action }, voidedAt: null, doneAt: null }) as unknown as CertificateTask;
const versionActs = ['ISSUE', 'CHANGE', 'RENEW', 'REISSUE', 'RETAIN', 'TRANSFER', 'CORRECT', 'CANCEL'].flatMap((act) =>
  fixturesOf(
    LICENSES_POLICY,
    [`${act.toLowerCase()}License`],
    { head: null, task: taskOf(act) },
    licensePlaces,
    'by a case',
  ),
);
const ownActs = ['suspend', 'rescind', 'withdraw', 'revoke', 'cancel'].map((act) => `${act}License`);
/** A waiting proposal of each act on the organ's own authority, by somebody else. */
const actProposals = OWN_ACTS.flatMap((kind) =>
  fixturesOf(
    LICENSE_PROPOSAL_POLICY,
    ['decideLicenseProposal'],
    { kind, organ: 'yudu-lyj', proposedById: 'another', outcome: null },
    { PROPOSAL_ORGAN: { organs: ['yudu-lyj'] } },
    kind,
  ),
);
const ownActProposal = fixturesOf(
  LICENSE_PROPOSAL_POLICY,
  ['withdrawLicenseProposal'],
  { kind: 'SUSPEND', organ: 'yudu-lyj', proposedById: KEEPER_ID, outcome: null },
  { OWN_PROPOSAL: { personIds: [KEEPER_ID] } },
);
/** Changes of the own stock, a waiting transfer to the office by somebody else, and one that its keeper sent. */
const stockChanges = [
  ...fixturesOf(STOCK_POLICY, ['receiveBlanks', 'writeOffBlanks', 'transferBlanks'], {}, licensePlaces),
  ...fixturesOf(
    STOCK_POLICY,
    ['decideBlankTransfer'],
    { kind: 'TRANSFER_BLANKS', organ: 'yudu-lyj', proposedById: 'another', outcome: null },
    { PROPOSAL_ORGAN: { organs: ['yudu-lyj'] } },
  ),
  ...fixturesOf(
    STOCK_POLICY,
    ['withdrawBlankTransfer'],
    { kind: 'TRANSFER_BLANKS', organ: 'yudu-slj', proposedById: KEEPER_ID, outcome: null },
    { OWN_PROPOSAL: { personIds: [KEEPER_ID] } },
  ),
];
/** A ledger of existing paper of the forestry office: a new one, one that waits by somebody else, and an own one. */
const ledger = { kind: REGISTRATION_KIND, organ: 'yudu-lyj', proposedById: 'another', outcome: null };
const registrations = [
  ...fixturesOf(
    REGISTRATION_POLICY,
    ['proposeRegistration'],
    { issuer: 'yudu-lyj', matter: 'x' },
    { ISSUER: { organs: ['yudu-lyj'] } },
  ),
  ...fixturesOf(REGISTRATION_POLICY, ['decideRegistration'], ledger, { PROPOSAL_ORGAN: { organs: ['yudu-lyj'] } }),
  ...fixturesOf(
    REGISTRATION_POLICY,
    ['withdrawRegistration'],
    { ...ledger, proposedById: KEEPER_ID },
    { OWN_PROPOSAL: { personIds: [KEEPER_ID] } },
  ),
];
const order = { number: 'x', state: 'OPEN', act: 'SUSPEND' };
const licenses = [
  ...versionActs,
  ...registrations,
  ...fixturesOf(LICENSES_POLICY, ownActs, { head, task: null }, licensePlaces),
  ...ORDERED_ACTS.flatMap((act) => {
    const state = LICENSE_ACTS[act].from[0];
    const subject = { head: { ...head, state }, task: null, orderedBy: 'yudu-sjj' };
    return fixturesOf(LICENSES_POLICY, [mutationOf(act)], subject, licensePlaces, 'by an order');
  }),
  ...actProposals,
  ...ownActProposal,
  ...stockChanges,
  ...fixturesOf(
    LICENSES_POLICY,
    ['restoreLicense'],
    { head: { ...head, state: 'SUSPENDED' }, task: null },
    licensePlaces,
  ),
  ...fixturesOf(
    LICENSES_POLICY,
    [
      ...['deliverCertificate', 'recallCertificate', 'spoilBlank', 'redriveCollection'],
      ...['deliverCertificates', 'recallCertificates'],
    ],
    { head },
    licensePlaces,
  ),
  ...fixturesOf(LICENSES_POLICY, ['issueLicenses'], { head: null, task: taskOf('ISSUE') }, licensePlaces),
  ...fixturesOf(LICENSES_POLICY, ['declineOrder'], { head, order }, licensePlaces),
  ...fixturesOf(LICENSES_POLICY, ['voidTask'], { task: taskOf('ISSUE'), isPrepared: false }, licensePlaces),
];

const disclosures = [
  ...fixturesOf(CASE_READING_POLICY, ['findApplicantCases'], null, EVERYBODY),
  ...fixturesOf(
    CASE_READING_POLICY,
    ['discloseApplicant'],
    {
      ...caseAfter('WINDOW_FORWARD', ...FORWARDED, step('DECIDED', 'REJECTED')),
      ...{ applicantCode: COMPANY.code, parties: ['yudu-xzspj', 'ganzhou-xzspj'], window: YUDU_WINDOW },
    },
    {
      ...EVERYBODY,
      CASE_PARTIES: {
        organs: ['yudu-xzspj', 'ganzhou-xzspj'],
        windows: [YUDU_WINDOW],
        holderCodes: [COMPANY.code],
      },
    },
  ),
  ...fixturesOf(LICENSE_READING_POLICY, ['findHolderLicenses'], null, EVERYBODY),
  ...fixturesOf(
    LICENSE_READING_POLICY,
    ['discloseHolder'],
    { parties: ['yudu-lyj', 'yudu-sjj'], windows: [YUDU_WINDOW] },
    { ...EVERYBODY, LICENSE_PARTIES: { organs: ['yudu-lyj', 'yudu-sjj'], windows: [YUDU_WINDOW] } },
  ),
];

export const FIXTURES: readonly Fixture[] = [
  ...(Object.keys(MODES) as Mode[]).flatMap(caseFixtures),
  ...supervision,
  ...simple,
  ...exceptions,
  ...proposals,
  ...unstaffedProposal,
  ...sessions,
  ...ownProposal,
  ...imports,
  ...ownImport,
  ...tasks,
  ...seals,
  ...licenses,
  ...disclosures,
];
