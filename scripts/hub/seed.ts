import type { Hub } from '../../gateway/hub.ts';
import { readGuides, readMatters, readOrgans, readTasks } from '../../seeds/load.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';

/**
 * The county organ without an agreement. The plan names no agreements, so the demo adds some, marked as such.
 * The city and county education organs have none, on purpose.
 */
const ORGAN_WITHOUT_AGREEMENT = 'yudu-jktj';
/** Number of blanks that each organ starts with. */
const BLANKS_PER_ORGAN = 200;

/**
 * Loads the initial data of a hub through the subgraphs' own functions: organs, matters and tasks of the plan, sample
 * guides, a seal per organ with its grants, demo agreements, blanks. Existing data stays unchanged.
 */
export async function seedHub(
  hub: Pick<Hub, 'matters' | 'cases' | 'licenses' | 'seals'>,
): Promise<{ matters: number; seals: number }> {
  const organs = readOrgans();
  const rows = readMatters();
  await hub.matters.importMatters(organs, rows);
  const { guides, overlays } = readGuides();
  await hub.matters.publishGuides(guides, overlays);
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
    await hub.licenses.receiveBlanks(organ.id, { prefix: blankPrefix(organ.uscc), from: 1, to: BLANKS_PER_ORGAN });
    seals++;
  }
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
  return { matters: rows.length, seals };
}

/** Returns the number prefix of an organ's blanks: KB and the organ's serial from its test code. */
export function blankPrefix(uscc: string): string {
  return `KB${uscc.slice(12, 16)}`;
}
