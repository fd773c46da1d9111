/** Kinds of items that wait for a person. 实施方案三.3 requires that every open item is shown to somebody. */
export const ATTENTION_KINDS = [
  'STEP_OVERDUE',
  'CALENDAR_MISSING',
  'AGREEMENT_ENDING',
  'AGREEMENT_MISSING',
  'INDUSTRY_ORGAN_MISSING',
  'PUSH_OVERDUE',
  'PUSH_WITHOUT_ORGAN',
  'FINDING_OPEN',
  'RECTIFICATION_OVERDUE',
  'DECISION_UNSEALED',
  'PUBLICATION_OVERDUE',
  'LICENSE_ENDING',
  'RENEWAL_UNDECIDED',
  'RENEWAL_UNPRINTED',
  'RECALL_OPEN',
  'SEAL_WAITING',
  'COLLECTION_REFUSED',
  'ORDER_OPEN',
  'ACT_PROPOSED',
  'SWEEP_HELD',
  'NUMBERS_ENDING',
  'BLANKS_ENDING',
  'PROPOSAL_WAITING',
  'TASK_VOID_PROPOSED',
  'ORDER_DECLINE_PROPOSED',
  'BLANKS_PROPOSED',
  'BLANK_WRITE_OFF_PROPOSED',
  'BLANK_TRANSFER_PROPOSED',
  'IMPORT_PROPOSED',
  'REGISTRATION_PROPOSED',
  'SEAL_APPLICATION_WAITING',
] as const;
export type AttentionKind = (typeof ATTENTION_KINDS)[number];

/** One item that waits. Its kind determines which of the ids are set. */
export interface AttentionRow {
  id: string;
  kind: AttentionKind;
  /** Start of the wait. Together with `id` the key for keyset pagination. */
  since: Date;
  /** Last day to handle it, or null if nothing sets one. */
  dueOn: string | null;
  /** Organs that must handle it. Empty means the office as a whole. */
  organs: string[];
  /** Division of the integrated window that may handle it, or null. */
  window: string | null;
  caseId: string | null;
  matterId: string | null;
  /** Identifier of a license version. */
  license: string | null;
  agreement: string | null;
  pushId: string | null;
  findingId: string | null;
  /** What this person may decide: a proposal of cases, or of another subgraph by a link of its kind. */
  proposalId: string | null;
  /** What it is about, for example a case number, an agreement number, or the name of a license. */
  subject: string;
  /** Why it waits, or null if no reason is known. */
  reason: string | null;
}

const SENTENCES: Record<AttentionKind, string> = {
  STEP_OVERDUE: '办件在当前环节超过时限无人办理',
  CALENDAR_MISSING: '所需年份的工作日历尚未公布，期限无法计算，请载入日历',
  AGREEMENT_ENDING: '承接协议即将到期',
  AGREEMENT_MISSING: '下放实质性审核权的事项没有有效的承接协议，县级不能受理',
  INDUSTRY_ORGAN_MISSING: '事项的行业主管部门待明确',
  PUSH_OVERDUE: '审批结果超过3个工作日未送达监管部门',
  PUSH_WITHOUT_ORGAN: '审批结果待推送：行业主管部门待明确',
  FINDING_OPEN: '监管反馈待签收',
  RECTIFICATION_OVERDUE: '整改期限已过，监管部门尚未销号',
  DECISION_UNSEALED: '决定文书待用印',
  PUBLICATION_OVERDUE: '准予行政许可决定超过7个工作日未公示',
  LICENSE_ENDING: '证照有效期即将届满',
  RENEWAL_UNDECIDED: '延续申请在证照有效期届满前未作决定，视为准予延续，请尽快决定',
  RENEWAL_UNPRINTED: '已准予延续，证照有效期届满时尚未制发新证照，视为准予延续，请尽快制证',
  RECALL_OPEN: '已失去效力的纸质证照待收回',
  SEAL_WAITING: '证照操作待用印',
  COLLECTION_REFUSED: '市电子证照库退回，待处理后重新归集',
  ORDER_OPEN: '监管部门要求对证照采取措施，待发证机关办理',
  ACT_PROPOSED: '对证照的处理已拟办，待审批人决定',
  SWEEP_HELD: '系统时钟疑有跳变，证照失效登记已暂停，待系统运维人员核对时钟',
  NUMBERS_ENDING: '证照编号即将用完，请系统管理员发布新的编号规则',
  BLANKS_ENDING: '即将用完，请领取并登记入库',
  PROPOSAL_WAITING: '提议待您批准或者不予批准',
  TASK_VOID_PROPOSED: '一人已提出作废制证任务，待您复核后同样提交',
  ORDER_DECLINE_PROPOSED: '一人已提出不采取监管部门要求的措施，待您复核后同样提交',
  BLANKS_PROPOSED: '一人已登记入库，待您清点后登记同一号段',
  BLANK_TRANSFER_PROPOSED: '其他机关调拨给本机关，待您清点后确认接收',
  BLANK_WRITE_OFF_PROPOSED: '一人已提出核销，待您核对后登记同一号段和原因',
  IMPORT_PROPOSED: '导入文件待您批准或者不予批准',
  REGISTRATION_PROPOSED: '存量证照台账待您批准或者不予批准',
  SEAL_APPLICATION_WAITING: '印章申请待您批准或者不予批准',
};

/** Returns a sentence that describes the item to a person. */
export function sentenceOf({ kind, subject, reason }: Pick<AttentionRow, 'kind' | 'subject' | 'reason'>): string {
  return `${subject}：${SENTENCES[kind]}${reason ? `（${reason.replace(/。$/u, '')}）` : ''}。`;
}
