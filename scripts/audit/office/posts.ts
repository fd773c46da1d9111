import { type Appointment, isInForce } from '../../../subgraphs/cases/person/appointment.ts';
import type { AppointmentSource } from '../../../subgraphs/cases/person/tables.ts';
import type { AuditInput } from '../finding.ts';

/** The register of people (人员岗位登记) as the database has it, for the checks that compare others with it. */

/** Who proposed and who approved an entry, and when it was recorded. */
interface Recorded {
  proposedById: string;
  approvedById: string;
  recordedAt: Date;
}

/** A line as it was entered: `to` does not say what ended it later. */
export interface EnteredLine extends Appointment, Recorded {
  source: AppointmentSource;
}

export interface EnteredEnd extends Recorded {
  serial: number;
  appointmentId: string;
  endedAt: Date;
  reason: string | null;
}

export interface PeopleRegister {
  /** In the order of their entry. */
  lines: readonly EnteredLine[];
  ends: readonly EnteredEnd[];
  /** When the operator took a demonstration over. */
  takeovers: readonly { at: Date; operator: string }[];
}

export async function readRegister(sql: AuditInput['sql']): Promise<PeopleRegister> {
  const lines = await sql<EnteredLine[]>`select id, issuer, subject, name, organ, roles, "window", valid_from as "from",
      valid_to as "to", source, proposed_by_id as "proposedById", approved_by_id as "approvedById",
      recorded_at as "recordedAt" from cases.appointment order by serial`;
  const ends = await sql<EnteredEnd[]>`select serial::int as serial, appointment_id as "appointmentId",
      ended_at as "endedAt", reason, proposed_by_id as "proposedById", approved_by_id as "approvedById",
      recorded_at as "recordedAt" from cases.appointment_end order by serial`;
  const takeovers = await sql<{ at: Date; operator: string }[]>`select at, operator from cases.takeover order by at`;
  return { lines, ends, takeovers };
}

/** Returns when the register began, or null if it is empty. What was done before it cannot be compared with it. */
export function findRegisterStart({ lines }: PeopleRegister): Date | null {
  const times = lines.map(({ recordedAt }) => recordedAt.getTime());
  return times.length === 0 ? null : new Date(Math.min(...times));
}

/** Returns the first line that an operator entered, or null. From then on invented people have no rights. */
export function findOperatorStart({ lines }: PeopleRegister): Date | null {
  const times = lines.filter(({ source }) => source === 'OPERATOR').map(({ recordedAt }) => recordedAt.getTime());
  return times.length === 0 ? null : new Date(Math.min(...times));
}

/** The gateway remembers a person for a moment, so an end acts a little later. */
const MAX_DELAY_MS = 60_000;

/** Returns a function that lists the lines of a person in force at an instant, or that ended within a minute before. */
export function indexPosts({ lines, ends }: PeopleRegister): (subject: string, at: Date) => readonly EnteredLine[] {
  const firstEnds = new Map<string, Date>();
  for (const { appointmentId, endedAt } of ends) {
    const known = firstEnds.get(appointmentId);
    if (known === undefined || endedAt < known) firstEnds.set(appointmentId, endedAt);
  }
  const periods = lines.map((line) => ({
    line,
    from: line.from,
    to: earlierOf(line.to, firstEnds.get(line.id) ?? null),
  }));
  const periodsBySubject = Map.groupBy(periods, ({ line }) => line.subject);
  return (subject, at) =>
    (periodsBySubject.get(subject) ?? [])
      .filter(({ from, to }) => isInForce({ from, to: to && new Date(to.getTime() + MAX_DELAY_MS) }, at))
      .map(({ line }) => line);
}

function earlierOf(one: Date | null, other: Date | null): Date | null {
  if (one === null || other === null) return one ?? other;
  return one < other ? one : other;
}

/** Returns when a line ended, by what was recorded until an instant. */
export function findEnd(line: EnteredLine, ends: readonly EnteredEnd[], until: Date): Date | null {
  const times = ends
    .filter(({ appointmentId, recordedAt }) => appointmentId === line.id && recordedAt <= until)
    .map(({ endedAt }) => endedAt.getTime());
  if (line.to !== null) times.push(line.to.getTime());
  return times.length === 0 ? null : new Date(Math.min(...times));
}
