import { z } from 'zod';
import {
  type Appointment,
  applyChange,
  DEMONSTRATION_ISSUER,
  isInForce,
  PERSON_ACTIONS,
  type PersonChange,
} from '../../../subgraphs/cases/person/appointment.ts';
import { ROLES } from '../../../subgraphs/kernel/actor.ts';
import { daySchema } from '../../../subgraphs/kernel/day-schema.ts';
import { OPERATOR_ID } from '../../../subgraphs/kernel/proposal/workflow.ts';
import { Refusal } from '../../../subgraphs/kernel/refusal.ts';
import { type AuditInput, buildFinding, type Finding } from '../finding.ts';
import {
  type EnteredEnd,
  type EnteredLine,
  findEnd,
  findOperatorStart,
  type PeopleRegister,
  readRegister,
} from './posts.ts';

/**
 * Audits the register of people itself: carries out every approved change again, by the hub's own rule, and compares
 * the outcome with the rows. A row that was added, altered or removed by itself differs from it.
 */

/** An approved change of people. */
interface ApprovedChange {
  id: string;
  /** Null if they cannot be read. */
  changes: readonly PersonChange[] | null;
  proposedById: string;
  approvedById: string;
  at: Date;
}

export async function* auditAppointments(input: AuditInput): AsyncGenerator<Finding> {
  const { sql, onNote } = input;
  const register = await readRegister(sql);
  const rows = await sql<
    (Omit<ApprovedChange, 'changes'> & { content: string; organ: string | null })[]
  >`select p.id, p.organ, p.content,
      p.proposed_by_id as "proposedById", o.actor_id as "approvedById", o.at
    from cases.proposal p join cases.proposal_outcome o on o.proposal_id = p.id
    where p.kind = 'CHANGE_PEOPLE' and o.outcome = 'APPROVED' order by o.at, p.serial`;
  const approved = rows.map(({ content, ...row }) => ({ ...row, changes: readChanges(content) }));
  yield* replay(register, approved);
  yield* judgeUnproposed(register);
  const unowned = rows.filter(({ organ }) => organ === null);
  for (const { id, content: text } of unowned) {
    const organs = new Set((readChanges(text) ?? []).flatMap(({ subject }) => findOrgans(register, subject)));
    if (organs.size > 0) onNote?.(`管理员批准的机关人员变更 proposal:${id} ${[...organs].join('、')}`);
  }
  for (const { source, subject, name, from } of register.lines)
    if (source === 'OPERATOR') onNote?.(`运维人员指定的管理员 person:${subject} ${name}，自 ${from.toISOString()}`);
}

const content = z.object({
  changes: z.array(
    z.object({
      ...{ action: z.enum(PERSON_ACTIONS), issuer: z.string(), subject: z.string(), name: z.string().nullable() },
      ...{ organ: z.string().nullable(), roles: z.array(z.enum(ROLES)), window: z.string().nullable() },
      ...{ from: daySchema.nullable(), to: daySchema.nullable(), reason: z.string().nullable() },
    }),
  ),
});

/** Returns what a proposal changes, or null if it cannot be read. */
function readChanges(text: string): readonly PersonChange[] | null {
  try {
    return content.parse(JSON.parse(text)).changes;
  } catch {
    return null;
  }
}

/** Returns the organs at which a person ever had a post. */
function findOrgans({ lines }: PeopleRegister, person: string): string[] {
  return lines.flatMap(({ subject, organ }) => (subject === person && organ !== null ? [organ] : []));
}

const timeOf = (time: Date | null) => time?.getTime() ?? null;

function writeLine(line: Omit<Appointment, 'id'>): string {
  const { issuer, subject, name, organ, roles, window, from, to } = line;
  return JSON.stringify([issuer, subject, name, organ, [...roles].sort(), window, timeOf(from), timeOf(to)]);
}

/** Carries out the approved changes one after another, and yields what the register has less or more than they made. */
function* replay({ lines, ends, takeovers }: PeopleRegister, approved: readonly ApprovedChange[]): Generator<Finding> {
  const unmatchedLines = new Set(lines.filter(({ source }) => source === 'PROPOSAL'));
  const takeoverEnds = ends.filter((end) => isOfTakeover(end, takeovers));
  const unmatchedEnds = new Set(ends.filter((end) => !takeoverEnds.includes(end)));
  const isBy = (row: EnteredLine | EnteredEnd, { proposedById, approvedById, at }: ApprovedChange) =>
    row.proposedById === proposedById && row.approvedById === approvedById && timeOf(row.recordedAt) === timeOf(at);
  const state = new Map<string, Appointment[]>();
  const waiting = lines.filter(({ source }) => source !== 'PROPOSAL');
  for (const change of approved) {
    while (waiting[0] !== undefined && waiting[0].recordedAt <= change.at) enter(state, waiting.shift() as EnteredLine);
    while (takeoverEnds[0] !== undefined && takeoverEnds[0].recordedAt <= change.at) {
      const { appointmentId, endedAt } = takeoverEnds.shift() as EnteredEnd;
      end(state, subjectOf(lines, appointmentId), appointmentId, endedAt);
    }
    if (change.changes === null) yield buildFinding('PROPOSAL_WITHOUT_EFFECT', `proposal:${change.id}`, '内容无法读取');
    for (const item of change.changes ?? []) {
      const effect = applyAgain(state.get(item.subject) ?? [], item, change.at);
      if (effect === null) {
        yield buildFinding('PROPOSAL_WITHOUT_EFFECT', `proposal:${change.id}`, `对 ${item.subject} 的变更当时不可能`);
        continue;
      }
      for (const entered of effect.entered) {
        const row = [...unmatchedLines].find((line) => isBy(line, change) && writeLine(line) === writeLine(entered));
        if (row) unmatchedLines.delete(row);
        else
          yield buildFinding(
            'APPOINTMENT_MISSING',
            `person:${item.subject}`,
            `获准的岗位不在登记中，提议 ${change.id}`,
          );
        enter(state, { ...entered, id: row?.id ?? `${change.id} ${item.subject}` });
      }
      for (const { id, at } of effect.ended) {
        const row = [...unmatchedEnds].find(
          (end) =>
            isBy(end, change) &&
            end.appointmentId === id &&
            timeOf(end.endedAt) === timeOf(at) &&
            end.reason === item.reason,
        );
        if (row) unmatchedEnds.delete(row);
        else
          yield buildFinding(
            'APPOINTMENT_MISSING',
            `person:${item.subject}`,
            `获准的离岗不在登记中，提议 ${change.id}`,
          );
        end(state, item.subject, id, at);
      }
    }
  }
  for (const { subject } of unmatchedLines)
    yield buildFinding('APPOINTMENT_UNFOUNDED', `person:${subject}`, '登记的岗位没有获准的提议，或与之不一致');
  for (const { appointmentId } of unmatchedEnds) {
    const subject = subjectOf(lines, appointmentId);
    yield buildFinding('APPOINTMENT_UNFOUNDED', `person:${subject}`, '登记的离岗没有获准的提议，或与之不一致');
  }
}

/** Whether an end is of the operator who took a demonstration over. `auditTakeovers` judges that as a whole. */
function isOfTakeover(end: EnteredEnd, takeovers: PeopleRegister['takeovers']): boolean {
  const { proposedById, approvedById, recordedAt, endedAt } = end;
  const isOfOperator = proposedById === OPERATOR_ID && approvedById === OPERATOR_ID;
  return (
    isOfOperator && [recordedAt, endedAt].every((at) => takeovers.some((known) => timeOf(known.at) === timeOf(at)))
  );
}

const subjectOf = (lines: readonly EnteredLine[], appointmentId: string) =>
  lines.find(({ id }) => id === appointmentId)?.subject ?? appointmentId;

function applyAgain(lines: readonly Appointment[], change: PersonChange, at: Date) {
  try {
    return applyChange(lines, change, at);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

function enter(state: Map<string, Appointment[]>, line: Appointment): void {
  state.set(line.subject, [...(state.get(line.subject) ?? []), { ...line }]);
}

/** The earliest end counts. */
function end(state: Map<string, Appointment[]>, subject: string, id: string, at: Date): void {
  const lines = state.get(subject) ?? [];
  const endLine = (line: Appointment) => (line.to === null || at < line.to ? { ...line, to: at } : line);
  state.set(
    subject,
    lines.map((line) => (line.id === id ? endLine(line) : line)),
  );
}

/** The operator names administrators only up to this number. */
const LEAST_ADMINISTRATORS = 2;

/** Judges the lines that no proposal founds: the operator's, and those of a demonstration. */
function* judgeUnproposed(register: PeopleRegister): Generator<Finding> {
  const { lines, ends } = register;
  const operatorStart = findOperatorStart(register);
  for (const line of lines) {
    const object = `person:${line.subject}`;
    if (line.from < line.recordedAt) yield buildFinding('APPOINTMENT_UNFOUNDED', object, '岗位早于它的登记');
    if (line.source === 'DEMONSTRATION') {
      const isLate = operatorStart !== null && line.recordedAt >= operatorStart;
      if (line.issuer !== DEMONSTRATION_ISSUER || isLate)
        yield buildFinding('APPOINTMENT_UNFOUNDED', object, '不是示范系统的岗位');
    }
    if (line.source !== 'OPERATOR') continue;
    const isAdministration = line.organ === null && line.window === null && line.roles.join() === 'ADMINISTRATOR';
    const others = lines.filter(
      (other) =>
        other.recordedAt < line.recordedAt &&
        other.roles.includes('ADMINISTRATOR') &&
        isInForce({ from: other.from, to: findEnd(other, ends, line.recordedAt) }, line.recordedAt),
    );
    if (!isAdministration || new Set(others.map(({ subject }) => subject)).size >= LEAST_ADMINISTRATORS)
      yield buildFinding('APPOINTMENT_UNFOUNDED', object, '不在运维人员可以指定之列');
  }
}
