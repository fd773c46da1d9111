import type { Hub } from '../../gateway/hub.ts';
import {
  listReportingOrgans,
  readGuides,
  readLegalBases,
  readLicenseTypes,
  readMatters,
  readOrgans,
  readTasks,
} from '../../seeds/load.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import type { SealKind } from '../../subgraphs/kernel/events/seal-grant.ts';
import { SEAL_KIND_OF } from '../../subgraphs/kernel/sealing/seal-kind.ts';
import type { NeededSeals } from '../../subgraphs/seals/application/provide-workflow.ts';
import { listDemoPeople } from '../demo/people.ts';

/**
 * The county organ without an agreement. The plan names no agreements, so the demo adds some, marked as such.
 * The city and county education organs have none, on purpose.
 */
const ORGAN_WITHOUT_AGREEMENT = 'yudu-jktj';
/** Number of blanks that each organ starts with. */
const BLANKS_PER_ORGAN = 200;

/**
 * Loads the initial data of a hub through the subgraphs' own functions: organs, matters and tasks of the plan, sample
 * guides, the seals of each organ with their grants, and what is only for trying out (see `seedDemonstration`).
 * Existing data stays unchanged.
 */
export async function seedHub(hub: SeededHub): Promise<SeedCounts> {
  const counts = await seedPlan(hub);
  await seedDemonstration(hub);
  return counts;
}

type SeededHub = Pick<Hub, 'matters' | 'cases' | 'licenses' | 'seals'>;

interface SeedCounts {
  matters: number;
  seals: number;
}

/** Loads what the plan says, and the seals of each organ that handles matters. Production enters nothing else. */
export async function seedPlan(hub: SeededHub): Promise<SeedCounts> {
  const organs = readOrgans();
  const rows = readMatters();
  await hub.matters.importMatters(organs, rows, readLegalBases());
  const { guides, overlays } = readGuides();
  await hub.matters.publishGuides(guides, overlays);
  await hub.matters.publishLicenseTypes(readLicenseTypes());
  const tasks = readTasks();
  await hub.matters.importTasks(tasks);
  const reportingOrgans = listReportingOrgans(tasks, rows);
  let seals = 0;
  for (const organ of organs.filter(({ id }) => !reportingOrgans.has(id))) {
    seals += await hub.seals.provideSeals({
      organ: organ.id,
      organName: organ.name,
      kinds: listNeededSeals(organ, rows),
    });
  }
  return { matters: rows.length, seals };
}

/**
 * Returns the kinds of seal that an organ needs by `SEAL_KIND_OF`, with their matters: for what it decides, and for
 * notices where it accepts. An organ that does none of it still has the seal that it had up to release 0.4.
 */
function listNeededSeals({ id, level }: SeededOrgan, rows: ReturnType<typeof readMatters>): NeededSeals['kinds'] {
  const decided = rows.filter((row) => (row.mode === 'DIRECT' ? row.countyOrgan : row.cityOrgan) === id);
  const accepted = rows.filter((row) => row.countyOrgan === id || (row.mode !== 'DIRECT' && row.cityOrgan === id));
  const mattersOf = { LICENSE: decided, DECISION: decided, NOTICE: accepted };
  const byKind = new Map<SealKind, string[]>([[SEAL_KIND_OF.LICENSE[level], []]]);
  for (const document of ['LICENSE', 'DECISION', 'NOTICE'] as const) {
    const matters = mattersOf[document].map((row) => row.id);
    if (matters.length > 0) byKind.set(SEAL_KIND_OF[document][level], matters);
  }
  return [...byKind].map(([kind, matters]) => ({ kind, matters }));
}

type SeededOrgan = ReturnType<typeof readOrgans>[number];

/** Loads invented blanks of each organ, agreements between city and county organs, and people. */
async function seedDemonstration(hub: SeededHub): Promise<void> {
  const rows = readMatters();
  const organs = readOrgans();
  const reportingOrgans = listReportingOrgans(readTasks(), rows);
  for (const { id, uscc } of organs.filter((organ) => !reportingOrgans.has(organ.id)))
    await hub.licenses.receiveBlanks(id, { prefix: blankPrefix(uscc), from: 1, to: BLANKS_PER_ORGAN });
  const reviewedMatters = rows.filter(
    (row) => row.mode === 'SUBSTANTIVE_REVIEW' && row.countyOrgan !== ORGAN_WITHOUT_AGREEMENT,
  );
  const pairs = Map.groupBy(reviewedMatters, (row) => `${row.cityOrgan} ${row.countyOrgan}`);
  for (const [i, [first, ...rest]] of [...pairs.values()].entries()) {
    if (!first) continue;
    const { cityOrgan, countyOrgan } = first;
    const number = `示范承接协议〔2022〕${i + 1}号`;
    const matters = [first, ...rest].map((row) => row.id);
    const paper = { scanDigest: sha256(`${number}（示范，没有扫描件）`), validFrom: '2022-06-01', validTo: null };
    await hub.cases.recordAgreement({ number, cityOrgan, countyOrgan, matters, ...paper });
  }
  const people = listDemoPeople(organs.map(({ id }) => id)).filter(({ holderCode }) => holderCode === null);
  await hub.cases.enterDemonstration(people, organs);
}

/** Returns the number prefix of an organ's blanks: KB and the organ's serial from its test code. */
export function blankPrefix(uscc: string): string {
  return `KB${uscc.slice(12, 16)}`;
}
