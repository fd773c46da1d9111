import type { Holder } from '../../../kernel/events/events.ts';
import {
  CO_OWNERSHIP_LABELS,
  type CoOwnership,
  listOwnershipFaults,
  parseShare,
} from '../../../kernel/identity/co-ownership.ts';
import type { LicenseTypeVersion } from '../../../kernel/license-type/type.ts';
import { Refusal } from '../../../kernel/refusal.ts';
import { COLUMNS, type LedgerRow } from '../ledger.ts';

/**
 * Reads the holders of a license on paper besides the first one (共有人): a cell with one part for each, separated by
 * `；`, as `李四|公民身份号码|11010519491231002X|1/2`. Pure.
 */

/** How the cells of a line are read. Each throws a Refusal. */
interface CellReaders {
  readName: (text: string, column: string) => string;
  readCode: (text: string, kind: string) => Pick<Holder, 'codeKind' | 'code'>;
}

const OWNERSHIP_COLUMNS = [COLUMNS.coOwnership, COLUMNS.share, COLUMNS.coHolders] as const;

/**
 * Returns the other holders of a line, or null if its cells name none. Refuses CO_HOLDERS_NOT_TAKEN, VALUE_MISSING,
 * VALUE_UNKNOWN, FIELD_MALFORMED, HOLDER_TWICE, SHARES_NOT_WHOLE, and what the readers refuse.
 */
export function readCoHolders(
  cells: LedgerRow['cells'],
  holder: Holder,
  type: LicenseTypeVersion,
  readers: CellReaders,
): CoOwnership | null {
  const [kindText, shareText, othersText] = OWNERSHIP_COLUMNS.map((column) => cells[column]);
  if (kindText === undefined && shareText === undefined && othersText === undefined) return null;
  if (type.coHolders !== true) throw new Refusal('CO_HOLDERS_NOT_TAKEN', COLUMNS.coHolders);
  if (othersText === undefined) throw new Refusal('VALUE_MISSING', COLUMNS.coHolders);
  const coOwnership = {
    kind: readKind(kindText),
    share: readShare(shareText),
    coHolders: othersText.split(/[;；]/u).map((part) => readCoHolder(part, readers)),
  };
  const [fault] = listOwnershipFaults({ holder, coOwnership });
  if (fault) throw new Refusal(fault.code, COLUMNS.coHolders, fault.words);
  return coOwnership;
}

function readKind(text: string | undefined): CoOwnership['kind'] {
  if (text === undefined) throw new Refusal('VALUE_MISSING', COLUMNS.coOwnership);
  if (text === CO_OWNERSHIP_LABELS.SHARES) return 'SHARES';
  if (text === CO_OWNERSHIP_LABELS.JOINT) return 'JOINT';
  throw new Refusal('VALUE_UNKNOWN', COLUMNS.coOwnership, `可填 ${Object.values(CO_OWNERSHIP_LABELS).join('、')}`);
}

const readShare = (text: string | undefined): string | null =>
  text === undefined || text === '' ? null : (parseShare(text) ?? text);

function readCoHolder(part: string, { readName, readCode }: CellReaders): CoOwnership['coHolders'][number] {
  const [name = '', kind = '', code = '', share = '', ...more] = part.split(/[|｜]/u).map((text) => text.trim());
  if (name === '' || code === '' || more.length > 0)
    throw new Refusal('FIELD_MALFORMED', COLUMNS.coHolders, '应为“姓名|证件类型|号码|份额”，各人以“；”分开');
  return { name: readName(name, COLUMNS.coHolders), ...readCode(code, kind), share: readShare(share) };
}
