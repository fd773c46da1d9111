import type { StoredException } from './store.ts';

/** The parent value of DutyException resolvers. @public by codegen.ts */
export type ExceptionView = ReturnType<typeof viewException>;

/** An exception as GraphQL shows it. */
export function viewException({ row, proposedBy, approvedBy, ended }: StoredException) {
  const { id, organ, kind, personId, personOrgan, validFrom, validTo, reason } = row;
  return {
    ...{ id, kind, validFrom, validTo, reason, proposedBy, approvedBy, personId },
    organ: { id: organ },
    personOrgan: personOrgan === null ? null : { id: personOrgan },
    approvedAt: row.at,
    endedBy: ended?.actor ?? null,
    endedAt: ended?.at ?? null,
    endReason: ended?.reason ?? null,
  };
}
