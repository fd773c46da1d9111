import type { Transaction } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import { foldText } from '../../kernel/finding/fold.ts';
import { printedNumber } from '../../kernel/license-type/license-key.ts';
import { HUB_TEMPLATE, templateFor } from '../../kernel/license-type/number.ts';
import { findTypeOn, findTypeVersion } from '../../kernel/license-type/type.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { CertificateTask } from '../task/task.ts';
import { findLicenseTypes } from '../type/store.ts';
import { type Candidate, listCandidates, listSerials, type NumberRequest, nameSeries } from './number.ts';
import * as store from './store.ts';

/** Numbers of licenses (编号), and what identifiers carry of them. Must be called inside the transaction of an act. */

/** So many running numbers are tried at once where numbers of another series stand in the way. */
const BATCH = 500;

/** What a license is called: its number, and what its identifier carries of it. */
export interface NumberedLicense {
  /** Its key. */
  number: string;
  serial: string;
}

/**
 * Returns the license number of a task, by the format that its type has for the issuer on `day`, or by the hub's own
 * rule: division, year, and at least six digits. It is reserved once and is the same at every later attempt.
 * Refuses LICENSE_TYPE_PENDING, LICENSE_NUMBERS_EXHAUSTED.
 */
export async function reserveNumber(tx: Transaction, task: CertificateTask, day: Day): Promise<NumberedLicense> {
  if (task.number !== null) return reserveSerial(tx, task, task.number);
  // Locked first, as blanks are locked after it: no two transactions wait for each other.
  await store.lockNumbers(tx);
  const { issuer, content } = task;
  const template = await requireTemplate(tx, task, day);
  const { id, divisionCode, uscc } = issuer;
  const request = { template, typeCode: content.licenseType, issuer: id, divisionCode, day };
  const { number, serial } = await takeNumber(tx, request, uscc);
  await store.insertNumber(tx, { ...scopeOf(task), serial, number });
  await store.keepNumber(tx, task.caseId, number);
  return { number, serial };
}

const scopeOf = ({ content, issuer }: CertificateTask) => ({ typeCode: content.licenseType, uscc: issuer.uscc });

/**
 * Returns the template of the type version in force on a day, or of the one that the grant names if none is. A number
 * is the register's, no content that was decided: a new format relieves grants of an earlier version whose format is
 * used up. Grants of releases up to 0.4 name no version.
 */
async function requireTemplate(tx: Transaction, { content, issuer }: CertificateTask, day: Day): Promise<string> {
  const { licenseType, typeVersion } = content;
  if (typeVersion === undefined) return HUB_TEMPLATE;
  const published = (await findLicenseTypes(tx, [licenseType])).get(licenseType);
  const granted = findTypeVersion(published, typeVersion);
  if (!published || !granted) throw new Refusal('LICENSE_TYPE_PENDING');
  return templateFor((findTypeOn(published, day) ?? granted).numberFormats, issuer.id);
}

/** Takes the next number of its series that no other series has written. */
async function takeNumber(tx: Transaction, request: NumberRequest, uscc: string): Promise<Candidate> {
  const [series, year] = [nameSeries(request), Number(request.day.slice(0, 4))];
  const first = await store.takeRunning(tx, series, year);
  for (let [from, count] = [first, 1]; ; [from, count] = [from + count, BATCH]) {
    const candidates = listCandidates(request, from, count);
    if (candidates.length === 0) throw new Refusal('LICENSE_NUMBERS_EXHAUSTED');
    const taken = await store.findTaken(tx, { typeCode: request.typeCode, uscc }, candidates);
    const isFree = ({ number, serial }: Candidate) =>
      !taken.numbers.has(foldText(number)) && !taken.serials.has(serial);
    const free = candidates.find(isFree);
    if (!free) continue;
    if (free.running !== first) await store.moveSeries(tx, series, year, free.running);
    return free;
  }
}

/**
 * Returns what the identifier of a new version of a license carries. A license keeps its number when another organ or
 * type goes on with it; where a license of that organ has the serial already, the identifier gets another one.
 */
export async function reserveSerial(tx: Transaction, task: CertificateTask, number: string): Promise<NumberedLicense> {
  const scope = scopeOf(task);
  const known = await store.findSerial(tx, scope, number);
  if (known !== null) return { number, serial: known };
  await store.lockNumbers(tx);
  const rows = listSerials(printedNumber(number)).map((serial) => ({ number, serial }));
  const taken = await store.findTaken(tx, scope, rows);
  const free = rows.find(({ serial }) => !taken.serials.has(serial));
  if (!free) throw new Refusal('LICENSE_NUMBERS_EXHAUSTED');
  await store.insertSerial(tx, { ...scope, ...free });
  return free;
}
