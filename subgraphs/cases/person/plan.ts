import type { OrganFact } from '../../kernel/events/events.ts';
import { catchRefusal } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type Appointment, applyChange, describeLine, type RegisterEffect, requireChange } from './appointment.ts';
import { type ListedChange, type ListProblem, toListProblem } from './list.ts';

/** What the register knows of those whom changes concern. */
export interface RegisterState {
  /** All lines of the subjects of the changes. */
  lines: readonly Appointment[];
  organs: ReadonlyMap<string, OrganFact>;
  /** When the changes are approved. */
  at: Date;
}

/** A change that can be made: what it does, and the organ whose people it changes. */
export interface PlannedChange extends ListedChange {
  /** The organ whose people it changes, the only one. Null if there is none. */
  organ: string | null;
  effect: RegisterEffect;
  /** How the effects of later changes name the line that this one enters. */
  lineId: string;
}

export interface RegisterPlan {
  planned: PlannedChange[];
  /** Number of changes that state what the register says already. */
  unchanged: number;
  problems: ListProblem[];
  /** The first refusal, as a change by itself is refused. */
  refusal: Refusal | null;
}

/**
 * Applies changes one after another, so that a list may end and enter the same person. Every change that cannot be made
 * is a problem, and the others are planned as if it were not there. Two lines of a list that put somebody into two
 * places name each other.
 */
export function planChanges(state: RegisterState, listed: readonly ListedChange[]): RegisterPlan {
  const plan: RegisterPlan = { planned: [], unchanged: 0, problems: [], refusal: null };
  const lines = new Map<string, Appointment[]>();
  for (const line of state.lines) lines.set(line.subject, [...(lines.get(line.subject) ?? []), line]);
  const listLines = new Map<string, number>();
  const describe = (line: Appointment) => {
    const number = listLines.get(line.id);
    return `${number === undefined ? '登记中' : `本清单第 ${number} 行`}：${describeLine(line)}`;
  };
  for (const [place, { line, change }] of listed.entries()) {
    const lineId = `line ${place}`;
    const own = lines.get(change.subject) ?? [];
    const refusal = catchRefusal(() => {
      const organ = change.organ === null ? null : (state.organs.get(change.organ) ?? null);
      if (change.organ !== null && organ === null) throw new Refusal('ORGAN_UNKNOWN', 'organ', change.organ);
      requireChange(change, organ);
      const effect = applyChange(own, change, state.at, describe);
      if (effect.entered.length === 0 && effect.ended.length === 0) {
        plan.unchanged++;
        return;
      }
      plan.planned.push({ line, change, organ: requireOneOrgan(own, effect), effect, lineId });
      lines.set(change.subject, applyEffect(own, effect, lineId));
      listLines.set(lineId, line);
    });
    if (refusal === null) continue;
    plan.problems.push(toListProblem(line, refusal));
    plan.refusal ??= refusal;
  }
  return plan;
}

/**
 * Returns the organ whose people an effect changes. Refuses PEOPLE_OF_SEVERAL_ORGANS: each organ approves for its own
 * people, so who moves leaves the one and enters the other.
 */
function requireOneOrgan(lines: readonly Appointment[], { entered, ended }: RegisterEffect): string | null {
  const left = lines.filter(({ id }) => ended.some((end) => end.id === id));
  const [organ = null, ...others] = new Set([...left, ...entered].map((line) => line.organ));
  if (others.length > 0) throw new Refusal('PEOPLE_OF_SEVERAL_ORGANS', 'organ');
  return organ;
}

function applyEffect(lines: readonly Appointment[], { entered, ended }: RegisterEffect, id: string): Appointment[] {
  const kept = lines.map((line) => ({ ...line, to: ended.find((end) => end.id === line.id)?.at ?? line.to }));
  return [...kept, ...entered.map((line) => ({ ...line, id }))];
}
