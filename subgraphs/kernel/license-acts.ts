/**
 * The one table of acts on a license. State machine, signer, resolvers, `actions`, the library's codes and the audit
 * derive from it; `test/licenses/license-acts.test.ts` compares what cannot derive. To add an act, add a row here.
 */

/** States that acts make. The stored state of a version is one of them. */
export const LICENSE_STATES = [
  'VALID',
  'SUSPENDED',
  'SUPERSEDED',
  'LAPSED',
  'RESCINDED',
  'WITHDRAWN',
  'REVOKED',
  'CANCELLED',
] as const;
export type LicenseState = (typeof LICENSE_STATES)[number];

/** States on a day: what the acts made, and what the period of validity makes of it (`stateOn`). */
export const VALIDITY_STATES = [...LICENSE_STATES, 'NOT_YET_VALID'] as const;
export type ValidityState = (typeof VALIDITY_STATES)[number];

/** States in the words of the counter. The public page and the reference library say the same. */
export const LICENSE_STATE_LABELS: Readonly<Record<ValidityState, string>> = {
  VALID: '有效',
  SUSPENDED: '暂扣',
  SUPERSEDED: '已被新版本取代',
  LAPSED: '失效',
  RESCINDED: '撤销',
  WITHDRAWN: '撤回',
  REVOKED: '吊销',
  CANCELLED: '注销',
  NOT_YET_VALID: '未到生效日',
};

/** Stored states in force. Time may end a version in one of them. */
export const IN_FORCE = ['VALID', 'SUSPENDED'] as const;
/** States in force, and the one before the first day. */
const LIVE = [...IN_FORCE, 'NOT_YET_VALID'] as const;

/** Whether a version in this state is in force or may come into force. Paper of any other must be recalled. */
export function isLive(state: ValidityState): boolean {
  return (LIVE as readonly ValidityState[]).includes(state);
}

/** One row of the table. */
export type LicenseActRule = LicenseActColumns & (VersionColumns | StatementColumns);

interface LicenseActColumns {
  /**
   * States of the current version, on the day of the act, from which it may start. Empty for the act that makes the
   * first version. After the last day of a license (LAPSED), only what this column names may still be done.
   */
  from: readonly ValidityState[];
  /** The state of the current version afterwards; if the act makes a new version, the state of the earlier one. */
  to: LicenseState;
  label: string;
  /** The clause of the plan or the law on which the act rests without a case. */
  clause: string;
  /** Code of the act in the library's code list `tongquan-1`. */
  wireCode: string;
  /** Its code for a library that speaks version 1 only, if that version's list lacks the act. */
  firstWireCode?: string;
  /** Whether it is possible with a license of every type (办理情形), whatever acts the type names. */
  ofEveryType?: boolean;
  /** Whether it is only possible with a license of a type that has a term (有效期). */
  needsTerm?: boolean;
}

/** What an act does to the paper: new sheets and the earlier ones recalled, or lost and void; recall only; nothing. */
export type PaperMove = 'NEW_SHEET' | 'REPLACE_LOST' | 'RECALL' | 'NONE';
type NewSheetMove = Extract<PaperMove, 'NEW_SHEET' | 'REPLACE_LOST'>;
export type CaseNeed = 'REQUIRED' | 'OPTIONAL' | 'NEVER';

/**
 * What an act does to the period of validity. BEGINS: a new one. EXTENDS: the decision may name a later last day.
 * CORRECTS: it may name the days as they should have been. KEEPS: nothing.
 */
export type PeriodMove = 'BEGINS' | 'EXTENDS' | 'CORRECTS' | 'KEEPS';

/** An act that makes a new document, and so a new version on a new sheet of paper. Only a granted case ends in it. */
interface VersionColumns extends SealRule {
  makesVersion: true;
  /** Whether the case may change the lines of the license (制证信息), or the new version repeats them. */
  changesLines: boolean;
  /** What the act does to the period of validity. */
  period: PeriodMove;
  /**
   * When the new version takes the place of the earlier ones: AT_ONCE, whatever its period, or on its FIRST_DAY if that
   * is still to come. Until then the earlier one stays in force.
   */
  takesOver: 'AT_ONCE' | 'FIRST_DAY';
  /** Whether what it replaces unserved is served with it: the same decision, put right. */
  servesReplaced?: boolean;
  /** Whether it gives the license to another holder: its applicant is not the holder, who has to consent. */
  changesHolder?: boolean;
  attestedBy: 'SEAL';
  paper: NewSheetMove;
  case: Extract<CaseNeed, 'REQUIRED'>;
  authorisedBy: null;
}

/** An act that a statement records: on the organ's own authority, or by a case as well, or of no person. */
type StatementColumns = { makesVersion: false; paper: Exclude<PaperMove, NewSheetMove> } & (
  | (PreparationColumns & { case: Exclude<CaseNeed, 'REQUIRED'>; authorisedBy: 'APPROVER'; attestedBy: 'SEAL' })
  // Nobody decides it, so only the register can state it.
  | { case: Extract<CaseNeed, 'NEVER'>; authorisedBy: null; attestedBy: 'REGISTER' }
);

/** Who prepares an act on the organ's own authority for the approver, and what the law asks for before it. */
interface PreparationColumns {
  preparedBy: 'REVIEWER';
  /** Whether the number of the written decision (决定文号) is required. */
  needsDecision: boolean;
  hearing: HearingNeed;
}

/**
 * What the law grants the holder before an act: to be offered a hearing (听证, 行政处罚法 art. 63), to state their case
 * (陈述、申辩, 行政许可法 art. 7, 行政处罚法 art. 45), or nothing, because the act takes nothing from them or follows by law.
 */
export type HearingNeed = 'HEARING' | 'STATEMENT' | 'NONE';

/** What the signer must know of an act to seal it. */
export interface SealRule {
  /** Whether a granted case (准予的办件) is needed. The signer seals nothing that this column does not allow. */
  case: CaseNeed;
  /**
   * Who authorises the seal without a case. The decider authorises it if there is one. Null: nobody, so nothing is
   * sealed.
   */
  authorisedBy: 'APPROVER' | null;
  /**
   * What the act is signed with. SEAL: an organ decided it, and it bears that organ's seal. REGISTER: a clerk or the
   * register states it, and the register's key signs it in the closed form of `registerStatement`. The signer seals
   * nothing else than SEAL.
   */
  attestedBy: 'SEAL' | 'REGISTER';
}

/** The clause of every act that a granted case ends in. */
export const CASE_ACT_CLAUSE = '实施方案三.7（电子证照与实体证照同步制发、变更和注销）';

/** Columns of an act that a granted case ends in and that makes a new version. */
const NEW_VERSION = {
  from: ['VALID', 'NOT_YET_VALID'],
  to: 'SUPERSEDED',
  makesVersion: true,
  changesLines: true,
  period: 'KEEPS',
  takesOver: 'AT_ONCE',
  paper: 'NEW_SHEET',
  case: 'REQUIRED',
  authorisedBy: null,
  attestedBy: 'SEAL',
  clause: CASE_ACT_CLAUSE,
} as const;
/** Columns of an act by which the issuing organ changes the state on its own authority: by two persons, by seal. */
const OWN_AUTHORITY = {
  makesVersion: false,
  case: 'NEVER',
  authorisedBy: 'APPROVER',
  preparedBy: 'REVIEWER',
  attestedBy: 'SEAL',
} as const;
/** Columns of an act that nobody decides and the register states. */
const STATED = { makesVersion: false, case: 'NEVER', authorisedBy: null, attestedBy: 'REGISTER' } as const;
/** Columns of an act that takes a right away. */
const ADVERSE = { needsDecision: true, hearing: 'STATEMENT' } as const;
/** Columns of an act that takes nothing away, or enters what has ended by law. */
const NOT_ADVERSE = { needsDecision: false, hearing: 'NONE' } as const;
/** Columns of an act that ends the license on the organ's own authority. */
const ENDING = { ...OWN_AUTHORITY, from: LIVE, paper: 'RECALL' } as const;

/** Acts on a license: what a granted case ends in, suspension, restoration and the endings; `Act` in GraphQL. */
export const LICENSE_ACTS = {
  ISSUE: { ...NEW_VERSION, period: 'BEGINS', from: [], to: 'VALID', label: '制发', wireCode: 'ISSUE' },
  // A license on paper, as its issuer's ledger has it (存量证照): two persons took the ledger over, and it has no document.
  REGISTER: {
    ...{ ...STATED, from: [], to: 'VALID', paper: 'NONE' },
    ...{ label: '存量登记', clause: CASE_ACT_CLAUSE, wireCode: 'REGISTER' },
  },
  CHANGE: { ...NEW_VERSION, label: '变更', wireCode: 'CHANGE' },
  // What has not begun is not renewed. What is suspended is, and stays so. The old term ends first (行政许可法第五十条).
  RENEW: {
    ...NEW_VERSION,
    period: 'BEGINS',
    from: ['VALID', 'SUSPENDED'],
    takesOver: 'FIRST_DAY',
    needsTerm: true,
    label: '延续',
    wireCode: 'RENEW',
  },
  REISSUE: { ...NEW_VERSION, changesLines: false, paper: 'REPLACE_LOST', label: '补发', wireCode: 'REISSUE' },
  // The list has no code for a retained right (保留). The library collects a change, and the record says which.
  RETAIN: { ...NEW_VERSION, period: 'EXTENDS', label: '保留', wireCode: 'CHANGE' },
  TRANSFER: { ...NEW_VERSION, changesHolder: true, label: '转让', wireCode: 'TRANSFER' },
  // Mends a clerical error and changes nothing in substance. It is the issuer's duty, whatever the type says.
  CORRECT: {
    ...NEW_VERSION,
    period: 'CORRECTS',
    servesReplaced: true,
    ofEveryType: true,
    label: '更正',
    wireCode: 'CORRECT',
    firstWireCode: 'CHANGE',
  },
  SUSPEND: {
    ...OWN_AUTHORITY,
    ...ADVERSE,
    from: ['VALID', 'NOT_YET_VALID'],
    to: 'SUSPENDED',
    paper: 'NONE',
    label: '暂扣',
    clause: '行政处罚法第九条（暂扣许可证件）',
    wireCode: 'SUSPEND',
  },
  RESTORE: {
    ...OWN_AUTHORITY,
    ...NOT_ADVERSE,
    from: ['SUSPENDED'],
    to: 'VALID',
    paper: 'NONE',
    label: '恢复',
    clause: '行政处罚法第九条（暂扣期满或事由消除）',
    wireCode: 'RESTORE',
  },
  // Time ends a license by itself (行政许可法第七十条第一项). Nobody decides it, so no seal is used.
  LAPSE: {
    ...{ ...STATED, from: IN_FORCE, to: 'LAPSED', paper: 'RECALL' },
    ...{ label: '失效', clause: '行政许可法第七十条', wireCode: 'LAPSE' },
  },
  RESCIND: {
    ...ENDING,
    ...ADVERSE,
    to: 'RESCINDED',
    label: '撤销',
    clause: '行政许可法第六十九条',
    wireCode: 'RESCIND',
  },
  WITHDRAW: {
    ...ENDING,
    ...ADVERSE,
    to: 'WITHDRAWN',
    label: '撤回',
    clause: '行政许可法第八条',
    wireCode: 'WITHDRAW',
  },
  REVOKE: {
    ...ENDING,
    ...ADVERSE,
    hearing: 'HEARING',
    to: 'REVOKED',
    label: '吊销',
    clause: '行政处罚法第九条（吊销许可证件）',
    wireCode: 'REVOKE',
  },
  // 行政许可法 art. 70: entered in the register, also after lapse, rescission, withdrawal and revocation.
  CANCEL: {
    ...ENDING,
    ...NOT_ADVERSE,
    from: [...LIVE, 'LAPSED', 'RESCINDED', 'WITHDRAWN', 'REVOKED'],
    to: 'CANCELLED',
    case: 'OPTIONAL',
    label: '注销',
    clause: '行政许可法第七十条',
    wireCode: 'CANCEL',
  },
} as const satisfies Readonly<Record<string, LicenseActRule>>;

type Table = typeof LICENSE_ACTS;
export type Act = keyof Table;
/** Acts that a granted case may end in. */
export type LicenseAction = { [Name in Act]: Table[Name]['case'] extends 'NEVER' ? never : Name }[Act];
/** Acts that make a new version. */
export type VersionAct = { [Name in Act]: Table[Name]['makesVersion'] extends true ? Name : never }[Act];
/** Acts on the issuing organ's own authority, without a case: a reviewer prepares them, an approver does them. */
export type OwnAct = { [Name in Act]: Table[Name]['authorisedBy'] extends 'APPROVER' ? Name : never }[Act];

/** Acts that somebody does: a granted case ends in them, or a reviewer prepares them. Each has a mutation. */
export type PersonAct = LicenseAction | OwnAct;
/** Acts that either a granted case ends in, or the organ does on its own authority. */
export type EitherAct = LicenseAction & OwnAct;

/** A list of names as zod and GraphQL need it: never empty. */
type Names<Name> = readonly [Name, ...Name[]];
const namesOf = (keep: (rule: LicenseActRule) => boolean) =>
  (Object.keys(LICENSE_ACTS) as Act[]).filter((act) => keep(LICENSE_ACTS[act]));

export const ACTS = namesOf(() => true) as unknown as Names<Act>;
export const LICENSE_ACTIONS = namesOf((rule) => rule.case !== 'NEVER') as unknown as Names<LicenseAction>;
export const VERSION_ACTS = namesOf((rule) => rule.makesVersion) as unknown as Names<VersionAct>;
/** Acts that suspend a license. */
export const SUSPENDING_ACTS = ACTS.filter((act) => LICENSE_ACTS[act].to === 'SUSPENDED');
export const OWN_ACTS = namesOf((rule) => rule.authorisedBy === 'APPROVER') as unknown as Names<OwnAct>;
export const PERSON_ACTS = [...new Set<PersonAct>([...LICENSE_ACTIONS, ...OWN_ACTS])] as unknown as Names<PersonAct>;
export const EITHER_ACTS = namesOf((rule) => rule.case === 'OPTIONAL') as unknown as Names<EitherAct>;

/** Acts that a supervisor may order (监管指令). */
export const ORDERED_ACTS = ['SUSPEND', 'RESTORE', 'REVOKE'] as const satisfies readonly OwnAct[];
export type OrderedAct = (typeof ORDERED_ACTS)[number];

/** Everything that is signed: acts on a license, what the register notes of one, decision documents and notices. */
export const SIGNED_ACTS = {
  ...LICENSE_ACTS,
  SPOIL: { case: 'NEVER', authorisedBy: null, attestedBy: 'REGISTER' },
  HOLD: { case: 'NEVER', authorisedBy: null, attestedBy: 'REGISTER' },
  RELEASE: { case: 'NEVER', authorisedBy: null, attestedBy: 'REGISTER' },
  DECISION: { case: 'REQUIRED', authorisedBy: null, attestedBy: 'SEAL' },
  NOTICE: { case: 'REQUIRED', authorisedBy: null, attestedBy: 'SEAL' },
} as const satisfies Readonly<Record<string, SealRule>>;
type SignedTable = typeof SIGNED_ACTS;
export type SignedAct = keyof SignedTable;
/** Everything that a seal may be put onto. */
export type SealedAct = {
  [Name in SignedAct]: SignedTable[Name]['attestedBy'] extends 'SEAL' ? Name : never;
}[SignedAct];
/** What the register's key signs instead. */
export type RegisterAct = Exclude<SignedAct, SealedAct>;
const signedNamesOf = (by: SealRule['attestedBy']) =>
  (Object.keys(SIGNED_ACTS) as SignedAct[]).filter((act) => SIGNED_ACTS[act].attestedBy === by);
export const SEALED_ACT_NAMES = signedNamesOf('SEAL') as unknown as Names<SealedAct>;
export const REGISTER_ACT_NAMES = signedNamesOf('REGISTER') as unknown as Names<RegisterAct>;

/**
 * Whether an act may be sealed with or without a case. An allow-list: an act that `acts` does not name is not sealed,
 * nor what the register attests, and without a case only what somebody may authorise without one.
 */
export function maySeal(
  act: string,
  hasCase: boolean,
  acts: Readonly<Record<string, SealRule | undefined>> = SIGNED_ACTS,
): boolean {
  const rule = Object.hasOwn(acts, act) ? acts[act] : undefined;
  if (rule?.attestedBy !== 'SEAL') return false;
  return hasCase ? rule.case !== 'NEVER' : rule.case !== 'REQUIRED' && rule.authorisedBy !== null;
}

/** Whether a seal is put onto an act, and not the register's signature. */
export function isSealed(act: SignedAct): act is SealedAct {
  return SIGNED_ACTS[act].attestedBy === 'SEAL';
}

/** Whether an act makes a new version. SPOIL, DECISION and NOTICE make none. */
export function makesVersion(act: SignedAct): act is VersionAct {
  return (VERSION_ACTS as readonly string[]).includes(act);
}

/** Whether an act changes lines of the license. */
export function changesLines(act: Act): boolean {
  return makesVersion(act) && LICENSE_ACTS[act].changesLines;
}

/** Whether the version that an act makes takes the place of the earlier one on its first day, and not at once. */
export function takesOverOnFirstDay(act: Act): boolean {
  return makesVersion(act) && LICENSE_ACTS[act].takesOver === 'FIRST_DAY';
}

/** Returns what an act does to the period of validity. */
export function periodMove(act: Act): PeriodMove {
  return makesVersion(act) ? LICENSE_ACTS[act].period : 'KEEPS';
}
/** Whether an act gives a license a new period of validity. */
export const beginsPeriod = (act: Act): boolean => periodMove(act) === 'BEGINS';

/** Whether an act makes a sheet of paper that somebody must deliver. */
export const makesSheet = (act: Act): boolean => LICENSE_ACTS[act].makesVersion;

/** Whether an act declares the sheets at the holder lost and void (遗失作废), instead of recalling them. */
export const voidsLostSheets = (act: Act): boolean => LICENSE_ACTS[act].paper === 'REPLACE_LOST';

/** Whether an act takes the sheet of the current version out of use. An issue is the first version: there is none. */
export function endsSheet(act: Act): boolean {
  const { paper, from }: LicenseActRule = LICENSE_ACTS[act];
  return paper !== 'NONE' && from.length > 0;
}

/** The reason in the sealed statement of an act that a case ended in. */
export function caseStatementReason(act: LicenseAction): string {
  return `依申请${LICENSE_ACTS[act].label}`;
}

/** Whether an act gives a license to another holder: its applicant is not the holder, who has to consent. */
export function changesHolder(act: Act): boolean {
  const rule: LicenseActRule = LICENSE_ACTS[act];
  return rule.makesVersion && rule.changesHolder === true;
}

/** Whether a decision that was never served is served with the act that replaced it. */
export function servesReplaced(act: Act): boolean {
  const rule: LicenseActRule = LICENSE_ACTS[act];
  return rule.makesVersion && rule.servesReplaced === true;
}

/** Whether the state of a license on a day allows an act. An issue makes the first version, so no state allows it. */
export function isActAllowed(act: Act, state: ValidityState): boolean {
  return (LICENSE_ACTS[act].from as readonly ValidityState[]).includes(state);
}
