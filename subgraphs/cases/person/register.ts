import type { ResolvePerson } from '../../kernel/actor.ts';
import type { ResolvePlace } from '../../kernel/organ/place.ts';

/** What the gateway asks of the register of people, and tells it. */

/**
 * What an identity provider says when it has ended sessions (OpenID Connect Back-Channel Logout 1.0, 2.4): all of the
 * person, or with `session` that one. One of `subject` and `session` at least is not null.
 */
export interface IssuerLogout {
  issuer: string;
  /** Names the statement, so that it counts once (`jti`). */
  id: string;
  subject: string | null;
  session: string | null;
  /** When the provider said it, by its own clock (`iat`). */
  endedAt: Date;
}

/** Records what an issuer has ended. Returns false, and ends nothing, if the same statement came before. */
type RecordLogout = (logout: IssuerLogout, now: Date) => Promise<boolean>;

/** What the gateway asks of the register of people. */
export interface PersonRegister {
  resolvePerson: ResolvePerson;
  recordLogout: RecordLogout;
  /** What the person's organ has become by reforms. */
  resolvePlace: ResolvePlace;
}
