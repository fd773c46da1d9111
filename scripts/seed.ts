import type { Hub } from '../gateway/hub.ts';
import { readGuides, readMatters, readOrgans, readTasks } from '../seeds/load.ts';

/** Agreements that a demo needs, marked as such: the plan names none. The city and county education organs have none, on purpose. */
const WITHOUT_AGREEMENT = 'yudu-jktj';
/** Blanks that each organ starts with. */
const BLANKS = 200;

/**
 * Loads what a hub starts with, through the subgraphs' own functions: organs and matters of the plan, sample guides, the plan's tasks, a seal per organ
 * with its grants, demo agreements, blanks. What is there already stays as it is.
 */
export async function seed(
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
    const own = rows.filter((row) => (row.mode === 'DIRECT' ? row.countyOrgan : row.cityOrgan) === organ.id);
    const kind = organ.level === 'CITY' ? ('APPROVAL_SEAL' as const) : ('LICENSE_SEAL' as const);
    await hub.seals.makeSeal({ organ: organ.id, organName: organ.name, kind, matters: own.map((row) => row.id) });
    await hub.licenses.receiveBlanks(organ.id, { prefix: blankPrefix(organ.uscc), from: 1, to: BLANKS });
    seals++;
  }
  const pairs = new Map(
    rows
      .filter((row) => row.mode === 'SUBSTANTIVE_REVIEW' && row.countyOrgan !== WITHOUT_AGREEMENT)
      .map(({ cityOrgan, countyOrgan }) => [`${cityOrgan} ${countyOrgan}`, { cityOrgan, countyOrgan }]),
  );
  for (const [i, pair] of [...pairs.values()].entries()) {
    const number = `示范承接协议〔2022〕${i + 1}号`;
    await hub.cases.recordAgreement({ number, ...pair, validFrom: '2022-06-01', validTo: null });
  }
  return { matters: rows.length, seals };
}

/** Prefix of an organ's blanks: KB and the organ's serial in its test code. */
export function blankPrefix(uscc: string): string {
  return `KB${uscc.slice(12, 16)}`;
}
