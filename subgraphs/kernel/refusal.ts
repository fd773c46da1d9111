/**
 * A business refusal: a public code, a sentence for a person, and the field that it concerns.
 *
 * Domain functions throw it. Only the edge (`kernel/http/serve.ts` and the HTTP peers) turns it into an answer.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  /** The input field that the refusal concerns, for example `materials[0].code`, or null if it is the whole act. */
  readonly field: string | null;

  constructor(code: RefusalCode, field: string | null = null, detail?: string) {
    super(detail === undefined ? REFUSALS[code] : `${REFUSALS[code].slice(0, -1)}：${detail}。`);
    this.code = code;
    this.field = field;
  }

  /** This refusal and those of the same input that were found with it (`RefusalCollector`), in their order. */
  get all(): readonly Refusal[] {
    return [this];
  }
}

/**
 * Another system did not do its part. The message is Chinese and for people: it is stored as the reason why an event
 * waits. It names no address of this network and nothing of the database.
 */
export class PeerError extends Error {
  override readonly name: string = 'PeerError';
}

/** Every public code with its sentence. Codes are never renamed or reused. */
export const REFUSALS = {
  // roles and powers
  ROLE_NOT_ALLOWED: '您的岗位不能办理此操作。',
  ORGAN_WITHOUT_POWER: '您所在的机关对此事项没有这项权力。',
  ORGAN_ENDED: '您所在的机关已撤并，不再办理。',
  NOT_YOUR_RECORD: '此记录不属于您，不能操作。',
  ACTION_DONE: '此操作已办理，无须重复。',
  // matters
  MATTER_UNKNOWN: '没有此事项。',
  MATTER_NOT_DELEGATED: '此事项在该日期尚未下放或已不再下放。',
  SITUATION_NOT_OFFERED: '此事项不办理该情形。',
  AGREEMENT_MISSING: '市县两级单位之间没有有效的承接协议，县级不能受理，市级可以受理。',
  // importing a list
  IMPORT_NOT_DONE: '清单有误，全部未导入。',
  IMPORT_TOO_LARGE: '清单过大。',
  IMPORT_EMPTY: '清单没有内容。',
  COLUMN_UNKNOWN: '清单没有此列。',
  COLUMN_MISSING: '清单缺少必需的列。',
  COLUMN_TWICE: '此列在表头出现两次。',
  LINE_BROKEN: '此行无法读取。',
  LINE_TWICE: '同一事项、同一施行日期出现两行。',
  LINE_WITHOUT_CHANGE: '此行没有写明任何变更。',
  VALUE_MISSING: '此格不能空白。',
  VALUE_UNKNOWN: '此格内容不在可填范围内。',
  DAY_INVALID: '日期须为真实存在的 YYYY-MM-DD。',
  DAY_IN_CLOSED_PERIOD: '施行日期早于现行期间的首日，既往不得改写。',
  ORGAN_UNKNOWN: '没有此机关。',
  ORGAN_EXISTS: '此机关、代码或机关代字已登记，内容不同。',
  ORGAN_OVER: '此机关已撤并或已定撤并。',
  ORGAN_CIRCLE: '机关不能由本机关承接，承接关系也不能成环。',
  ORGAN_SHARE_UNFIT: '承接各行不完整或相互矛盾。',
  DAY_PASSED: '施行日期已过，机构改革须自今天或以后起。',
  ORGAN_OF_ANOTHER_LEVEL: '此机关的层级与此列不符。',
  ORGAN_OF_ANOTHER_DIVISION: '此机关属于其他行政区划。',
  MODE_ENDS_NOTHING: '该日没有施行中的下放方式，无可终止。',
  MODE_ENDS_ALONE: '终止下放的一行不能同时更换单位。',
  MODE_MISSING: '该日没有施行中的下放方式，须写明下放方式。',
  OUTCOME_INCOHERENT: '办理结果各列相互矛盾。',
  HISTORY_TOO_LONG: '此事项的期间过多。',
  AGREEMENT_UNKNOWN: '没有此承接协议。',
  AGREEMENT_OF_OTHER_ORGANS: '承接协议所列事项在协议期内不由这两个单位承接。',
  AGREEMENT_NUMBER_TAKEN: '此协议编号已登记，内容不同。',
  MATTER_MOVED: '此事项已划转至其他机关，请由现承接单位办理。',
  // existing paper
  LEDGER_UNREADABLE: '文件不是可读的台账。',
  LEDGER_WITHOUT_LICENSE: '此事项办结后不制发证照，没有可登记的证照。',
  LEDGER_KNOWN: '此文件已提交登记。',
  LEDGER_NUMBER_TWICE: '同一证照编号在文件中出现两次。',
  LICENSE_NUMBER_TAKEN: '此编号已有证照。',
  LICENSE_NUMBER_OF_ANOTHER: '此编号属于另一发证机关。',
  HOLDER_NAMED_OTHERWISE: '此证件号码的持证主体另有名称。',
  // service guides
  GUIDE_UNKNOWN: '此事项没有这一版办事指南。',
  GUIDE_FILE_INVALID: '办事指南文件有误，未作任何更改。',
  GUIDE_OUT_OF_ORDER: '施行日期与已发布的办事指南不衔接。',
  GUIDE_OVERLAY_WIDENS: '县级办事指南只能精简，不得增加或延长。',
  GUIDE_LIMIT_REACHED: '此事项已发布的办事指南过多。',
  LICENSE_TYPE_FILE_INVALID: '证照类型文件有误，未作任何更改。',
  LICENSE_TYPE_OUT_OF_ORDER: '施行日期与已发布的证照类型不衔接。',
  LICENSE_TYPE_PENDING: '证照类型的这一版尚未送达，请稍后再试。',
  LICENSE_NUMBERS_EXHAUSTED: '现行的编号规则本年度已用完，须由管理员发布新的规则后再制证。',
  LICENSE_TYPE_LIMIT_REACHED: '此证照类型已发布的版本过多。',
  // the plan's tasks
  TASK_UNKNOWN: '没有此项改革任务。',
  TASK_NOT_OF_ORGAN: '您所在的机关不是此项任务的牵头或责任单位。',
  TASK_NEVER_DONE: '此项任务须长期坚持，没有可以办结的部分。',
  TASK_PERCENT_UNFIT: '进度与状态不符：未启动为 0，进行中为 0 至 99，完成为 100。',
  TASK_REPORTS_FULL: '此项任务的进展记录已满。',
  // cases
  CASE_UNKNOWN: '没有此办件。',
  CASE_STEP_NOT_ALLOWED: '办件当前环节不能办理此操作。',
  CASE_NOT_GRANTED: '办件尚未准予，不能制证。',
  CASE_MUST_BE_FORWARDED: '此事项须先转报市级部门，再作决定。',
  CASE_PAUSED: '办件正在特别程序中，计时已停止，请先恢复计时。',
  CASE_NOT_PAUSED: '办件没有中止计时。',
  SUPPLEMENT_ALREADY_ASKED: '已一次性告知过补正内容，不得再次要求补正。',
  SUPPLEMENT_NOT_DUE: '补正期限尚未届满。',
  ITEMS_MISSING: '请逐项写明需要补正的内容。',
  PAPERS_MISSING: '请写明中止计时所依据的文书。',
  REQUEST_KEY_REUSED: '此请求编号已用于另一份申请。',
  CASE_ENDS_IN_DECISION: '此事项以决定文书办结，不制发证照。',
  LICENSE_NOT_NAMED: '此事项针对已有证照办理，请填写证照编号。',
  CONTENT_INCOMPLETE: '制证信息不完整，不能准予。',
  CORRECTION_EMPTY: '更正没有改动证照上的任何内容。',
  CHANGE_EMPTY: '变更没有改动证照上的任何内容，请填写要变更的信息项或者持证主体名称。',
  EXAMINER_DECIDES: '审查过本案的人员不能作出决定，须由另一名有权人员决定。',
  REASON_MISSING: '请填写理由。',
  SEAL_AUTHORISATION_MISSING: '决定人没有授权用印，不能制发证照或决定书。',
  DECISION_NOT_SEALED: '决定文书尚未用印，不能送达。',
  FIELD_MALFORMED: '填写内容不符合格式要求。',
  FIELD_TOO_LONG: '填写内容过长。',
  FAULTS_TOO_MANY: '有误之处过多，其余未列出，请先改正已列出的各处。',
  // supervision
  PUSH_UNKNOWN: '没有此推送。',
  PUSH_CLAIMED: '此推送已由他人领取。',
  CASE_NOT_DECIDED: '办件尚未作出决定，不能登记监管反馈。',
  NOT_THE_SUPERVISOR: '您所在的机关不是此办件的行业主管部门。',
  FINDING_UNKNOWN: '没有此监管反馈。',
  FINDING_ENDED: '此监管反馈已办结，或正由发证机关办理。',
  FINDING_NEEDS_LICENSE: '此办件没有证照，不能要求暂扣、吊销或恢复。',
  WEBHOOK_UNKNOWN: '没有此推送地址。',
  WEBHOOK_URL_REFUSED: '推送地址不符合要求。',
  CALENDAR_MISSING: '该年度的工作日历尚未公布，不能计算期限。',
  CALENDAR_MALFORMED: '工作日历不符合要求。',
  // proposals
  PROPOSAL_UNKNOWN: '没有此提议。',
  PROPOSAL_DECIDED: '此提议已办结。',
  PROPOSAL_OUTDATED: '提议所依据的数据已变更，请重新提议。',
  PROPOSALS_TOO_MANY: '待批准的提议过多，请先办结。',
  // exceptions to the segregation of duties
  EXCEPTION_UNKNOWN: '没有此例外。',
  EXCEPTION_ENDED: '此例外已终止或已到期。',
  EXCEPTION_PERIOD: '例外须自今天或以后起，最长一年。',
  EXCEPTION_ORGAN: '此机关不是该机关的上级机关。',
  EXCEPTION_OVERLAPS: '该机关在此期间已有同样的例外。',
  // register of people
  APPOINTMENT_UNKNOWN: '没有此人的在岗登记。',
  PERSON_TWO_PLACES: '同一人同一时间只能登记在一个岗位。',
  ROLES_UNFIT: '岗位与所在机关不符。',
  WINDOW_UNFIT: '综合窗口与岗位或者机关不符。',
  OWN_RIGHTS: '不得提议或者批准变更本人的岗位。',
  PEOPLE_OF_SEVERAL_ORGANS: '一份提议只能涉及一个机关的人员。',
  ADMINISTRATORS_NAMED: '已有两名系统管理员在岗，由他们提议和批准。',
  // approval platforms
  PLATFORM_UNKNOWN: '没有此审批平台。',
  PLATFORM_EXISTS: '此机关已登记审批平台。',
  KEY_UNFIT: '公钥须为 Ed25519 公钥，SPKI PEM 或 JWK 格式，不得包含私钥。',
  KEY_TAKEN: '此公钥已登记过，请使用新的密钥。',
  KEY_UNKNOWN: '没有此公钥。',
  KEY_NOT_IN_FORCE: '此公钥不在有效期内。',
  KEYS_TOO_MANY: '有效或待生效的公钥过多，请先停用旧公钥。',
  SIGNATURE_MISSING: '请求没有签名。',
  SIGNATURE_MALFORMED: '签名或其头部不符合格式要求。',
  SIGNATURE_INVALID: '签名与报文不符。',
  AUDIENCE_WRONG: '签名不是给本枢纽的。',
  TIMESTAMP_NOT_FRESH: '签名时间与枢纽时间相差过大。',
  MESSAGE_MALFORMED: '报文不符合格式要求。',
  MESSAGE_TOO_LARGE: '报文过大。',
  MESSAGE_CONFLICT: '此报文编号已用于内容不同的报文。',
  // materials
  HOLDER_CHECKS_TOO_MANY: '今日填写的持证人证件号码多次不符，明日再试；每次不符都已记录。',
  APPLICATIONS_TOO_MANY: '此申请人尚未受理的申请过多，请待受理后再申请。',
  PURPOSE_MISSING: '请写明查阅用途。',
  PURPOSE_UNKNOWN: '没有此查阅用途。',
  PURPOSE_UNFIT: '此用途与您的岗位或办件所处环节不符。',
  FILE_EMPTY: '文件是空的。',
  FILE_TOO_LARGE: '文件过大，最多 20 MiB。',
  FILE_TYPE_NOT_ALLOWED: '只接受 PDF、JPEG、PNG、OFD、DOCX、XLSX、TIFF 文件。',
  FILE_TYPE_MISMATCH: '文件内容与其声明的类型不符。',
  FILE_BROKEN: '文件已损坏。',
  FILE_TOO_COMPLEX: '文件过于复杂，不予接收。',
  FILE_ENCRYPTED: 'PDF 文件已加密，请解除密码和限制后再上传。',
  FILE_INFECTED: '文件未通过安全扫描，不予接收。',
  FILE_NOT_SCANNED: '文件尚未完成安全扫描，请稍后再试。',
  UPLOADS_TOO_MANY: '已上传而未提交的文件过多，请先提交或删除。',
  UPLOADS_OF_DAY_TOO_LARGE: '24 小时内上传的文件合计过大，请稍后再上传。',
  UPLOAD_UNKNOWN: '没有此上传文件，或已提交。',
  MATERIALS_MISSING: '缺少必需的申请材料。',
  HOLDER_CONSENT_MISSING: '转让证照须由转让双方共同申请，或者提交原持证人同意书，并由窗口人员核验登记。',
  MATERIALS_TOO_LARGE: '一个办件的材料文件合计过大，最多 200 MiB。',
  MATERIAL_UNKNOWN: '办事指南中没有此材料。',
  MATERIAL_TWICE: '同一材料提交了两次。',
  MATERIAL_SOURCE: '每项材料须在上传文件、引用电子证照、纸质件中选一种。',
  MATERIAL_FORM: '材料形式不符合办事指南要求。',
  MATERIAL_FORMAT: '文件格式不是办事指南接受的格式。',
  MATERIAL_COPIES: '材料份数不足。',
  MATERIAL_LICENSE_TYPE: '此电子证照不是该材料所要求的类型。',
  MATERIAL_NO_LONGER_GOOD: '引用的电子证照已不能作为材料，不能准予。',
  LICENSE_NOT_IN_FORCE: '此证照当前不在有效状态。',
  // holders and identifiers
  HOLDER_CODE_INVALID: '证件号码不符合编码规则。',
  NAME_DOT_WRONG: '姓名中的间隔号须为“·”（U+00B7）。',
  HOLDER_TWICE: '同一人填写了两次。',
  SHARES_NOT_WHOLE: '各共有人份额之和不等于一。',
  CO_HOLDERS_NOT_TAKEN: '此事项或此类证照不登记共有人。',
  IDENTIFIER_INVALID: '电子证照标识校验位不正确。',
  // licenses
  LICENSE_UNKNOWN: '没有此证照。',
  LICENSE_NUMBER_AMBIGUOUS: '多个证照有此编号，请改填电子证照标识。',
  LICENSE_ACT_NOT_ALLOWED: '证照当前状态不允许此操作。',
  CASE_RUNNING_ON_LICENSE: '此证照另有办件须先办结。',
  LICENSE_BUSY: '此证照有一项正在办理的操作，请稍后再试。',
  LICENSE_NOT_CURRENT: '此版本已被新版本取代，请使用最新版本。',
  ACT_NEEDS_CASE: '此操作须有准予的办件。',
  COLLECTION_NOT_FAILED: '此证照没有归集失败的记录。',
  ORDER_UNKNOWN: '没有此监管指令。',
  ORDER_ANSWERED: '此监管指令已答复。',
  ORDER_OPEN: '此证照有待答复的监管指令，须先办理或答复。',
  TASK_LICENSE_ENDED: '证照有效期已届满，不能再制证，请作废本制证任务。',
  TASK_VOIDED: '此制证任务已作废。',
  DECISION_NUMBER_MISSING: '请填写决定文号。',
  HEARING_MISSING: '请填写事先告知以及听证或者陈述、申辩的情况。',
  HEARING_NOT_LAWFUL: '告知、听证或者陈述、申辩的情况不符合法定程序。',
  LICENSE_CHANGED: '拟办或者决定以后证照另有变动，请撤回拟办或者作废制证任务，重新办理。',
  // paper
  BLANK_UNKNOWN: '没有此空白证照编号。',
  BLANK_USED: '此空白证照已使用。',
  BLANK_SPOILED: '此空白证照已作废。',
  BLANK_IN_TRANSIT: '此空白证照已调拨，待接收机关确认。',
  BLANK_OF_ANOTHER_ORGAN: '此空白证照属于其他机关。',
  BLANK_OF_ANOTHER_TYPE: '此空白证照只用于另一类证照。',
  BLANK_TYPE_UNKNOWN: '没有此证照类型，空白证照不能指定用于此类型。',
  BLANK_RANGE_TAKEN: '空白证照编号已登记。',
  BLANK_COUNT_WRONG: '空白证照的张数与该证照的副本数不符。',
  BLANK_TWICE: '同一空白证照填写了两次。',
  SUBJECT_TWICE: '同一办件或者同一证照出现在多行，请只留一行。',
  TRANSFER_TO_ITSELF: '空白证照不能调拨给本机关。',
  PAPER_NOT_PRINTED: '纸质证照不在已打印待送达状态。',
  PAPER_NOT_IN_FORCE: '纸质证照已打印，但证照已不在有效状态。',
  PAPER_NOT_DELIVERED: '纸质证照没有待收回的送达记录。',
  // seals
  SEAL_UNKNOWN: '没有此印章。',
  SEAL_NOT_GRANTED: '此印章未获准用于该事项。',
  SEAL_SUSPENDED: '此印章已停用。',
  SEAL_EXPIRED: '此印章不在有效期内。',
  SEAL_NOT_OF_ORGAN: '此印章不属于作出决定的机关。',
  PERSON_SIGNATURE_MISSING: '此机关的用印授权须由决定人本人签名，请先预演再签名。',
  PERSON_SIGNATURE_INVALID: '本人签名与用印授权不符或无法核实。',
  PERSON_SIGNATURE_STALE: '待签内容已变或签名已过时限，请重新预演并签名。',
  PERSON_CREDENTIAL_UNFIT: '此签名凭据未登记、不在有效期内，或不属于此人、此机关。',
  SEAL_AUTHORISATION_INVALID: '用印授权与待签内容不符或无法核实。',
  CERTIFICATE_MALFORMED: '证书无法读取，须为 PEM 格式、印章证书在前的证书链。',
  CERTIFICATE_UNFIT: '此证书不能用于此印章。',
  AUTHORITY_NOT_TRUSTED: '证书不是由受信任的机构签发。',
  SEAL_EXISTS: '该机关已有同类印章。',
  SEAL_NOT_IN_USE: '此印章尚未启用。',
  SEAL_NOT_ON_FILE: '此印章尚未备案。',
  SEAL_ON_FILE: '此印章已备案。',
  SEAL_ALREADY_GRANTED: '此印章已有相同的授权。',
  SECOND_PERSON_NEEDED: '此事须由另一人批准，申请人不能批准自己的申请。',
  SEAL_APPLICATION_UNKNOWN: '没有此印章申请。',
  SEAL_APPLICATION_DECIDED: '此印章申请已办结。',
  SEAL_APPLICATIONS_TOO_MANY: '待批准的印章申请过多，请先办结。',
  SEAL_CONTENT_DIFFERS: '待签文件与用印授权的内容不一致。',
} as const satisfies Record<string, `${string}。`>;

export type RefusalCode = keyof typeof REFUSALS;
