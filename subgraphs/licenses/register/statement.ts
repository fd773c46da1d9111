import type { Day } from '../../kernel/day.ts';
import { sha256 } from '../../kernel/events/events.ts';
import type { LicenseState } from '../../kernel/license-acts.ts';
import type { LapseStatement, RegisterStatement, SpoilReason, SpoilStatement } from '../../kernel/sealing/attest.ts';
import type { ActStatement, LicenseRecord } from '../act/record.ts';

/** What the register states of an act (登记声明), before its key signs it. */

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

/** Whether the record of an act is a statement of the register, and not a sealed statement or a license. */
export function isRegisterStatement(
  record: LicenseRecord | ActStatement | RegisterStatement,
): record is RegisterStatement {
  return 'jti' in record;
}
