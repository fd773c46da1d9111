import type { Day } from '../../kernel/day.ts';
import type { GrantContent } from '../../kernel/events/events.ts';
import { describeOwnership, type Held, listOwners } from '../../kernel/identity/co-ownership.ts';
import { changesHolder, makesSheet } from '../../kernel/license-acts.ts';
import { type AmendedLine, type Lines, OWNERS_LABEL } from '../../kernel/license-type/changes.ts';
import { printedNumber } from '../../kernel/license-type/license-key.ts';
import { describeReissued } from '../../kernel/license-type/reissued-sheet.ts';
import type { LicenseFact } from '../case.ts';
import { printDay, printedCodeOf } from '../notice/notice.ts';

/** What the decision document (决定书) says of a license that a case grants. Pure. */

const PERIOD_LABEL = '有效期限';

/** Returns what a license is, whom a transfer concerns, and its lines. */
export function grantedLines(content: GrantContent, license: LicenseFact | null): { label: string; text: string }[] {
  const { action, licenseName, licenseNumber, fields, reissuedSheets } = content;
  const lines = [{ label: '证照名称', text: licenseName }];
  if (licenseNumber !== null) lines.push({ label: '证照编号', text: printedNumber(licenseNumber) });
  if (!makesSheet(action)) return lines;
  if (reissuedSheets !== undefined) lines.push({ label: '补发原因', text: describeReissued(reissuedSheets) });
  return [
    ...lines,
    ...partiesOf(content, license),
    ...ownersOf(content),
    ...fields,
    { label: PERIOD_LABEL, text: printPeriod(content) },
  ];
}

/** Returns who gives a right to whom. Where the holder stays, there are no two parties. */
function partiesOf(content: GrantContent, license: LicenseFact | null): Lines {
  if (license === null || !changesHolder(content.action)) return [];
  const print = (held: Held) =>
    listOwners(held)
      .map((owner) => `${owner.name}（${printedCodeOf(owner)}）`)
      .join('、');
  return [
    { label: '转让人', text: print(license.license) },
    { label: '受让人', text: print(content) },
  ];
}

/** Returns the holders with their shares, if there are several. */
function ownersOf({ holder, coOwnership }: GrantContent): Lines {
  return coOwnership ? [{ label: OWNERS_LABEL, text: describeOwnership({ holder, coOwnership }) }] : [];
}

/** The period of validity of what a license is on the day of the decision, or null for a first license. */
type Period = { validFrom: Day; validUntil: Day | null };

/** Returns what a grant changes: `lines`, and the period of validity if it is another than before. */
export function changedLines(
  content: GrantContent,
  before: Period | null,
  lines: readonly AmendedLine[],
): AmendedLine[] {
  if (before === null || !makesSheet(content.action)) return [...lines];
  const [earlier, later] = [printPeriod(before), printPeriod(content)];
  return earlier === later ? [...lines] : [...lines, { label: PERIOD_LABEL, before: earlier, after: later }];
}

function printPeriod({ validFrom, validUntil }: Period): string {
  return `${printDay(validFrom)}${validUntil === null ? '起，长期有效' : `至${printDay(validUntil)}`}`;
}
