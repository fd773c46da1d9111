import type { DelegationFact } from '../../kernel/events/events.ts';
import { LICENSE_ACTS, type LicenseAction } from '../../kernel/license-acts.ts';

/**
 * What a decision on an act of a license rests on and is called. A row for each act: a new act has none until somebody
 * names its law.
 */

/** What the law says of an act that a granted case ends in. */
interface DecisionGround {
  /** The article that a grant cites, after the law that the matter rests on. Null: that law alone. */
  grant: string | null;
  /** Those that a refusal cites: the act's own, and the duty to give reasons. */
  refusal: readonly string[];
  /** Whether the articles are the usual ones and no text names them for this act: the office checks them. */
  sample: boolean;
}

const law = (article: string) => `《中华人民共和国行政许可法》${article}`;
/** 不予行政许可的书面决定: reasons, and where to appeal. */
const REASONS = law('第三十八条第二款');

/** 中华人民共和国行政许可法 (2019), unless another law is named. */
const DECISION_GROUNDS: Readonly<Record<LicenseAction, DecisionGround>> = {
  ISSUE: { grant: law('第三十八条第一款'), refusal: [REASONS], sample: false },
  CHANGE: { grant: law('第四十九条'), refusal: [law('第四十九条'), REASONS], sample: false },
  RENEW: { grant: law('第五十条第二款'), refusal: [law('第五十条第二款'), REASONS], sample: false },
  // The paper is handed out again: 颁发行政许可证件.
  REISSUE: { grant: law('第三十九条第一款'), refusal: [law('第三十九条第一款'), REASONS], sample: true },
  // Only exploration rights are retained in the plan.
  RETAIN: {
    grant: '《矿产资源勘查区块登记管理办法》第二十一条',
    refusal: ['《矿产资源勘查区块登记管理办法》第二十一条', REASONS],
    sample: true,
  },
  // 依照法定条件和程序可以转让的: which ones says the law of the matter.
  TRANSFER: { grant: law('第九条'), refusal: [law('第九条'), REASONS], sample: false },
  CORRECT: { grant: law('第三十九条第一款'), refusal: [law('第三十九条第一款'), REASONS], sample: true },
  CANCEL: { grant: law('第七十条'), refusal: [law('第七十条'), REASONS], sample: false },
};

/** The part of a case that says which act on a license it is for. */
interface ActOnLicense {
  act: LicenseAction | null;
  delegation: Pick<DelegationFact, 'licenseAction'>;
}

/** Returns the act on a license that a case is for. A case that ends in no license asks for a new right too. */
export function actOfNotice({ act, delegation }: ActOnLicense): LicenseAction {
  return act ?? delegation.licenseAction ?? 'ISSUE';
}

/** Returns the articles that a decision cites after the law of its matter. */
export function groundsOf(subject: ActOnLicense, decision: 'GRANTED' | 'REJECTED'): readonly string[] {
  const { grant, refusal } = DECISION_GROUNDS[actOfNotice(subject)];
  if (decision === 'REJECTED') return refusal;
  return grant === null ? [] : [grant];
}

/** Returns how an application is called: 申请, or 延续申请 where its matter's name does not say so. */
export function applicationWord(subject: ActOnLicense, matterName: string): string {
  const action = actOfNotice(subject);
  const { label } = LICENSE_ACTS[action];
  return action === 'ISSUE' || matterName.includes(label) ? '申请' : `${label}申请`;
}

/** The longest name of a right in the name of a sub-item: 探矿权, 建设用地使用权. */
const MAX_RIGHT_CHARS = 7;

/**
 * Returns what a decision grants by its act: 探矿权 where the sub-item is 探矿权转让审批, else null. A right is retained and
 * transferred, not a license.
 */
export function rightOf(subject: ActOnLicense & { matter: { subItem: string | null } }): string | null {
  const { subItem } = subject.matter;
  const right = subItem?.split(LICENSE_ACTS[actOfNotice(subject)].label)[0] ?? '';
  return subItem !== right && right.endsWith('权') && [...right].length <= MAX_RIGHT_CHARS ? right : null;
}
