import type { Actor } from '../../kernel/actor.ts';
import { answerAction } from '../../kernel/policy.ts';
import { SEALS_POLICY } from '../policy.ts';
import type { Particulars } from './application.ts';
import type { StoredApplication } from './store.ts';

/** An application as GraphQL shows it. @public by codegen.ts */
export type ApplicationView = ReturnType<typeof viewApplication>;

export function viewApplication(stored: StoredApplication) {
  const { id, particulars, organ, sealId, reason, appliedBy, at, outcome, ended } = stored;
  const particularsOf = <Kind extends Particulars['kind']>(kind: Kind) =>
    particulars.kind === kind ? (particulars as Extract<Particulars, { kind: Kind }>) : null;
  const matters =
    particularsOf('MAKE')?.matters ??
    [particularsOf('GRANT')?.matter ?? particularsOf('WITHDRAW_GRANT')?.matter ?? []].flat();
  const compromisedAt = particularsOf('END')?.compromisedAt ?? null;
  return {
    ...{ id, stored, sealId, reason, appliedBy, appliedAt: at },
    kind: particulars.kind,
    state: outcome ?? ('WAITING' as const),
    organ: { id: organ },
    sealKind: particularsOf('MAKE')?.sealKind ?? null,
    matters: matters.map((matter) => ({ id: matter })),
    person: particularsOf('GRANT')?.person ?? null,
    from: particularsOf('GRANT')?.from ?? null,
    to: particularsOf('GRANT')?.to ?? null,
    grant: particularsOf('WITHDRAW_GRANT')?.grant ?? null,
    endReason: particularsOf('END')?.reason ?? null,
    compromisedAt: compromisedAt === null ? null : new Date(compromisedAt),
    pictureDigest: particularsOf('PICTURE')?.digest ?? null,
    replacedPicture: particularsOf('PICTURE')?.replaces ?? null,
    certificates: particularsOf('CERTIFICATE')?.certificates.join('') ?? null,
    endedBy: ended?.actor ?? null,
    endedAt: ended?.at ?? null,
    decision: ended?.reason ?? null,
  };
}

/** What this caller may do with an application now. The answers come from the rows that the mutations ask. */
export function viewApplicationActions({ stored }: ApplicationView, actor: Actor) {
  return (['decideSealApplication', 'withdrawSealApplication'] as const).map((name) =>
    answerAction(name, SEALS_POLICY[name], stored, actor),
  );
}
