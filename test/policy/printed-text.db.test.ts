import { buildClientSchema, getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Person } from '../../subgraphs/kernel/actor.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { type ArgumentPlace, placesOfType } from '../support/arguments.ts';
import { NO_TEXT, NOT_IN_FONT, ODD, ODD_LINES } from '../support/odd-text.ts';
import { listMutations } from './matrix.ts';
import { findAllowedPerson } from './people.ts';
import { createPolicyHub, type PolicyHub } from './policy-hub.ts';

/**
 * What will be printed is checked where somebody enters it: every text argument of every mutation is tried in a state
 * in which the mutation is allowed. A new argument is tried by itself, and fails until the table below says what it is.
 */

/**
 * What becomes of a text that holds a character without a glyph.
 * PRINTED: refused, with its field and the character, because a document shows it or may.
 * SHOWN: accepted, because only screens, lists and sealed statements show it.
 * OWN_FORM: refused because it has a form of its own: a code, a number, an address, a file.
 */
const FATES = {
  PRINTED: [
    ...['AgentInput.name', 'ContactInput.address', 'ContactInput.recipient'],
    ...['ApplicantInput.name', 'AskSupplementInput.items', 'CaseNoteInput.note', 'CaseReasonInput.reason'],
    ...['DeliverDecisionInput.note', 'DeliveryInput.recipient'],
    ...[
      'AmendCaseInput.note',
      'DecideCaseInput.reason',
      'ExamineCaseInput.opinion',
      'FieldInput.label',
      'FieldInput.text',
    ],
    ...['MaterialInput.code', 'PauseCaseInput.reason', 'SealMakingInput.organName', 'SupplementInput.note'],
  ],
  SHOWN: [
    ...['ApplicationInput.licenseNumber', 'ApplicationInput.requestKey', 'CancelLicenseInput.reason'],
    ...['ChangePlatformInput.name', 'CloseFindingInput.note', 'DecideProposalInput.reason'],
    'DecideImportInput.reason',
    'DecideLicenseProposalInput.reason',
    ...['DeclineOrderInput.reason', 'EndAgreementInput.reason', 'ImportDelegationsInput.basis'],
    ...['ImportOrgansInput.basis'],
    ...['DiscloseApplicantInput.remark', 'DiscloseHolderInput.remark'],
    ...['FindApplicantCasesInput.remark', 'FindHolderLicensesInput.remark'],
    ...['LoadCalendarInput.source', 'OwnActInput.reason', 'PauseCaseInput.papers', 'RecordAgreementInput.number'],
    ...['EndExceptionInput.reason', 'RecordExceptionInput.reason'],
    ...['EndSessionsInput.reason', 'PersonChangeInput.issuer', 'PersonChangeInput.name'],
    ...['RecordFindingInput.text', 'RegisterPlatformInput.name', 'ReportTaskProgressInput.note'],
    ...['SealActInput.reason', 'SealDecisionInput.reason', 'SealEndInput.words'],
    ...['SealFilingInput.filingNumber', 'SealGrantInput.reason', 'SealGrantWithdrawalInput.reason'],
    ...['SealMakingInput.reason', 'SealPictureInput.reason'],
    ...['SupplementInput.licenseNumber', 'VoidTaskInput.reason', 'WriteOffBlanksInput.remark'],
    ...['TransferBlanksInput.remark', 'DecideBlankTransferInput.reason'],
    'DecideRegistrationInput.reason',
  ],
  OWN_FORM: [
    ...['AgentInput.code', 'AgentInput.phone', 'ContactInput.phone'],
    ...['CoHolderInput.code', 'CoHolderInput.name', 'CoHolderInput.share', 'CoOwnershipInput.share'],
    ...['AddPlatformKeyInput.publicKey', 'ApplicantInput.code', 'CancelLicenseInput.decisionNumber'],
    ...['CaseActInput.blankNumber', 'CaseActInput.duplicateBlanks', 'OwnActInput.decisionNumber'],
    ...['CertificateInput.blankNumber', 'ChangePlatformInput.url', 'EndAgreementInput.number'],
    // Only the delivery of a transfer takes it: test/kernel/delivery.test.ts tries its texts.
    ...['PartyDeliveryInput.expressNumber', 'PartyDeliveryInput.recipient'],
    ...['DeliveryInput.expressNumber', 'DeliveryLineInput.blankNumber', 'IssueLicensesInput.firstBlank'],
    ...['IssueLineInput.blankNumber', 'IssueLineInput.duplicateBlanks', 'RecallLineInput.blankNumber'],
    ...['FindApplicantCasesInput.code', 'FindHolderLicensesInput.code'],
    ...['ImportPeopleInput.list', 'PersonChangeInput.reason', 'PersonChangeInput.window'],
    ...['ImportDelegationsInput.csv', 'ImportGuideInput.text', 'ImportLicenseTypeInput.text'],
    ...['ImportOrgansInput.csv', 'ProposeRegistrationInput.file'],
    ...['ReceiveBlanksInput.prefix', 'ReceiveBlanksInput.licenseType', 'RecallCertificateInput.blankNumber'],
    ...['PersonSignatureInput.authenticatorData', 'PersonSignatureInput.clientDataJSON'],
    ...['PersonSignatureInput.credential', 'PersonSignatureInput.salt', 'PersonSignatureInput.signature'],
    'PersonSignatureInput.text',
    ...['RecordAgreementInput.scanDigest', 'RecordFindingInput.papers', 'RecordFindingInput.requestKey'],
    ...['RegisterPlatformInput.publicKey', 'RegisterPlatformInput.url', 'RegisterWebhookInput.url'],
    ...['SealCertificateInput.certificates', 'SealCertificateInput.reason', 'SealGrantInput.from'],
    ...['SealGrantInput.to', 'SealPictureInput.picture', 'SpoilBlankInput.blankNumber'],
    ...['SpoilBlankInput.replacement', 'WriteOffBlanksInput.prefix', 'TransferBlanksInput.prefix'],
  ],
};

let policyHub: PolicyHub;
beforeAll(async () => {
  policyHub = await createPolicyHub();
}, 60_000);
afterAll(() => policyHub?.hub.stop());

interface Result {
  // biome-ignore lint/suspicious/noExplicitAny: the shape of the answer depends on the mutation
  data: any;
  errors?: { message: string; extensions: { code: string; argument?: string } }[];
}

async function send(person: Person, query: string, variables: object = {}): Promise<Result> {
  const headers = { authorization: `Bearer ${await tokenFor(person, policyHub.clock())}` };
  const { app } = policyHub.hub.hub;
  return (await app.inject({ method: 'POST', url: '/graphql', headers, payload: { query, variables } })).json();
}

const INPUT_TYPES = new Map(
  ['matters', 'cases', 'licenses', 'seals'].flatMap(listMutations).map(({ name, inputType }) => [name, inputType]),
);

function sendMutation(person: Person, name: string, input: object, fields: string): Promise<Result> {
  const query = `mutation($input: ${INPUT_TYPES.get(name)}) { answer: ${name}(input: $input) {
    ${fields} refusal { code message field } } }`;
  return send(person, query, { input });
}

const rehearse = (person: Person, name: string, input: object, fields = '__typename') =>
  sendMutation(person, name, { ...input, dryRun: true }, fields);

/** It ends in a decision document, so its lines have any label. */
const DECISION_MATTER = 'yd2022-3-39';
/** A license has only the lines of its type. */
const WITH_CLOSED_LABELS = ['amendCase', 'supplementCase'];
const LINES = [{ label: '许可范围', text: '林木' }];
const PAPERS = [{ code: '申请表', paper: true, copies: 1 }];
const CO_HOLDER = { name: '王五', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
/** No matter whose lines have any label takes other holders: what is wrong with that is told first. */
const CO_OWNERSHIP = { kind: 'JOINT', coHolders: [CO_HOLDER] };
/** The policy hub names nobody who acts for the applicant, and no address for service. */
const PARTIES: Readonly<Record<string, object>> = {
  coOwnership: CO_OWNERSHIP,
  agent: { ...CO_HOLDER, phone: '13800000000', authority: 'MANDATE' },
  contact: { recipient: '王五', phone: '13800000000', address: '于都县贡江镇一号' },
};
const CSV = 'matter,valid_from,outcome_name\nyd2022-1-08,2026-04-01,';
const GUIDE = {
  matterId: 'yd2022-1-07',
  validFrom: '2026-03-10',
  note: '说明',
  conditions: ['有林权'],
  steps: [{ name: '受理', what: '核对材料', limitDays: 1 }],
  materials: [{ code: 'M01', name: '申请表', form: 'COPY', copies: 1, required: true, basis: '条例' }],
  fees: [{ name: '工本费', amountFen: 100, basis: '条例' }],
  statutoryDays: 20,
  statutoryBasis: '行政许可法',
  promisedDays: 10,
  counters: [{ name: '窗口', address: '一楼', hours: '九时至十七时', phone: '0797-1' }],
};
const LINE = { group: 'PERMISSION', required: true, maxLength: 60, source: '某条例' };
const TYPE = {
  ...{
    code: '11000000000090018B099',
    name: '证',
    basis: '某法',
    validFrom: '2026-03-10',
    note: '说明',
    acts: ['ISSUE'],
  },
  term: { kind: 'NONE' },
  lines: [
    { ...LINE, key: 'scope', label: '范围', help: '写明范围', kind: 'TEXT', example: '甲类' },
    { ...LINE, key: 'mode', label: '方式', kind: 'CHOICE', choices: ['甲', '乙'] },
  ],
};
const REFORM = 'organ,valid_from,action,name\nyudu-lyj,2099-01-01,RENAME,';
const OVERLAY = { matterId: 'yd2022-3-31', version: 1, divisionCode: '360731', validFrom: '2026-03-10', note: '说明' };
/** What the inputs of the policy hub leave out or leave wrong. */
const MORE_INPUT: Readonly<Record<string, object>> = {
  receiveApplication: { matter: DECISION_MATTER, fields: LINES, materials: PAPERS },
  acceptCase: { matter: DECISION_MATTER, fields: LINES, materials: PAPERS },
  supplementCase: { fields: [{ label: '经营范围', text: '林木' }], materials: PAPERS },
  importDelegations: { csv: `${CSV}新证` },
  importGuide: { format: 'JSON', text: JSON.stringify(GUIDE) },
  importGuideOverlay: { format: 'JSON', text: JSON.stringify(OVERLAY) },
  importLicenseType: { text: JSON.stringify(TYPE) },
  importOrgans: { csv: `${REFORM}新名称` },
  applyForSeal: { organName: '于都县新设局' },
};
/** An organ without a seal: no name of it is known. */
const NEW_KEEPER: Person = { ...requireDemoPerson('yudu-lyj.keeper'), organ: 'yudu-new' };

const inputOf = (name: string) => ({ ...policyHub.inputs[name], ...MORE_INPUT[name] });
const personOf = (name: string) => (name === 'applyForSeal' ? NEW_KEEPER : findAllowedPerson(policyHub, name));

/** Returns `base` with `value` at a path, for example `fields[0].text`. */
function setAt(base: unknown, [head, ...rest]: readonly string[], value: unknown): unknown {
  if (head === undefined) return value;
  if (/^\d+$/.test(head)) {
    const list = (base as readonly unknown[] | undefined) ?? [];
    return Object.assign([...list], { [head]: setAt(list[Number(head)], rest, value) });
  }
  const object = (base ?? {}) as Record<string, unknown>;
  return { ...object, [head]: setAt(object[head], rest, value) };
}

/** Returns the value at a path, or undefined. */
const getAt = (base: unknown, parts: readonly string[]) =>
  parts.reduce((value, name) => (value as Record<string, unknown> | null | undefined)?.[name], base);

function rehearseWith({ field, path, fill }: ArgumentPlace, value: string): Promise<Result> {
  const [, ...parts] = path.match(/\w+/g) ?? [];
  const [first = ''] = parts;
  const party = PARTIES[first] ? { [first]: PARTIES[first] } : {};
  const input: Readonly<Record<string, unknown>> = { ...inputOf(field.name), ...party };
  // An object that the policy hub leaves out gets something plausible in its other fields.
  const leftOut = parts.findIndex((_, i) => i < parts.length - 1 && getAt(input, parts.slice(0, i + 1)) === undefined);
  const place = leftOut === -1 ? parts : parts.slice(0, leftOut + 1);
  const changed = setAt(input, place, leftOut === -1 ? value : getAt(fill(value).input, place));
  return rehearse(personOf(field.name), field.name, changed as object);
}

/** The name that a refusal gives a place: `fields[0].text` for `input.fields[0].text`. */
const fieldOf = ({ path }: ArgumentPlace) => path.replace(/^input\./, '');

async function listTexts(): Promise<ArgumentPlace[]> {
  const { data } = await send(requireDemoPerson('auditor'), getIntrospectionQuery());
  const places = placesOfType(buildClientSchema(data).getMutationType());
  return places.filter(({ scalar }) => scalar === 'String');
}

/** Texts that are files. The test of files reads them. */
const FILES = new Set([
  ...['AddPlatformKeyInput.publicKey', 'ImportDelegationsInput.csv', 'ImportGuideInput.text', 'ImportOrgansInput.csv'],
  ...['ImportLicenseTypeInput.text', 'ProposeRegistrationInput.file'],
  ...['RegisterPlatformInput.publicKey', 'SealCertificateInput.certificates', 'SealPictureInput.picture'],
]);
/** Mutations whose subject is of another kind in the policy hub. */
const NOT_REHEARSED = [
  ...[
    'changeLicense',
    'correctLicense',
    'enterSealCertificate',
    'reissueLicense',
    'renewLicense',
    'retainLicense',
    'transferLicense',
  ],
];

describe('every text argument of every mutation', () => {
  test('is tried where the mutation is allowed', async () => {
    const refused: string[] = [];
    for (const name of INPUT_TYPES.keys()) {
      const { data } = await rehearse(personOf(name), name, inputOf(name));
      if (data.answer.refusal !== null) refused.push(name);
    }
    expect(refused.sort()).toEqual(NOT_REHEARSED);
  });

  test('refuses what no text may hold, with the argument and the character', async () => {
    const unexpected: unknown[] = [];
    for (const place of (await listTexts()).filter(({ coordinate }) => !FILES.has(coordinate))) {
      for (const [code, text] of Object.entries(NO_TEXT)) {
        const [error] = (await rehearseWith(place, text)).errors ?? [];
        const isNamed = error?.extensions.argument === place.path && error.message.includes(code);
        if (!isNamed) unexpected.push([place.field.name, place.path, code, error]);
      }
    }
    expect(unexpected).toEqual([]);
  });

  test('refuses what the font lacks, with field and character, if it is printed', async () => {
    const fates: Record<string, Set<string>> = { PRINTED: new Set(), SHOWN: new Set(), OWN_FORM: new Set() };
    for (const place of await listTexts()) {
      const { refusal } = (await rehearseWith(place, NOT_IN_FONT.text)).data.answer;
      const isNamed = refusal?.field === fieldOf(place) && refusal.message.includes(NOT_IN_FONT.code);
      fates[refusal === null ? 'SHOWN' : isNamed ? 'PRINTED' : 'OWN_FORM']?.add(place.coordinate);
    }
    const sort = (table: object) =>
      Object.fromEntries(Object.entries(table).map(([fate, coordinates]) => [fate, [...coordinates].sort()]));
    expect(sort(fates)).toEqual(sort(FATES));
  });

  test('accepts what is odd and printable, if it is printed', async () => {
    const unexpected: unknown[] = [];
    for (const place of await listTexts()) {
      if (!FATES.PRINTED.includes(place.coordinate)) continue;
      if (place.coordinate === 'FieldInput.label' && WITH_CLOSED_LABELS.includes(place.field.name)) continue;
      const isOfLines = /^(reason|note|opinion)$/.test(fieldOf(place));
      const { refusal } = (await rehearseWith(place, isOfLines ? ODD_LINES : ODD)).data.answer;
      if (refusal !== null) unexpected.push([place.field.name, place.path, refusal]);
    }
    expect(unexpected).toEqual([]);
  });
});

/** The text of a file, and what is wrong within it. `field` is the problem's place. */
async function rehearseFile(name: string, text: string): Promise<{ field: string | null; message: string }[]> {
  const isList = name === 'importDelegations';
  const fields = isList ? 'problems { field: column message }' : 'problems { field: place message }';
  const input = isList ? { csv: text } : name === 'importLicenseType' ? { text } : { format: 'JSON', text };
  const { data, errors } = await rehearse(requireDemoPerson('administrator'), name, input, fields);
  if (errors) return errors.map(({ message, extensions }) => ({ field: extensions.argument ?? null, message }));
  return data.answer.problems;
}

/** Returns the paths of every text in a file that is words, `materials[0].name`. */
function listWords(value: unknown, path = ''): string[] {
  if (typeof value === 'string') return /\p{Script=Han}/u.test(value) ? [path] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => {
    const inner = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    return listWords(part, inner);
  });
}

const BAD_CHARACTERS = Object.entries({ ...NO_TEXT, [NOT_IN_FONT.code]: NOT_IN_FONT.text });

describe('every name within a file that is imported', () => {
  test.each(BAD_CHARACTERS)('refuses %s in the name of an outcome, with its column', async (code, text) => {
    const problems = await rehearseFile('importDelegations', `${CSV}${text}`);
    // A lone surrogate is no text at all, so the edge refuses the file.
    const field = code === 'U+D800' ? 'input.csv' : 'outcome_name';
    expect(problems).toEqual([{ field, message: expect.stringContaining(code) }]);
  });

  test.each([
    ['importGuide', GUIDE],
    ['importGuideOverlay', OVERLAY],
    ['importLicenseType', TYPE],
  ])('refuses the four characters in every text of %s, with its place', async (name, file) => {
    const places = listWords(file);
    expect(places).toContain('note');
    for (const place of places) {
      for (const [code, text] of BAD_CHARACTERS) {
        const problems = await rehearseFile(name, JSON.stringify(setAt(file, place.match(/\w+/g) ?? [], text)));
        expect(problems, `${place} ${code}`).toEqual([{ field: place, message: expect.stringContaining(code) }]);
      }
    }
  });

  test('accepts what is odd and printable', async () => {
    expect(await rehearseFile('importDelegations', `${CSV}${ODD}`)).toEqual([]);
    for (const place of listWords(GUIDE)) {
      const text = JSON.stringify(setAt(GUIDE, place.match(/\w+/g) ?? [], ODD));
      expect(await rehearseFile('importGuide', text), place).toEqual([]);
    }
  });
});

describe('the name in the token of whoever decides', () => {
  const decideAs = (name: string) => rehearse({ ...personOf('decideCase'), name }, 'decideCase', inputOf('decideCase'));

  test('is refused if the license could not show it', async () => {
    const { refusal } = (await decideAs(NOT_IN_FONT.text)).data.answer;
    expect(refusal).toMatchObject({ code: 'FIELD_MALFORMED', field: null });
    expect(refusal.message).toMatch(/决定人姓名.*U\+20BB7/);
    expect((await decideAs(ODD)).data.answer.refusal).toBeNull();
  });

  test.each(Object.values(NO_TEXT))('is no token if it is no text', async (name) => {
    expect((await decideAs(name)).errors?.[0]?.extensions.code).toBe('TOKEN_INVALID');
  });
});
