import type { Day } from '../../kernel/day.ts';
import { sha256 } from '../../kernel/events/events.ts';
import {
  type Act,
  LICENSE_ACTS,
  type LicenseState,
  REGISTER_ACT_NAMES,
  type RegisterAct,
} from '../../kernel/license-acts.ts';
import type {
  HoldStatement,
  LapseStatement,
  RegisterStatement,
  ReleaseOutcome,
  ReleaseStatement,
  SpoilReason,
  SpoilStatement,
} from '../../kernel/sealing/attest.ts';
import type { ActStatement, LicenseRecord } from '../act/record.ts';

/** What the register states of an act (登记声明), before its key signs it. */

/** What the register states that changes no license: neither ledger has an entry of it. */
export type NotedAct = Exclude<RegisterAct, Act>;
export const NOTED_ACTS: readonly NotedAct[] = REGISTER_ACT_NAMES.filter((act) => !isLicenseAct(act));

function isLicenseAct(act: RegisterAct): act is Exclude<RegisterAct, NotedAct> {
  return act in LICENSE_ACTS;
}

/** What is known of a spoiled sheet when its act is prepared. */
export interface SpoiledSheet {
  /** Id of the act. */
  id: string;
  identifier: string;
  version: number;
  state: LicenseState;
  /** Id of the issuing organ. */
  organ: string;
  spoiled: string;
  replacement: string;
  /** Id of the person who asked for it. */
  personId: string;
  at: Date;
}

/** Builds the statement on a spoiled sheet and its replacement. */
export function buildSpoilStatement(sheet: SpoiledSheet, reason: SpoilReason): SpoilStatement {
  const { id: jti, identifier: sub, version, state, organ, spoiled, replacement } = sheet;
  const iat = Math.floor(sheet.at.getTime() / 1000);
  const by = sha256(sheet.personId);
  return { jti, iat, act: 'SPOIL', sub, version, state, organ, reason, spoiled, replacement, by };
}

/** Who enters what time does: nobody asks for it. */
export const REGISTER_ACTOR = { id: 'register', name: '电子证照系统' } as const;

/** A version whose period has ended. */
export interface EndedVersion {
  /** Id of the act. */
  id: string;
  identifier: string;
  version: number;
  /** Id of the issuing organ. */
  organ: string;
  /** The last day of the period. */
  until: Day;
  at: Date;
}

/** Builds the statement that time has ended a version. */
export function buildLapseStatement({
  id: jti,
  identifier: sub,
  version,
  organ,
  until,
  at,
}: EndedVersion): LapseStatement {
  return { jti, iat: Math.floor(at.getTime() / 1000), act: 'LAPSE', sub, version, state: 'LAPSED', organ, until };
}

/** A version of a license, and the renewal that holds off its last day or did so. */
export interface RenewedVersion<State extends LicenseState = LicenseState> extends EndedVersion {
  state: State;
  caseNumber: string;
}

/** Builds the statement that a renewal holds off the last day. `acceptedOn`: the day on which it was accepted. */
export function buildHoldStatement(renewed: RenewedVersion<HoldStatement['state']>, acceptedOn: Day): HoldStatement {
  return { ...buildHeldEnd(renewed), act: 'HOLD', state: renewed.state, accepted: acceptedOn };
}

/** Builds the statement that a renewal no longer holds off the last day. */
export function buildReleaseStatement(renewed: RenewedVersion, outcome: ReleaseOutcome): ReleaseStatement {
  return { ...buildHeldEnd(renewed), act: 'RELEASE', state: renewed.state, outcome };
}

function buildHeldEnd({ id: jti, identifier: sub, version, organ, until, caseNumber, at }: RenewedVersion) {
  return { jti, iat: Math.floor(at.getTime() / 1000), sub, version, organ, until, case: caseNumber };
}

/** Whether the record of an act is a statement of the register, and not a sealed statement or a license. */
export function isRegisterStatement(
  record: LicenseRecord | ActStatement | RegisterStatement,
): record is RegisterStatement {
  return 'jti' in record;
}
