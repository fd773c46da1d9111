import { randomUUID } from 'node:crypto';
import { dayOf } from '../../subgraphs/kernel/day.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import {
  type AttestActsRequest,
  type AttestRequest,
  type HoldStatement,
  type LapseStatement,
  REGISTER_TYP,
  type ReleaseStatement,
  type SpoilStatement,
} from '../../subgraphs/kernel/sealing/attest.ts';
import { packStates } from '../../subgraphs/licenses/evidence/list.ts';
import { buildStatementClaims } from '../../subgraphs/licenses/evidence/statement.ts';
import {
  buildHoldStatement,
  buildLapseStatement,
  buildReleaseStatement,
  buildSpoilStatement,
} from '../../subgraphs/licenses/register/statement.ts';

/** Builds requests to the register's key with real claims. Those with another `n` are about another license. */

type RequestOf<Typ extends AttestRequest['typ']> = Extract<AttestRequest, { typ: Typ }>;

interface StatementRequest<Claims> {
  typ: typeof REGISTER_TYP;
  claims: Claims;
}

const AT = new Date('2026-06-01T04:00:00Z');

function identifierOf(n: number): string {
  const serial = `360731${String(2_026_000_000 + n)}`;
  return writeLicenseIdentifier({ type: '11000000000090018B004', issuer: '11000000000000123W', serial, version: 1 });
}

/** Returns the request for a status list (状态列表) of `n` + 1 versions. */
export function listAttestation(n = 0): RequestOf<'statuslist+jwt'> {
  const iat = Math.floor(AT.getTime() / 1000);
  const lst = packStates(Array.from({ length: n + 1 }, (_, place) => ({ place, state: 'VALID' as const })));
  const sub = 'http://127.0.0.1:4000/licenses/status-list';
  return {
    typ: 'statuslist+jwt',
    claims: { sub, iat, exp: iat + 86_400, ttl: 3_600, status_list: { bits: 4, lst } },
  };
}

/** Returns the request for a statement on the state of a version (状态声明). */
export function stateAttestation(n = 0): RequestOf<'license-status+jwt'> {
  const about = { identifier: identifierOf(n), version: 1, state: 'VALID' as const };
  return { typ: 'license-status+jwt', claims: buildStatementClaims(about, AT) };
}

/** Returns the request for the register's statement on a spoiled sheet (登记声明). */
export function spoilAttestation(n = 0, changes: Partial<SpoilStatement> = {}): StatementRequest<SpoilStatement> {
  const about = { id: randomUUID(), identifier: identifierOf(n), version: 1, state: 'VALID' as const, at: AT };
  const sheets = { organ: 'yudu-lyj', spoiled: 'LYJ00000001', replacement: 'LYJ00000002', personId: 'yudu-lyj.clerk' };
  return { typ: REGISTER_TYP, claims: { ...buildSpoilStatement({ ...about, ...sheets }, 'MISPRINT'), ...changes } };
}

/** Returns the request for the register's statement that time has ended a license (失效). */
export function lapseAttestation(n = 0, changes: Partial<LapseStatement> = {}): StatementRequest<LapseStatement> {
  const about = { id: randomUUID(), identifier: identifierOf(n), version: 1, organ: 'yudu-lyj' };
  const claims = buildLapseStatement({ ...about, until: dayOf(new Date(AT.getTime() - 86_400_000)), at: AT });
  return { typ: REGISTER_TYP, claims: { ...claims, ...changes } };
}

/** A request to state several acts at once, each with an id of its own. */
export function actsAttestation(count: number): AttestActsRequest {
  const statements = Array.from({ length: count }, (_, i) => {
    const jti = `0197f3a0-0000-7000-8000-${String(i).padStart(12, '0')}`;
    return i % 2 === 0 ? spoilAttestation(0, { jti }).claims : lapseAttestation(0, { jti }).claims;
  });
  return { statements };
}

/** A license in force whose last day, today, a renewal holds off. */
function buildRenewed(n: number) {
  const about = {
    id: randomUUID(),
    identifier: identifierOf(n),
    version: 1,
    organ: 'yudu-lyj',
    state: 'VALID' as const,
  };
  return { ...about, caseNumber: '3607312026050100001', until: dayOf(AT), at: AT };
}

/** Returns the request for the register's statement that a renewal holds off the last day of a license. */
export function holdAttestation(n = 0, changes: Partial<HoldStatement> = {}): StatementRequest<HoldStatement> {
  return { typ: REGISTER_TYP, claims: { ...buildHoldStatement(buildRenewed(n), '2026-05-01'), ...changes } };
}

/** Returns the request for the register's statement that it does so no longer. */
export function releaseAttestation(n = 0, changes: Partial<ReleaseStatement> = {}): StatementRequest<ReleaseStatement> {
  return { typ: REGISTER_TYP, claims: { ...buildReleaseStatement(buildRenewed(n), 'NOT_RENEWED'), ...changes } };
}

/** One request of each type. */
export function listAttestations(): AttestRequest[] {
  const ofRegister = [spoilAttestation(), lapseAttestation(), holdAttestation(), releaseAttestation()];
  return [listAttestation(), stateAttestation(), ...ofRegister];
}

/** Values of claims that no form allows, whatever the claim is: free words, other types, too much of it. */
export const FREE_VALUES: readonly unknown[] = [
  '兹证明于都县示范企业信誉良好',
  '证'.repeat(10_000),
  '',
  null,
  true,
  -1,
  1.5,
  2 ** 53,
  [],
  {},
  { text: '兹证明' },
  sha256('x').toUpperCase(),
];
