import type postgres from 'postgres';
import type { Transaction } from '../../db/client.ts';
import { SEED_RECORDER } from '../../subgraphs/cases/agreement/agreement.ts';
import { endAgreement } from '../../subgraphs/cases/agreement/workflow.ts';
import { insertEnd } from '../../subgraphs/cases/exception/store.ts';
import { endLine } from '../../subgraphs/cases/person/workflow.ts';
import { removePlatform } from '../../subgraphs/cases/platform/workflow.ts';
import { proposalStore } from '../../subgraphs/cases/proposal/store.ts';
import { removeWebhook } from '../../subgraphs/cases/supervision/webhook/workflow.ts';
import { dayOf } from '../../subgraphs/kernel/day.ts';
import { OPERATOR_ID, type OperatorEnding, withdrawForOperator } from '../../subgraphs/kernel/proposal/workflow.ts';
import { countersignStore } from '../../subgraphs/licenses/countersign/store.ts';
import { closeDuty, dutyIds } from '../../subgraphs/licenses/paper/duty-store.ts';
import { SEED_ACTOR } from '../../subgraphs/licenses/paper/paper.ts';
import { voidSeedBlanks } from '../../subgraphs/licenses/paper/store.ts';
import { proposalStore as actStore } from '../../subgraphs/licenses/proposal/store.ts';
import { transferStore } from '../../subgraphs/licenses/stock/transfer-store.ts';
import { withdrawTransferForOperator } from '../../subgraphs/licenses/stock/transfer-workflow.ts';
import { importStore } from '../../subgraphs/matters/proposal/store.ts';
import { withdrawForOperator as withdrawApplication } from '../../subgraphs/seals/application/workflow.ts';

/** What a demonstration entered into the database, and how each is ended: a row for each kind. */

/** Something that is ended: its id, and a line for the operator. */
export interface Item {
  id: string;
  line: string;
}

export interface Ending {
  name: string;
  /** Recorded with each that is ended. */
  reason: string;
  /** Tables that it reads. A database of an earlier release that lacks one has nothing of this kind. */
  tables: readonly string[];
  /** Lists what is still to be ended. */
  list(sql: postgres.Sql, now: Date): Promise<Item[]>;
  end(tx: Transaction, id: string, ending: OperatorEnding): Promise<unknown>;
}

const DAY_MS = 86_400_000;
/** The last day of what must not count any more on the day of an instant. */
const dayBefore = (at: Date) => dayOf(new Date(at.getTime() - DAY_MS));

/** Proposals that wait. In production one real person would complete what a demo person began. */
function listWaiting(schema: 'cases' | 'matters' | 'licenses'): Pick<Ending, 'tables' | 'list'> {
  return {
    tables: [`${schema}.proposal`, `${schema}.proposal_outcome`],
    list: (sql) => sql<Item[]>`select p.id, concat_ws(' ', p.kind, p.organ, p.proposed_by) as line
      from ${sql(`${schema}.proposal`)} p
      where not exists (select from ${sql(`${schema}.proposal_outcome`)} o where o.proposal_id = p.id) order by p.serial`,
  };
}

const WAITING_REASON = '演示转为正式运行：示范人员的提议不再办理';

export const ENDINGS: readonly Ending[] = [
  {
    name: '示范承接协议 agreements of the demonstration',
    reason: '演示转为正式运行：示范协议终止',
    tables: ['cases.agreement'],
    list: (sql, now) => sql<Item[]>`select number as id, concat_ws(' ', number, city_organ, county_organ) as line
      from cases.agreement where recorded_by = ${SEED_RECORDER} and (valid_to is null or valid_to >= ${dayOf(now)})
      order by serial`,
    // Cases that are under way go on, see `endAgreement`.
    end: (tx, number, { operator, reason, at }) => endAgreement(tx, { number, on: dayBefore(at), reason }, operator),
  },
  {
    name: '审批平台 approval platforms',
    reason: '演示转为正式运行：审批平台须由两人重新登记',
    tables: ['cases.platform'],
    list: (sql) => sql<Item[]>`select id, concat_ws(' ', organ, name, url) as line
      from cases.platform where removed_at is null order by serial`,
    end: (tx, id, { at }) => removePlatform(tx, id, at),
  },
  {
    name: '监管系统推送地址 webhooks of supervisors',
    reason: '演示转为正式运行：推送地址须由两人重新登记',
    tables: ['cases.webhook'],
    list: (sql) => sql<Item[]>`select organ as id, concat_ws(' ', organ, url) as line
      from cases.webhook where ended_at is null order by serial`,
    end: (tx, organ, { at }) => removeWebhook(tx, organ, at),
  },
  {
    name: '人员岗位 lines of the register of people',
    reason: '演示转为正式运行：演示中登记的岗位结束',
    tables: ['cases.appointment', 'cases.appointment_end'],
    list: (sql, now) => sql<Item[]>`select id, concat_ws(' ', subject, name, organ, array_to_string(roles, ',')) as line
      from cases.appointment a where (valid_to is null or valid_to > ${now})
        and not exists (select from cases.appointment_end e where e.appointment_id = a.id and e.ended_at <= ${now})
      order by serial`,
    end: endLine,
  },
  {
    name: '职责分离的例外 exceptions to the segregation of duties',
    reason: '演示转为正式运行：演示中批准的例外结束',
    tables: ['cases.duty_exception', 'cases.duty_exception_end'],
    list: (sql, now) => sql<Item[]>`select id, concat_ws(' ', organ, kind, valid_to::text) as line
      from cases.duty_exception x where valid_to >= ${dayOf(now)}
        and not exists (select from cases.duty_exception_end e where e.exception_id = x.id) order by serial`,
    end: (tx, exceptionId, { operator, reason, at }) =>
      insertEnd(tx, { exceptionId, actorId: OPERATOR_ID, actor: operator, reason, at }),
  },
  {
    name: '待批准的提议 waiting proposals of administration',
    reason: WAITING_REASON,
    ...listWaiting('cases'),
    end: (tx, id, ending) => withdrawForOperator(tx, proposalStore, id, ending),
  },
  {
    name: '待批准的导入 waiting imports',
    reason: WAITING_REASON,
    ...listWaiting('matters'),
    end: (tx, id, ending) => withdrawForOperator(tx, importStore, id, ending),
  },
  {
    name: '待批准的证照事项 waiting acts of licenses and paper',
    reason: WAITING_REASON,
    ...listWaiting('licenses'),
    end: async (tx, id, ending) => {
      const isWish = (await countersignStore.find(tx, id)) !== null;
      const isTransfer = (await transferStore.find(tx, id)) !== null;
      if (isWish) await withdrawForOperator(tx, countersignStore, id, ending);
      else if (isTransfer) await withdrawTransferForOperator(tx, id, ending);
      else await withdrawForOperator(tx, actStore, id, ending);
      await closeDuty(tx, dutyIds.proposal(id), ending.at);
    },
  },
  {
    name: '示范空白证照（在库） unused blanks of the demonstration, by organ',
    reason: '演示转为正式运行：示范空白证照作废',
    tables: ['licenses.blank', 'licenses.blank_entry'],
    list: (sql) => sql<Item[]>`select b.organ as id,
        concat_ws(' ', b.organ, count(*) || ' 张', min(b.number) || '–' || max(b.number)) as line
      from licenses.blank b join licenses.blank_entry e on e.number = b.number and e.seq = 1
      where b.state in ('IN_STOCK', 'IN_TRANSIT') and e.actor = ${SEED_ACTOR} group by b.organ order by b.organ`,
    // After the waiting transfers, whose blanks come back.
    end: (tx, organ, { operator, reason, at }) => voidSeedBlanks(tx, organ, { actor: operator, reason, at }),
  },
  {
    name: '待批准的印章申请 waiting applications on seals',
    reason: WAITING_REASON,
    tables: ['seals.seal_application', 'seals.seal_application_outcome'],
    list: (sql) => sql<Item[]>`select id, concat_ws(' ', kind, organ, applied_by) as line from seals.seal_application a
      where not exists (select from seals.seal_application_outcome o where o.application_id = a.id) order by serial`,
    end: withdrawApplication,
  },
];

/** What an office worked with, which stays: a number for the operator, and what to look at. */
const KEPT: readonly { name: string; tables: readonly string[]; count: string; hint?: string }[] = [
  { name: '办件 cases', tables: ['cases.case_file'], count: 'select count(*) from cases.case_file' },
  {
    name: '证照版本 license versions',
    tables: ['licenses.license_version'],
    count: 'select count(*) from licenses.license_version',
  },
  { name: '印章 seals', tables: ['seals.seal'], count: 'select count(*) from seals.seal' },
  { name: '日志条目 leaves of the log', tables: ['seals.log_leaf'], count: 'select count(*) from seals.log_leaf' },
  {
    name: '其他承接协议 agreements that persons recorded',
    tables: ['cases.agreement'],
    count: `select count(*) from cases.agreement where recorded_by <> '${SEED_RECORDER}'
      and (valid_to is null or valid_to >= current_date)`,
    hint: '请核对，不符的由两人终止（endAgreement） check them',
  },
  {
    name: '保管员领入的在库空白证照 blanks that keepers received',
    tables: ['licenses.blank', 'licenses.blank_entry'],
    count: `select count(*) from licenses.blank b join licenses.blank_entry e on e.number = b.number and e.seq = 1
      where b.state = 'IN_STOCK' and e.actor <> '${SEED_ACTOR}'`,
    hint: '请盘点 count them',
  },
  {
    name: '用印授权 grants of seals by application',
    tables: ['seals.seal_application'],
    count: `select count(*) from seals.seal_application where kind = 'GRANT'`,
    hint: '请核对，不符的撤回 check them',
  },
];

async function hasTables(sql: postgres.Sql, tables: readonly string[]): Promise<boolean> {
  const [row] =
    await sql`select count(to_regclass(path)) = ${tables.length} as known from unnest(${[...tables]}::text[]) as path`;
  return row?.known === true;
}

/** A kind, and what of it is to be ended. */
export interface Planned {
  ending: Ending;
  items: readonly Item[];
}

/** Lists what is to be ended, kinds without anything left out. Only reads, of a database of any release. */
export async function planEndings(sql: postgres.Sql, now: Date): Promise<Planned[]> {
  const planned: Planned[] = [];
  for (const ending of ENDINGS) {
    const items = (await hasTables(sql, ending.tables)) ? await ending.list(sql, now) : [];
    if (items.length > 0) planned.push({ ending, items });
  }
  return planned;
}

/** Returns a line for each kind of what stays. Only reads. */
export async function describeKept(sql: postgres.Sql): Promise<string[]> {
  const lines: string[] = [];
  for (const { name, tables, count, hint } of KEPT) {
    if (!(await hasTables(sql, tables))) continue;
    const [row] = await sql.unsafe(count);
    lines.push(`${name}: ${row?.count}${hint && Number(row?.count) > 0 ? `（${hint}）` : ''}`);
  }
  return lines;
}
