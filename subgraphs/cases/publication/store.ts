import { and, asc, eq, gte, inArray, isNotNull, lt, type SQL, sql } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import { type Day, dayOf, startOfDay } from '../../kernel/day.ts';
import { type ColumnOrder, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import { instantPart, type Page, serialPart } from '../../kernel/list/page.ts';
import { actOf } from '../case.ts';
import { caseFile, caseLicense, caseStep, decisionSeal, notice } from '../tables.ts';
import type { LicenseStep, SealedDecision } from './publication.ts';

/** Conditions are joined by AND. Null means no condition. */
export interface PublicDecisionFilter {
  /** The organ that decided. */
  organ: string | null;
  /** First and last day of the decision. */
  from: Day | null;
  to: Day | null;
}

/**
 * SQL: whether a notice is a decision that is published: its step says so, and names no reason against it. Decisions of
 * releases that did not ask for such a reason say nothing, and are not published.
 */
export const isPublishable: SQL = sql`(${notice.kind} = 'DECISION' and exists (select 1 from ${caseStep}
  where ${caseStep.caseId} = ${notice.caseId} and ${caseStep.step} = 'DECIDED' and ${caseStep.finding} = 'GRANTED'
    and ${caseStep.data}->'publication' is not null and ${caseStep.data}->'publication'->>'withheld' is null))`;

export type DecisionRow = Awaited<ReturnType<typeof selectRows>>[number];

/** The order of `publicDecisions`: newest decision first. */
export const PUBLICATION_ORDER: ColumnOrder<{ issuedAt: Date; serial: number }> = {
  name: 'publicDecisions',
  direction: 'DESC',
  keys: [
    { column: notice.issuedAt, part: instantPart, readValue: ({ issuedAt }) => issuedAt },
    { column: notice.serial, part: serialPart, readValue: ({ serial }) => serial },
  ],
};

function selectRows(db: Reader, condition: SQL | undefined, orderBy: SQL[], limit: number) {
  return db
    .select({
      issuedAt: notice.issuedAt,
      serial: notice.serial,
      content: notice.content,
      file: caseFile,
      signedAt: decisionSeal.signedAt,
    })
    .from(notice)
    .innerJoin(decisionSeal, eq(decisionSeal.noticeId, notice.id))
    .innerJoin(caseFile, eq(caseFile.id, notice.caseId))
    .where(condition)
    .orderBy(...orderBy)
    .limit(limit);
}

const DAY_MS = 86_400_000;

/** Returns a page of the published decisions: those whose document is sealed. */
export function listSealed(db: Reader, filter: PublicDecisionFilter, page: KeysetRequest): Promise<Page<DecisionRow>> {
  const { organ, from, to } = filter;
  return selectPage(page, (keyset) =>
    selectRows(
      db,
      and(
        isPublishable,
        eq(decisionSeal.state, 'DONE'),
        isNotNull(decisionSeal.signedAt),
        organ === null ? undefined : eq(notice.organ, organ),
        from === null ? undefined : gte(notice.issuedAt, startOfDay(from)),
        to === null ? undefined : lt(notice.issuedAt, new Date(startOfDay(to).getTime() + DAY_MS)),
        keyset.condition,
      ),
      keyset.orderBy,
      keyset.limit,
    ),
  );
}

/** Returns what a row says of its decision. */
export function toSealedDecision({ content, issuedAt, file, signedAt }: DecisionRow): SealedDecision {
  const { applicantName: name, applicantCodeKind: codeKind, applicantCode: code, coOwnership } = file;
  return {
    caseId: file.id,
    document: content,
    organCode: file.matter.organs.find(({ id }) => id === content.organ.id)?.uscc ?? null,
    applicant: { holder: { name, codeKind, code }, ...(coOwnership ? { coOwnership } : {}) },
    isVoided: file.step === 'VOIDED',
    decidedOn: content.issuedOn,
    publishedOn: dayOf(signedAt ?? issuedAt),
  };
}

/** Returns, by number, every act of cases on the licenses of these cases, in the order in which they were done. */
export async function findLicenseSteps(db: Reader, caseIds: readonly string[]): Promise<Map<string, LicenseStep[]>> {
  const numbers = db
    .select({ number: caseLicense.number })
    .from(caseLicense)
    .where(inArray(caseLicense.caseId, [...caseIds]));
  const rows = await db
    .select({ number: caseLicense.number, caseId: caseFile.id, act: caseFile.act, delegation: caseFile.delegation })
    .from(caseLicense)
    .innerJoin(caseFile, eq(caseFile.id, caseLicense.caseId))
    .innerJoin(caseStep, and(eq(caseStep.caseId, caseFile.id), eq(caseStep.step, 'CERTIFIED')))
    .where(inArray(caseLicense.number, numbers))
    .orderBy(asc(caseStep.at), asc(caseFile.serial));
  const steps = rows.map(({ number, caseId, act, delegation }) => ({
    number,
    caseId,
    act: actOf({ act, delegation }),
  }));
  return Map.groupBy(steps, ({ number }) => number);
}
