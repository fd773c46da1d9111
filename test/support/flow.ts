import { consentFor } from './consent.ts';
import { changesFor, duplicatesOf, linesFor } from './content.ts';
import type { TestHub } from './hub.ts';
import { waitUntil } from './until.ts';

/** Steps of a case through the public API, for tests that start with a license. */

export const CASE_FIELDS = 'id: uuid number step result delegation { mode } steps { step finding }';
export const LICENSE_FIELDS = `identifier number version state
  document { digest url mediaType signature { digest } }
  paper { blankNumber state validity recallDue }`;
const REFUSAL_FIELDS = 'refusal { code message field }';

export const COMPANY = { name: '于都县贡江示范药业有限公司', codeKind: 'USCC', code: '91000000MA0000001R' };

export interface Route {
  matter: string;
  /** Demo ids of the persons who accept, examine, forward (null if nobody does) and decide. */
  accepts: string;
  examines: string;
  forwards: string | null;
  decides: string;
  /** Demo id of the person who prints and hands over. */
  prints: string;
  /** Prefix of the issuer's blanks. */
  blanks: string;
}

/** One case per mode: 林木采伐许可证, 特种设备使用登记证, 第三类医疗器械经营许可证. */
export const ROUTES = {
  DIRECT: {
    matter: 'yd2022-1-07',
    accepts: 'yudu-lyj.clerk',
    examines: 'yudu-lyj.reviewer',
    forwards: null,
    decides: 'yudu-lyj.approver',
    prints: 'yudu-lyj.clerk',
    blanks: 'KB0012',
  },
  SUBSTANTIVE_REVIEW: {
    matter: 'yd2022-2-30',
    accepts: 'window-yudu',
    examines: 'yudu-sjj.reviewer',
    forwards: 'yudu-sjj.reviewer',
    decides: 'ganzhou-xzspj.approver',
    prints: 'window-yudu',
    blanks: 'KB0002',
  },
  WINDOW_FORWARD: {
    matter: 'yd2022-3-25',
    accepts: 'window-yudu',
    examines: 'window-yudu',
    forwards: 'window-yudu',
    decides: 'ganzhou-xzspj.approver',
    prints: 'window-yudu',
    blanks: 'KB0002',
  },
} as const satisfies Record<string, Route>;

/** Returns the full number of an organ's blank. */
export function toBlankNumber(route: Pick<Route, 'blanks'>, serial: number): string {
  return `${route.blanks}${String(serial).padStart(8, '0')}`;
}

/** How far the blanks of duplicates are from that of their original, in the stock of a test hub. */
const DUPLICATES_FROM = 100;

/** Returns the blanks of a certificate: that of the original by its serial, and one for each duplicate of its type. */
export function toBlanks(route: Pick<Route, 'matter' | 'blanks'>, serial: number) {
  const duplicates = Array.from({ length: duplicatesOf(route.matter) }, (_, i) => serial + DUPLICATES_FROM + i);
  return {
    blankNumber: toBlankNumber(route, serial),
    duplicateBlanks: duplicates.map((each) => toBlankNumber(route, each)),
  };
}

/** Runs a mutation with one input and returns its payload. Throws on GraphQL errors. */
export async function runMutation(
  hub: TestHub,
  person: string,
  name: string,
  type: string,
  input: object,
  fields: string,
) {
  const query = `mutation($input: ${type}!) { ${name}(input: $input) { ${fields} ${REFUSAL_FIELDS} } }`;
  const { data, errors } = await hub.ask(person, query, { input });
  if (errors) throw new Error(JSON.stringify(errors));
  return data[name];
}

/** Returns the refusal code of a mutation, or null if it was done. */
export async function findRefusalCode(
  hub: TestHub,
  person: string,
  name: string,
  type: string,
  input: object,
): Promise<string | null> {
  return (await runMutation(hub, person, name, type, input, '__typename')).refusal?.code ?? null;
}

/** Accepts, examines, forwards (if the mode requires it) and grants a case. Returns its id. */
export async function grantCase(
  hub: TestHub,
  route: Route,
  overrides: {
    matter?: string;
    licenseNumber?: string;
    applicant?: object;
    coOwnership?: object;
    agent?: object;
    contact?: object;
    materials?: object[];
    fields?: object[];
    validFrom?: string;
    validUntil?: string;
    situation?: string;
    reason?: string;
    withheld?: string;
    reissuedSheets?: object[];
  } = {},
) {
  const { matter = route.matter, situation } = overrides;
  const input = {
    matter,
    applicant: overrides.applicant ?? COMPANY,
    coOwnership: overrides.coOwnership,
    agent: overrides.agent,
    contact: overrides.contact,
    fields:
      overrides.fields ?? (overrides.licenseNumber === undefined ? linesFor(matter) : changesFor(matter, situation)),
    licenseNumber: overrides.licenseNumber,
    situation,
    reissuedSheets: overrides.reissuedSheets,
    materials: overrides.materials,
    ...consentFor({ matter, situation }),
  };
  const acceptance = await runMutation(
    hub,
    route.accepts,
    'acceptCase',
    'ApplicationInput',
    input,
    `case { ${CASE_FIELDS} }`,
  );
  if (!acceptance.case) throw new Error(JSON.stringify(acceptance));
  const id: string = acceptance.case.id;
  const { validFrom, validUntil, reason, withheld } = overrides;
  const decision = { case: id, decision: 'GRANTED', authoriseSeal: true, validFrom, validUntil, reason, withheld };
  const steps = [
    [route.examines, 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' }],
    [route.forwards, 'forwardCase', 'CaseNoteInput', { case: id }],
    [route.decides, 'decideCase', 'DecideCaseInput', decision],
  ] as const;
  for (const [person, name, type, step] of steps) {
    if (person === null) continue;
    const stepResult = await runMutation(hub, person, name, type, step, `case { ${CASE_FIELDS} }`);
    if (!stepResult.case) throw new Error(`${name}: ${JSON.stringify(stepResult)}`);
  }
  await waitUntil('the certificate task is open', async () => {
    const { data } = await hub.ask(
      'auditor',
      '{ certificateTasks(first: 100) { edges { node { case { id: uuid } } } } }',
    );
    return data.certificateTasks.edges.some((edge: { node: { case: { id: string } } }) => edge.node.case.id === id);
  });
  return id;
}

/** Issues the license of a granted case. */
export async function issueGrantedLicense(hub: TestHub, route: Route, caseId: string, serial: number) {
  const input = { case: caseId, ...toBlanks(route, serial) };
  const issuance = await runMutation(
    hub,
    route.prints,
    'issueLicense',
    'CaseActInput',
    input,
    `license { ${LICENSE_FIELDS} }`,
  );
  if (!issuance.license) throw new Error(JSON.stringify(issuance));
  return issuance.license;
}
