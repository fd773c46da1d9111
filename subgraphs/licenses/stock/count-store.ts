import { and, type Column, eq, type SQL, sql } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import { byText, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { isInScope } from '../../kernel/organ/place-store.ts';
import type { ReadScope } from '../../kernel/policy.ts';
import { blankSeries } from '../paper/store.ts';
import { blank, blankBox, blankTransfer, proposalOutcome } from '../tables.ts';
import { STATE_COUNTS, type StateCounts, type StockCount, type StockLevel } from './stock.ts';

/** The equation of blanks (空白证照收支): what came into the stock of an organ, what left it, and what is where. */

const key = sql<string>`stock.key`;

/** The order of `blankStock`: by organ, type and box. */
export const STOCK_ORDER = byText('blankStock', key, (row: Pick<StockCount, 'key'>) => row.key);

/** Which blanks the equation counts, and by what. */
interface StockSelection {
  organs: ReadScope;
  licenseType: string | null;
  level: StockLevel;
}

/** SQL: the columns of a level. A row that counts blanks of several types or boxes has null there. */
function columnsOf(level: StockLevel, licenseType: Column): SQL {
  const { prefix, digits, first, last } = blankBox;
  return sql.join(
    [
      level === 'ORGAN' ? sql`null::text as license_type` : sql`${licenseType} as license_type`,
      level === 'BOX'
        ? sql`${prefix} as prefix, ${digits} as digits, ${first} as first, ${last} as last`
        : sql`null::text as prefix, null::int as digits, null::int as first, null::int as last`,
    ],
    sql`, `,
  );
}

/** SQL: every box received, every blank of a confirmed transfer on both sides, and every blank in its state. */
function selectMoves({ level, organs, licenseType }: StockSelection): SQL {
  const isCounted = (organ: Column, type: Column = blank.licenseType) =>
    and(isInScope(organ, organs), licenseType === null ? undefined : eq(type, licenseType)) ?? sql`true`;
  const columns = columnsOf(level, blank.licenseType);
  const isOfBox = sql`${blankBox.prefix} = ${blankSeries.prefix} and ${blankBox.digits} = ${blank.digits}
    and ${blankSeries.serial} between ${blankBox.first} and ${blankBox.last}`;
  const joinBox = level === 'BOX' ? sql`left join ${blankBox} on ${isOfBox}` : sql``;
  const { prefix, digits, first, last, organ, receiver, proposalId } = blankTransfer;
  const confirmed = sql`${blankTransfer} join ${proposalOutcome} on ${proposalOutcome.proposalId} = ${proposalId}
      and ${proposalOutcome.outcome} = 'APPROVED'
    cross join generate_series(${first}, ${last}) n
    join ${blank} on ${blank.number} = ${prefix} || lpad(n::text, ${digits}, '0') ${joinBox}`;
  return sql`
    select ${blankBox.organ} as organ, ${columnsOf(level, blankBox.licenseType)},
      ${blankBox.last} - ${blankBox.first} + 1 as received, 0 as gained, 0 as given, null::text as state
    from ${blankBox} where ${isCounted(blankBox.organ, blankBox.licenseType)}
    union all select ${receiver}, ${columns}, 0, 1, 0, null from ${confirmed} where ${isCounted(receiver)}
    union all select ${organ}, ${columns}, 0, 0, 1, null from ${confirmed} where ${isCounted(organ)}
    union all select ${blank.organ}, ${columns}, 0, 0, 0, ${blank.state} from ${blank} ${joinBox}
    where ${isCounted(blank.organ)}`;
}

const STATE_COLUMNS = Object.fromEntries(
  Object.entries(STATE_COUNTS).map(([state, member]) => [
    member,
    sql<number>`(count(*) filter (where state = ${state}))::int`,
  ]),
) as Record<keyof StateCounts, SQL<number>>;

/** Returns a page of the equation of organs, one row for each organ, type or box. */
export function listStock(db: Reader, selection: StockSelection, page: KeysetRequest): Promise<Page<StockCount>> {
  const counted = sql`(select concat_ws(' ', organ, license_type, prefix, digits, lpad(first::text, 10, '0')) as key,
      organ, license_type, prefix, digits, first, last, received, gained, given, state
    from (${selectMoves(selection)}) as move) as stock`;
  return selectPage(page, ({ condition, orderBy, limit }) =>
    db
      .select({
        key,
        organ: sql<string>`organ`,
        licenseType: sql<string | null>`license_type`,
        prefix: sql<string | null>`prefix`,
        digits: sql<number | null>`digits`,
        from: sql<number | null>`first`,
        to: sql<number | null>`last`,
        received: sql<number>`sum(received)::int`,
        transferredIn: sql<number>`sum(gained)::int`,
        transferredOut: sql<number>`sum(given)::int`,
        ...STATE_COLUMNS,
      })
      .from(counted)
      .where(condition)
      .groupBy(key, sql`organ`, sql`license_type`, sql`prefix`, sql`digits`, sql`first`, sql`last`)
      .orderBy(...orderBy)
      .limit(limit),
  );
}
