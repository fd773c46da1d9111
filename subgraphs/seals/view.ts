import type { Person } from '../kernel/actor.ts';
import type { Day } from '../kernel/day.ts';
import { buildForbiddenError, requireReadScope } from '../kernel/http/context.ts';
import { narrowScope, type ReadScope } from '../kernel/policy.ts';
import { SEAL_READS } from './policy.ts';
import type { Grant } from './seal.ts';
import type { StoredSeal } from './store.ts';
import type { UseRow } from './use/store.ts';

/** A seal as GraphQL shows it. */
export type SealView = ReturnType<typeof viewSealOn>;

export function viewSealOn(stored: StoredSeal, day: Day) {
  const { seal, certificate, picture } = stored;
  const { id, name, kind, state, filingNumber, validFrom, validUntil, grants, organ } = seal;
  const currentGrants = grants.filter(({ to }) => to === null || day <= to);
  return {
    ...{ stored, id, name, kind, state, filingNumber, validFrom, validUntil },
    certificate: certificate.certificatePem,
    picture: picture && `/seals/picture/${picture}`,
    organ: { id: organ },
    matters: [...new Set(currentGrants.map(({ matter }) => matter))].map((matter) => ({ id: matter })),
    grants: grants.map(viewGrant),
  };
}

/** The parent value of SealGrant resolvers. @public by codegen.ts */
export type GrantView = ReturnType<typeof viewGrant>;

/** A grant of a seal as GraphQL shows it. */
export function viewGrant(grant: Grant) {
  return { ...grant, matter: { id: grant.matter } };
}

/** A use of a seal as GraphQL shows it, with the id of its seal. @public by codegen.ts */
export type UseView = ReturnType<typeof viewUse>;

export function viewUse(row: UseRow) {
  const { issuanceId, sealId, authorisedBy, authorisedById, act, at, documentDigest, suite } = row;
  return {
    ...{ id: issuanceId, sealId, authorisedBy, authorisedById, act, at, documentDigest, suite },
    organ: { id: row.organ },
    matter: { id: row.matterId },
    license: act === 'DECISION' || act === 'NOTICE' ? null : { identifier: row.identifier },
  };
}

const FORBIDDEN = '用印日志和印章申请只供本机关人员和审计人员查阅。';

/** Returns the organs whose records a person sees, at most `organ` unless it is null. Throws FORBIDDEN for none. */
export function visibleOrgans(query: keyof typeof SEAL_READS, person: Person, organ: string | null): ReadScope {
  const organs = narrowScope(requireReadScope(SEAL_READS[query], person, FORBIDDEN), organ);
  if (organs?.length === 0) throw buildForbiddenError(FORBIDDEN);
  return organs;
}
