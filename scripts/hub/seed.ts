import type { Hub } from '../../gateway/hub.ts';
import { readGuides, readLegalBases, readLicenseTypes, readMatters, readOrgans, readTasks } from '../../seeds/load.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
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
 * guides, a seal per organ with its grants, and what is only for trying out (see `seedDemonstration`). Existing data
 * stays unchanged.
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

/** Loads what the plan says, and a seal per organ. Nothing else is entered in production. */
export async function seedPlan(hub: SeededHub): Promise<SeedCounts> {
  const organs = readOrgans();
  const rows = readMatters();
  await hub.matters.importMatters(organs, rows, readLegalBases());
  const { guides, overlays } = readGuides();
  await hub.matters.publishGuides(guides, overlays);
  await hub.matters.publishLicenseTypes(readLicenseTypes());
  await hub.matters.importTasks(readTasks());
  let seals = 0;
  for (const organ of organs) {
    const ownMatters = rows.filter((row) => (row.mode === 'DIRECT' ? row.countyOrgan : row.cityOrgan) === organ.id);
    const kind = organ.level === 'CITY' ? ('APPROVAL_SEAL' as const) : ('LICENSE_SEAL' as const);
    await hub.seals.makeSeal({
      organ: organ.id,
      organName: organ.name,
      kind,
      matters: ownMatters.map((row) => row.id),
    });
    seals++;
  }
  return { matters: rows.length, seals };
}

/** Loads invented blanks of each organ, agreements between city and county organs, and people. */
async function seedDemonstration(hub: SeededHub): Promise<void> {
  const rows = readMatters();
  const organs = readOrgans();
  for (const { id, uscc } of organs)
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
