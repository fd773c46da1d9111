import { and, eq, or, type SQL, sql } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import { hasRole, type Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import { foldText } from '../../kernel/finding/fold.ts';
import { EVERYBODY, keysOfText, windowScope } from '../../kernel/finding/keys.ts';
import { contains, hasAll, hasAny, toTextArray, worthOfTexts } from '../../kernel/finding/keys-store.ts';
import { displayNameOf } from '../../kernel/finding/matter-name.ts';
import { organsOf } from '../../kernel/organ/place.ts';
import { organsOfSecondPerson } from '../exception/store.ts';
import { caseFile, matterFact } from '../tables.ts';
import { keyOfMatter, keysOfPeriod } from './finding.ts';

/** What a list of cases looks for. All conditions that are not null must hold. Texts are folded. */
export interface CaseQuery {
  text: string | null;
  applicantName: string | null;
  receivedFrom: Day | null;
  receivedTo: Day | null;
}

/** SQL: the keys of a case, exactly as the index has them. */
const KEYS = sql`cases.find_keys(${caseFile.parties}, ${caseFile.window}, ${caseFile.number}, ${caseFile.applicantName}, ${caseFile.matterId})`;
const NUMBER = sql`cases.fold_text(${caseFile.number})`;
const NAME = sql`cases.fold_text(${caseFile.applicantName})`;

/** Returns the ids of the matters whose name contains a folded text. */
async function findMatterIds(db: Reader, folded: string): Promise<string[]> {
  const { matterId, fact } = matterFact;
  const [mainItem, subItem] = [sql<string>`${fact} ->> 'mainItem'`, sql<string | null>`${fact} ->> 'subItem'`];
  const matters = await db.select({ matterId, mainItem, subItem }).from(matterFact);
  const isFound = (matter: { mainItem: string; subItem: string | null }) =>
    [displayNameOf(matter), matter.mainItem, matter.subItem ?? ''].some((name) => foldText(name).includes(folded));
  return matters.filter(isFound).map((matter) => matter.matterId);
}

async function listScopes(db: Reader, actor: Person, today: Day): Promise<string[]> {
  if (hasRole(actor, 'AUDITOR')) return [EVERYBODY];
  const second = sql<string>`unnest(${organsOfSecondPerson(actor, today)})`;
  const secondRows = await db.select({ organ: second.as('organ') }).from(sql`(select 1) as one`);
  const { window } = actor;
  const ownScopes = [...organsOf(actor), ...(window === null ? [] : [windowScope(window)])];
  return [...new Set([...ownScopes, ...secondRows.map((row) => row.organ)])];
}

/** Returns the condition for the cases of a query that are in a scope of the person, answered by the index. */
export async function buildQueryCondition(
  db: Reader,
  { actor, today }: { actor: Person; today: Day },
  { text, applicantName, receivedFrom, receivedTo }: CaseQuery,
): Promise<SQL | undefined> {
  const hasPeriod = receivedFrom !== null || receivedTo !== null;
  if (text === null && applicantName === null && !hasPeriod) return undefined;
  const scopes = await listScopes(db, actor, today);
  const matterIds = text === null ? [] : await findMatterIds(db, text);
  const ofScope = (scope: string) =>
    and(
      text === null
        ? undefined
        : or(
            hasAll(KEYS, keysOfText(scope, text)),
            hasAny(
              KEYS,
              matterIds.map((id) => keyOfMatter(scope, id)),
            ),
          ),
      applicantName === null ? undefined : hasAll(KEYS, keysOfText(scope, applicantName)),
      hasPeriod ? hasAny(KEYS, keysOfPeriod(scope, receivedFrom, receivedTo, today)) : undefined,
    );
  // The applicant's own cases are few, and have an index of their own.
  const ofApplicant =
    actor.holderCode === null
      ? undefined
      : and(eq(caseFile.applicantCode, actor.holderCode), hasPeriod ? hasAnyDay(receivedFrom, receivedTo) : undefined);
  const isFound = and(
    or(...scopes.map(ofScope), ofApplicant, sql`false`),
    text === null
      ? undefined
      : or(
          contains(NUMBER, text),
          contains(NAME, text),
          matterIds.length === 0 ? undefined : sql`${caseFile.matterId} = any(${toTextArray(matterIds)})`,
        ),
    applicantName === null ? undefined : contains(NAME, applicantName),
  );
  // The array is computed first, and once: no plan walks the cases in the order of the list to read the keys of each.
  return sql`${caseFile.serial} = any(array(select serial from cases.case_file where ${isFound}))`;
}

/** SQL: the day of receipt, which the number of a case holds, is in a period. */
function hasAnyDay(from: Day | null, to: Day | null): SQL | undefined {
  const receivedOn = sql`substr(${caseFile.number}, 7, 8)`;
  return and(
    from === null ? undefined : sql`${receivedOn} >= ${from.replaceAll('-', '')}`,
    to === null ? undefined : sql`${receivedOn} <= ${to.replaceAll('-', '')}`,
  );
}

/** SQL: how well a folded text finds a case by number or name: 3 to 1, and 0 by the matter. */
export function worthOf(folded: string): SQL<number> {
  return worthOfTexts([NUMBER, NAME], folded);
}
