import { OPERATOR_ID } from '../../../subgraphs/kernel/proposal/workflow.ts';
import { type AuditInput, buildFinding, type Finding } from '../finding.ts';
import { findEnd, readRegister } from './posts.ts';

/**
 * Audits the take-over of a demonstration by the operator (`npm run takeover`). What it ended needed no second person,
 * so the register of people must have ended with it as a whole: nobody who remains has gained anything.
 */
export async function* auditTakeovers({ sql, onNote }: AuditInput): AsyncGenerator<Finding> {
  const { lines, ends, takeovers } = await readRegister(sql);
  for (const { at, operator } of takeovers) {
    onNote?.(`演示转为正式运行 takeover:${at.toISOString()}，${operator}`);
    for (const line of lines.filter(({ recordedAt }) => recordedAt <= at)) {
      const end = findEnd(line, ends, at);
      if (end === null || end > at)
        yield buildFinding('TAKEOVER_INCOMPLETE', `person:${line.subject}`, '演示转为正式运行后仍有演示中登记的岗位');
    }
  }
}

/** SQL: whether the operator did something when taking a demonstration over, at the instant in a column. */
export const isOfTakeover = (at: string) => `exists (select 1 from cases.takeover t where t.at = ${at})`;

/** SQL: whether an outcome `p` of a proposal is the operator's withdrawal at a take-over. */
export const IS_WITHDRAWN_BY_TAKEOVER = `p.outcome = 'WITHDRAWN' and p.actor_id = '${OPERATOR_ID}' and ${isOfTakeover('p.at')}`;

/** SQL: whether the end of an agreement `e` is of a take-over. It counts from the day of that on. */
export const IS_ENDED_BY_TAKEOVER = `exists (select 1 from cases.takeover t where t.operator = e.ended_by
  and e.valid_to = (t.at at time zone 'Asia/Shanghai')::date - 1)`;
