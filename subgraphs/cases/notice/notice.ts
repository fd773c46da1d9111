import { type Day, dayOf, isWithin } from '../../kernel/day.ts';
import { AGENT_AUTHORITIES } from '../../kernel/delivery/agent.ts';
import type { Delivery } from '../../kernel/delivery/delivery.ts';
import type { DelegationFact, EventPayload, Holder, OrganFact, PowerType } from '../../kernel/events/events.ts';
import { displayNameOf } from '../../kernel/finding/matter-name.ts';
import { isPersonKind, maskCode } from '../../kernel/identity/identity.ts';
import { LICENSE_ACTS, type LicenseAction } from '../../kernel/license-acts.ts';
import { maskPhone } from '../party/mask.ts';
import type { Agent, Contact } from '../party/party.ts';
import { actOfNotice, applicationWord, groundsOf, rightOf } from './ground.ts';

/** 受理通知书, 一次性告知书, 不予受理通知书, the decision document (准予／不予…决定书), and 送达回证. */
export const NOTICE_KINDS = ['ACCEPTANCE', 'SUPPLEMENT', 'REFUSAL', 'DECISION', 'DELIVERY'] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** The part of a case that a notice uses. A `Case` has all of it. */
export interface NoticeCase {
  id: string;
  number: string;
  matter: EventPayload<'DelegationChanged'>;
  delegation: DelegationFact;
  /** The act on a license that the application is for, or null. */
  act: LicenseAction | null;
  applicant: Holder;
  agent?: Agent | null;
  contact?: Contact | null;
  fields: readonly { label: string; text: string }[];
  /** Oldest first; the first one received the application. */
  steps: readonly { at: Date }[];
}

/** The step that the notice documents. */
export interface NoticeStep {
  at: Date;
  /** The reason, or a remark. */
  note: string | null;
  finding: string | null;
}

/** Facts that only the workflow of the step knows. Facts that do not concern the kind of notice are absent. */
export interface NoticeFacts {
  /** Materials handed in. `copies` is null unless it is paper. */
  received?: readonly { name: string; copies: number | null }[];
  /** What is missing, and what is wrong with it. */
  missing?: readonly { name: string; remark: string | null }[];
  /** Last day to bring what is missing. */
  supplementBy?: Day | null;
  /** Limits in working days from acceptance, and the last day of the promised limit, else of the statutory one. */
  limits?: { statutoryDays: number | null; promisedDays: number | null; dueOn: Day | null };
  /** Where, and by which code, anybody follows the case. */
  progress?: { url: string; code: string };
  /** Sentences on the exceptions to the segregation of duties that a decision rests on. */
  exceptions?: readonly string[];
  /** What a grant covers, if it is not the lines of the application. */
  granted?: NoticeContent['granted'];
  /** What a grant changes on a license that exists. */
  changes?: readonly NoticeChange[];
  /** Whom it addresses, if not the applicant. */
  addressee?: Holder;
  /** What was delivered, to whom and how. */
  delivered?: Required<Pick<NoticeContent, 'delivered' | 'delivery'>>;
  /** The law that the matter rests on (设定依据), which a decision cites first. */
  legalBasis?: readonly string[];
  /** Whether the notice bears the organ's acceptance seal. Not for decisions. */
  isSealed?: boolean;
}

/** A line of a license before and after a decision. Null: there was or is none. */
export interface NoticeChange {
  label: string;
  before: string | null;
  after: string | null;
}

/** The full text of a notice. It is stored, rendered, attached to its PDF and sealed. */
export interface NoticeContent {
  kind: NoticeKind;
  title: string;
  number: string;
  decision: 'GRANTED' | 'REJECTED' | null;
  /** The organ that issues the notice. */
  organ: { id: string; name: string; divisionCode: string };
  /** The integrated window (综合受理窗口) through which the organ accepts, or null. */
  window: string | null;
  addressee: string;
  /**
   * The addressee's code. That of a person is masked, because the paper may pass through many hands. That of a company
   * is public (企业信息公示暂行条例). Both are masked in notices of releases up to 0.4.1.
   */
  addresseeCode: string;
  /** Who acts for the applicant (代办人), on receipts and 送达回证. Absent if nobody does. */
  agent?: { name: string; authority: string };
  /** Where papers reach the applicant (送达地址), with a masked number. Only on 送达回证, absent if none is stated. */
  contact?: { phone: string; address: string };
  caseNumber: string;
  matterId: string;
  /** Its display name. In notices of releases up to 0.4.1 the sub-item, or the main item if there is none. */
  matterName: string;
  received: { name: string; copies: number | null }[];
  missing: { name: string; remark: string | null }[];
  /** What a grant covers, line by line. */
  granted: { label: string; text: string }[];
  /**
   * What a grant changes on a license that exists (原载内容、变更后内容), and the word of its act. Absent if it changes nothing,
   * and in decisions of releases up to 0.4.1.
   */
  changes?: { act: string; lines: NoticeChange[] };
  reason: string | null;
  /** Its legal basis (依据). */
  clauses: string[];
  supplementBy: Day | null;
  limits: { statutoryDays: number | null; promisedDays: number | null; dueOn: Day | null } | null;
  /** The paragraphs before and after the lists. */
  opening: string[];
  closing: string[];
  /** Day in Asia/Shanghai, and the moment in RFC 3339, UTC. */
  issuedOn: Day;
  issuedAt: string;
  /** The documents that were delivered, and to whom and how. Only on 送达回证. */
  delivered?: { name: string; number: string }[];
  delivery?: Delivery;
  /** Absent in notices of releases up to 0.4.1, and in those that are no receipt. */
  progress?: { url: string; code: string };
  /** The kind of seal that it bears. Absent in decisions, and in notices without a seal. */
  seal?: 'ACCEPTANCE_SEAL';
  /** Random element, which the workflow adds with the number. Absent in notices of releases up to 0.4. */
  salt?: string;
}

/**
 * How the decision on each kind of power is called: 准予行政许可决定书, 行政确认决定书, 备案通知书. `grants` is the verb of the sentence,
 * `prefix` that of the title, `mark` what its numbers add to the organ's 机关代字.
 */
const DECISIONS: Record<PowerType, { noun: string; grants: string; prefix: string; paper: string; mark: string }> = {
  LICENSE: { noun: '行政许可', grants: '准予', prefix: '准予', paper: '决定书', mark: '许' },
  CONFIRMATION: { noun: '行政确认', grants: '予以', prefix: '', paper: '决定书', mark: '确' },
  FILING: { noun: '备案', grants: '予以', prefix: '', paper: '通知书', mark: '备' },
  OTHER: { noun: '办理', grants: '准予', prefix: '准予', paper: '决定书', mark: '办' },
};
/** What the numbers of the other notices add to the organ's 机关代字. */
const NOTICE_MARKS: Record<Exclude<NoticeKind, 'DECISION'>, string> = {
  ACCEPTANCE: '受',
  SUPPLEMENT: '补',
  REFUSAL: '不受',
  DELIVERY: '送',
};
const PLAN = '《于都县“市县同权”改革实施方案》（于府办发〔2022〕30号）';
/** 中华人民共和国行政许可法 (2019), for matters that are licenses in its sense. */
const LAW_CLAUSES: Record<Exclude<NoticeKind, 'DECISION'>, string> = {
  ACCEPTANCE: '《中华人民共和国行政许可法》第三十二条第一款第（五）项',
  SUPPLEMENT: '《中华人民共和国行政许可法》第三十二条第一款第（四）项',
  REFUSAL: '《中华人民共和国行政许可法》第三十二条第一款',
  DELIVERY: '《中华人民共和国行政许可法》第四十四条',
};
/** 行政复议法 (2023) art. 20, 行政诉讼法 (2017) art. 46; the government of the same level: 行政复议法 art. 24. */
const REVIEW_TIME = '六十日';
const SUIT_TIME = '六个月';

/** Returns what the numbers of an organ's documents of a kind begin with (发文机关代字), for example 于林许. */
export function documentMarkOf(kind: NoticeKind, powerType: PowerType, organ: OrganFact): string {
  const mark = kind === 'DECISION' ? DECISIONS[powerType].mark : NOTICE_MARKS[kind];
  return `${organ.documentMark ?? organ.name}${mark}`;
}

/** Returns the number of a document (发文字号, GB/T 9704-2012 7.2.5): 于林许〔2026〕12号, without padding zeros. */
export function documentNumber(mark: string, year: string, serial: number): string {
  return `${mark}〔${year}〕${serial}号`;
}

/** Returns the law that a decision of a day cites as the legal basis of its matter (设定依据): none that has ended. */
export function legalBasisOn({ legalBases = [] }: Pick<NoticeCase['matter'], 'legalBases'>, day: Day): string[] {
  const basis = legalBases.find(({ validFrom, validTo }) => isWithin(day, validFrom, validTo));
  return basis?.text == null ? [] : [basis.text];
}

/** Returns the organ with this id from the case's matter. Throws RangeError if the matter does not name it. */
export function organOf({ matter }: Pick<NoticeCase, 'matter'>, id: string): OrganFact {
  const organ = matter.organs.find((candidate) => candidate.id === id);
  if (!organ) throw new RangeError(`matter ${matter.matterId} names no organ ${id}`);
  return organ;
}

/** Returns the full text of a notice. It depends on the case, the step, the issuer and the facts alone. */
export function composeNotice(
  kind: NoticeKind,
  subject: NoticeCase,
  step: NoticeStep,
  issuer: { organ: OrganFact; number: string },
  facts: NoticeFacts = {},
): NoticeContent {
  const { organ, number } = issuer;
  const decision = kind === 'DECISION' ? (step.finding === 'GRANTED' ? 'GRANTED' : 'REJECTED') : null;
  const draft: NoticeDraft = {
    kind,
    title: titleOf(kind, decision, subject),
    number,
    decision,
    organ: { id: organ.id, name: organ.name, divisionCode: organ.divisionCode },
    window: kind === 'DECISION' ? null : windowOf(subject, organ),
    addressee: (facts.addressee ?? subject.applicant).name,
    addresseeCode: printedCodeOf(facts.addressee ?? subject.applicant),
    caseNumber: subject.number,
    matterId: subject.matter.matterId,
    matterName: displayNameOf(subject.matter),
    received: [...(facts.received ?? [])],
    missing: [...(facts.missing ?? [])],
    granted: decision === 'GRANTED' ? [...(facts.granted ?? subject.fields)] : [],
    ...(decision === 'GRANTED' ? changesOf(subject, facts.changes ?? []) : {}),
    reason: step.note,
    clauses: [...(facts.legalBasis ?? []), ...clausesOf(kind, decision, subject)],
    supplementBy: facts.supplementBy ?? null,
    limits: facts.limits ?? null,
    issuedOn: dayOf(step.at),
    issuedAt: step.at.toISOString(),
    ...(facts.progress ? { progress: facts.progress } : {}),
    ...facts.delivered,
    ...(facts.addressee ? {} : printParties(kind, subject)),
    ...(facts.isSealed ? { seal: 'ACCEPTANCE_SEAL' as const } : {}),
  };
  const opening = [...openingOf(draft, subject), ...(facts.exceptions ?? [])];
  return { ...draft, opening, closing: closingOf(draft, subject) };
}

/** The notices that name who acts for the applicant. */
const OF_AGENTS: ReadonlySet<NoticeKind> = new Set(['ACCEPTANCE', 'SUPPLEMENT', 'DELIVERY']);

function printParties(kind: NoticeKind, { agent, contact }: NoticeCase): Pick<NoticeContent, 'agent' | 'contact'> {
  return {
    ...(agent && OF_AGENTS.has(kind)
      ? { agent: { name: agent.name, authority: AGENT_AUTHORITIES[agent.authority] } }
      : {}),
    ...(contact && kind === 'DELIVERY'
      ? { contact: { phone: maskPhone(contact.phone), address: contact.address } }
      : {}),
  };
}

type NoticeDraft = Omit<NoticeContent, 'opening' | 'closing'>;

function changesOf(subject: NoticeCase, lines: readonly NoticeChange[]): Pick<NoticeContent, 'changes'> {
  if (lines.length === 0) return {};
  return { changes: { act: LICENSE_ACTS[actOfNotice(subject)].label, lines: [...lines] } };
}

function titleOf(kind: NoticeKind, decision: NoticeContent['decision'], subject: NoticeCase): string {
  const { matter, delegation } = subject;
  if (kind === 'ACCEPTANCE') return '受理通知书';
  if (kind === 'SUPPLEMENT') return '一次性告知书';
  if (kind === 'REFUSAL') return '不予受理通知书';
  if (kind === 'DELIVERY') return '送达回证';
  // The outcome's name comes from the matter. If it names a license or no 决定书, the title uses the power type.
  const { kind: outcome, name } = delegation.outcome;
  const { prefix, paper } = DECISIONS[matter.powerType];
  const document = outcome === 'DECISION' && name.endsWith('决定书') ? name : `${powerOf(subject)}${paper}`;
  return `${decision === 'GRANTED' ? prefix : '不予'}${document}`;
}

/** Returns what is granted or refused: 行政许可, or 延续行政许可、转让探矿权 where the case acts on a license that exists. */
function powerOf(subject: NoticeCase): string {
  const action = actOfNotice(subject);
  const label = action === 'ISSUE' ? '' : LICENSE_ACTS[action].label;
  return `${label}${rightOf(subject) ?? DECISIONS[subject.matter.powerType].noun}`;
}

function clausesOf(kind: NoticeKind, decision: NoticeContent['decision'], subject: NoticeCase): string[] {
  if (subject.matter.powerType !== 'LICENSE') return [PLAN];
  const law = kind === 'DECISION' ? groundsOf(subject, decision ?? 'REJECTED') : [LAW_CLAUSES[kind]];
  return [...law, PLAN];
}

/** Returns the county or city that an organ's name begins with, or null if it begins with none. */
export function placeOf(organ: OrganFact): string | null {
  return /^\p{Script=Han}{1,8}?[市县区旗](?=\p{Script=Han})/u.exec(organ.name)?.[0] ?? null;
}

function windowOf({ delegation }: NoticeCase, organ: OrganFact): string | null {
  const { accepts } = delegation;
  if (!accepts.window || accepts.organ !== organ.id) return null;
  return `${placeOf(organ) ?? ''}“市县同权”综合受理窗口`;
}

/** Returns a code as documents print it: a person's is masked, a company's is public. */
export const printedCodeOf = ({ codeKind, code }: Holder) => (isPersonKind(codeKind) ? maskCode(code) : code);

const addressTo = ({ applicant }: NoticeCase) => (isPersonKind(applicant.codeKind) ? '你' : '你单位');

/** Formats a day for a document: 2026年1月5日. */
export function printDay(day: Day): string {
  const [year, month, date] = day.split('-').map(Number);
  return `${year}年${month}月${date}日`;
}

function openingOf(draft: NoticeDraft, subject: NoticeCase): string[] {
  const receivedOn = dayOf(subject.steps[0]?.at ?? new Date(draft.issuedAt));
  const isApplicant = draft.addressee === subject.applicant.name;
  const applicationPhrase = `${isApplicant ? addressTo(subject) : subject.applicant.name}于${printDay(receivedOn)}提出的“${draft.matterName}”${applicationWord(subject, draft.matterName)}（办件编号：${draft.caseNumber}）`;
  const basis = `依据${draft.clauses.join('、')}`;
  const power = powerOf(subject);
  const { grants } = DECISIONS[subject.matter.powerType];
  switch (draft.kind) {
    case 'ACCEPTANCE':
      return [`${applicationPhrase}收悉。经审查，申请材料齐全、符合法定形式，${basis}，决定予以受理。`];
    case 'SUPPLEMENT':
      return [
        `${applicationPhrase}收悉。经审查，申请材料不齐全或者不符合法定形式，${basis}，现将需要补正的全部内容一次性告知如下。`,
      ];
    case 'REFUSAL':
      return [
        `${applicationPhrase}收悉。经审查，${basis}，决定不予受理。`,
        `不予受理的理由：${toSentence(draft.reason)}`,
      ];
    case 'DELIVERY':
      return [`${applicationPhrase}已经办结，${basis}，下列文书已送达。`];
    case 'DECISION': {
      if (draft.decision === 'REJECTED') {
        return [
          `${applicationPhrase}，经审查，${basis}，决定不予${power}。`,
          `不予${power}的理由：${toSentence(draft.reason)}`,
        ];
      }
      const grantSentence = `${applicationPhrase}，经审查，符合规定的条件、标准，${basis}，决定${grants}${power}。`;
      return draft.reason === null ? [grantSentence] : [grantSentence, `说明：${toSentence(draft.reason)}`];
    }
  }
}

/** Returns a reason as a complete sentence. */
function toSentence(reason: string | null): string {
  const text = reason ?? '';
  return /[。！？.!?]$/u.test(text) ? text : `${text}。`;
}

function closingOf(draft: NoticeDraft, subject: NoticeCase): string[] {
  switch (draft.kind) {
    case 'ACCEPTANCE':
      return [limitSentence(draft.limits), ...progressSentences(draft)];
    case 'SUPPLEMENT': {
      const until = draft.supplementBy === null ? '尽快' : `于${printDay(draft.supplementBy)}前（含当日）`;
      const place = draft.window ?? draft.organ.name;
      return [
        `请${until}将上述内容补正，一并提交至${place}。补正后申请材料齐全、符合法定形式的，依法予以受理；逾期未补正的，本次申请按未补正办结，${addressTo(subject)}可以重新提出申请。`,
        ...progressSentences(draft),
      ];
    }
    case 'DELIVERY':
      return ['受送达人或者代收人应当在本回证上签名或者盖章，注明收到日期；邮寄送达、电子送达的，附回执。'];
    case 'REFUSAL':
    case 'DECISION':
      return [remedySentence(draft, subject)];
  }
}

function progressSentences({ progress, caseNumber }: NoticeDraft): string[] {
  if (!progress) return [];
  return [`办理进度可以在 ${progress.url} 查询：办件编号 ${caseNumber}，查询码 ${progress.code}。`];
}

function limitSentence(limits: NoticeDraft['limits']): string {
  const { statutoryDays = null, promisedDays = null, dueOn = null } = limits ?? {};
  const parts = [
    statutoryDays === null ? null : `法定办结时限为${statutoryDays}个工作日`,
    promisedDays === null ? null : `承诺办结时限为${promisedDays}个工作日`,
  ].filter((part) => part !== null);
  if (parts.length === 0) return '办结时限按照法律、法规、规章的规定执行。';
  const due = dueOn === null ? '' : `，应于${printDay(dueOn)}前（含当日）办结`;
  return `自受理之日起，${parts.join('，')}${due}。听证、检验、检测、检疫、鉴定和专家评审所需时间不计算在内。`;
}

/** Returns the sentence on where and within what time the addressee may appeal (行政复议、行政诉讼). */
function remedySentence({ kind, title, organ }: NoticeDraft, subject: NoticeCase): string {
  const paper = title.endsWith('决定书') ? '本决定书' : '本通知书';
  const place = placeOf(organOf(subject, organ.id));
  const government = place === null ? `${organ.name}的本级人民政府` : `${place}人民政府`;
  return `如对${kind === 'DECISION' ? '本决定' : '不予受理决定'}不服，可以自收到${paper}之日起${REVIEW_TIME}内依法向${government}申请行政复议，也可以自收到${paper}之日起${SUIT_TIME}内依法直接向有管辖权的人民法院提起行政诉讼。`;
}
