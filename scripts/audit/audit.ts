import { type AuditedLog, type AuditInput, type Check, type Finding, runGuarded } from './finding.ts';

import { auditReceipts } from './library/receipts.ts';
import { auditTold } from './library/statements.ts';
import { auditLicenses } from './licenses.ts';
import { auditLog } from './log/log.ts';
import { auditAppointments } from './office/appointments.ts';
import { auditDeciders } from './office/deciders.ts';
import { auditExceptions } from './office/exceptions.ts';
import { auditPeople } from './office/people.ts';
import { auditProposals } from './office/proposals.ts';
import { auditSignatures } from './office/signatures.ts';
import { auditTakeovers } from './office/takeovers.ts';
import { auditPaper } from './paper.ts';
import { auditSealKinds } from './seal-kinds.ts';
import { auditSeals } from './seals.ts';
import { auditTypes } from './types/types.ts';
import { auditUses } from './uses.ts';

/**
 * The audit (审计): a fixed list of named checks, in order.
 * The first walks the log. The others compare everything else with it.
 */
export const CHECKS: readonly { name: string; run: Check }[] = [
  { name: '透明日志 log', run: auditLog },
  { name: '用印、证书、吊销列表 uses of keys', run: auditUses },
  { name: '本人签名 signatures of persons', run: auditSignatures },
  { name: '印章 seals', run: auditSeals },
  { name: '印章种类 kinds of seals', run: auditSealKinds },
  { name: '证照和文书 licenses and decisions', run: auditLicenses },
  { name: '证照类型、编号和目录 types, numbers, lists', run: auditTypes },
  { name: '纸质和空白证照 paper', run: auditPaper },
  { name: '市库回执 receipts', run: auditReceipts },
  { name: '告知市库的登记声明 statements', run: auditTold },
  { name: '职责分离的例外 exceptions', run: auditExceptions },
  { name: '决定人 deciders', run: auditDeciders },
  { name: '提议和它的结果 proposals', run: auditProposals },
  { name: '演示转为正式运行 take-over', run: auditTakeovers },
  { name: '人员岗位登记 register of people', run: auditAppointments },
  { name: '办理人的岗位 who acted', run: auditPeople },
];

/**
 * Yields every finding. A check that fails is a finding of its own, and the next one runs. Calls `onCheck` with the
 * name of each check when it begins.
 */
export async function* audit(input: AuditInput, onCheck?: (name: string) => void): AsyncGenerator<Finding> {
  const log: AuditedLog = { size: 0, leaves: new Map() };
  for (const { name, run } of CHECKS) {
    onCheck?.(name);
    yield* runGuarded(input, name, () => run(input, log));
  }
}
