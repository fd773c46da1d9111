import { expect } from 'vitest';
import { blankPrefix } from '../../scripts/hub/seed.ts';
import { listSampleRecords } from '../../scripts/preview/samples.ts';
import { readGuides, readLicenseTypes, readOrgans } from '../../seeds/load.ts';
import { delegationOn, type MatterFact } from '../../subgraphs/kernel/period/delegation.ts';
import { consentFor } from './consent.ts';
import { changedLineOf, sampleTextOf } from './content.ts';
import { COMPANY, type Route, runMutation, toBlanks } from './flow.ts';
import type { TestHub } from './hub.ts';
import { createUpload } from './upload.ts';

/** Cases of any matter of the plan by the public API, with the people, papers and lines that the matter asks for. */

const uscc = new Map(readOrgans().map((organ) => [organ.id, organ.uscc]));
const sampleLines = new Map(listSampleRecords().map(([, { ZZLXDM, KZ_NR }]) => [ZZLXDM, KZ_NR]));
const { guides, overlays } = readGuides();

export const licenseTypes = new Map(readLicenseTypes().map((type) => [type.code, type]));

/** The lines that an application for a license of the type states: those that the type requires or a sample shows. */
export function linesOfType(code: string): { label: string; text: string }[] {
  const samples = new Map(sampleLines.get(code)?.map(({ label, text }) => [label, text]));
  const lines = licenseTypes.get(code)?.lines ?? [];
  return lines
    .filter(({ label, required }) => required || samples.has(label))
    .map((line) => ({ label: line.label, text: sampleTextOf(line, samples.get(line.label)) }));
}

/** The lines of `linesOfType` with one of them changed. */
export function changedLinesOfType(code: string): { label: string; text: string }[] {
  const changed = changedLineOf(code);
  return [...linesOfType(code).filter(({ label }) => label !== changed.label), changed];
}

/** The papers that the guide of the matter asks for, with the differences of the county. */
async function materialsOf(hub: TestHub, matterId: string, clerk: string): Promise<object[]> {
  const removed = overlays.flatMap((overlay) => (overlay.matterId === matterId ? overlay.removeMaterials : []));
  const materials = guides.find((guide) => guide.matterId === matterId)?.materials ?? [];
  const needed = materials.filter(({ code, required }) => required && !removed.includes(code));
  return Promise.all(
    needed.map(async ({ code, copies, form }) =>
      form === 'ELECTRONIC' ? { code, upload: await createUpload(hub, clerk) } : { code, copies, paper: true },
    ),
  );
}

/** Who handles the matter on a day. City organs decide, except where the matter is delegated wholly. */
export function routeOf(matter: MatterFact, day: string): Route {
  const { mode, cityOrgan, countyOrgan } = delegationOn(matter, day);
  const issuer = mode === 'DIRECT' ? countyOrgan : cityOrgan;
  const own = { matter: matter.matterId, decides: `${issuer}.approver`, blanks: blankPrefix(uscc.get(issuer) ?? '') };
  if (mode === 'DIRECT') {
    const [clerk, reviewer] = [`${issuer}.clerk`, `${issuer}.reviewer`];
    return { ...own, accepts: clerk, examines: reviewer, forwards: null, prints: clerk };
  }
  const window = 'window-yudu';
  const reviewer = mode === 'SUBSTANTIVE_REVIEW' ? `${countyOrgan}.reviewer` : window;
  return { ...own, accepts: window, examines: reviewer, forwards: reviewer, prints: window };
}

/** Counts the blanks that a test uses of each issuer. */
export function countBlanks(): (route: Route) => ReturnType<typeof toBlanks> {
  const serials = new Map<string, number>();
  return (route) => {
    const serial = (serials.get(route.blanks) ?? 0) + 1;
    serials.set(route.blanks, serial);
    return toBlanks(route, serial);
  };
}

/** Runs a mutation that must not be refused, and returns its payload. */
export async function done(hub: TestHub, person: string, name: string, type: string, input: object, fields?: string) {
  const result = await runMutation(hub, person, name, type, input, fields ?? 'case { id }');
  expect([name, result.refusal]).toEqual([name, null]);
  return result;
}

/** Takes an application of a matter from acceptance to its grant, for a reason if one is given. Returns the case. */
export async function grantCase(hub: TestHub, route: Route, application: object, reason?: string): Promise<string> {
  const materials = await materialsOf(hub, route.matter, route.accepts);
  const consent = consentFor({ matter: route.matter, ...application });
  const input = { matter: route.matter, applicant: COMPANY, materials, ...consent, ...application };
  const { case: subject } = await done(hub, route.accepts, 'acceptCase', 'ApplicationInput', input);
  const id: string = subject.id;
  await done(hub, route.examines, 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' });
  if (route.forwards) await done(hub, route.forwards, 'forwardCase', 'CaseNoteInput', { case: id });
  const decision = { case: id, decision: 'GRANTED', authoriseSeal: true, reason };
  await done(hub, route.decides, 'decideCase', 'DecideCaseInput', decision);
  return id;
}
