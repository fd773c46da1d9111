import { type Actor, type Person, STAFF_ROLES } from '../kernel/actor.ts';
import { actsFor } from '../kernel/organ/place.ts';
import {
  catchRefusal,
  type Grant,
  type Place,
  type Policy,
  type PolicyRule,
  type ReadPolicy,
  requireAllowed,
} from '../kernel/policy.ts';
import { Refusal, type RefusalCode } from '../kernel/refusal.ts';
import type { Application, ApplicationKind } from './application/application.ts';
import { requireNotEnded, requireSuspended, type Seal, type SealState } from './seal.ts';

/** Who may do what with seals and with applications on them. */

/** A seal at the moment of the act. */
export interface SealSubject {
  seal: Seal;
  at: Date;
}

/** What an application is on. */
export interface AppliedSeal {
  /** The organ of an existing seal, or null if the seal is to be made. */
  organ: string | null;
  seal: Seal | null;
  at: Date;
}

/** The organ to which the seal belongs. */
const SEAL_ORGAN: Place<SealSubject> = {
  name: 'SEAL_ORGAN',
  includes: ({ seal }, person) => actsFor(person, seal.organ, null),
  refuse: () => new Refusal('SEAL_NOT_OF_ORGAN', 'seal'),
};

/** The organ to which the seal belongs; any organ for its own new seal. */
const APPLYING_ORGAN: Place<AppliedSeal> = {
  name: 'APPLYING_ORGAN',
  includes: ({ organ }, person) => (organ === null ? person.organ !== null : actsFor(person, organ, null)),
  refuse: (_, { organ }) =>
    organ === null ? new Refusal('ROLE_NOT_ALLOWED') : new Refusal('SEAL_NOT_OF_ORGAN', 'seal'),
};

/** The organ that an application is of. */
const APPLICATION_ORGAN: Place<Application> = {
  name: 'APPLICATION_ORGAN',
  includes: (application, person) => actsFor(person, application.organ, null),
  refuse: () => new Refusal('SEAL_NOT_OF_ORGAN', 'application'),
};

/** The person's own application. */
const OWN_APPLICATION: Place<Application> = {
  name: 'OWN_APPLICATION',
  includes: ({ appliedById }, { id }: Person) => id === appliedById,
  refuse: () => new Refusal('NOT_YOUR_RECORD', 'application'),
};

const KEEPER: Grant<SealSubject> = { roles: ['SEAL_KEEPER'], place: SEAL_ORGAN };

/** The refusal for a state of the seal, or null for a state that has none. */
const byState =
  (codes: Partial<Record<SealState, RefusalCode>>) =>
  ({ seal }: SealSubject) => {
    const code = codes[seal.state];
    return code === undefined ? null : new Refusal(code, 'seal');
  };
const isOver = ({ seal, at }: SealSubject) => seal.state === 'ENDED' || seal.validUntil < at;
const unlessOver = (subject: SealSubject) => (isOver(subject) ? new Refusal('SEAL_EXPIRED', 'seal') : null);
const onFile = byState({ ON_FILE: 'SEAL_ON_FILE', IN_USE: 'SEAL_ON_FILE', SUSPENDED: 'SEAL_ON_FILE' });
const notReady = byState({ MADE: 'SEAL_NOT_ON_FILE', SUSPENDED: 'SEAL_SUSPENDED' });
const needlessInUse = ({ seal }: SealSubject) => (seal.state === 'IN_USE' ? new Refusal('ACTION_DONE') : null);
const whileWaiting = ({ outcome }: Application) =>
  outcome === null ? null : new Refusal('SEAL_APPLICATION_DECIDED', 'application');

const SEAL_CLAUSE = '《电子印章管理办法》（国办发〔2025〕33号）';

const APPLICATION: PolicyRule<AppliedSeal> = {
  grants: [{ roles: ['SEAL_KEEPER'], place: APPLYING_ORGAN }],
  clause: SEAL_CLAUSE,
};
/** An application on a seal that stands as `requireState` says: checked now, and again with the approval. */
const onSeal = (requireState: (seal: Seal, at: Date) => void): PolicyRule<AppliedSeal> => ({
  ...APPLICATION,
  state: ({ seal, at }) => seal && catchRefusal(() => requireState(seal, at)),
});
const ON_LIVING_SEAL = onSeal(requireNotEnded);

type SealSubjects = Record<'suspendSeal' | 'fileSeal' | 'putSealIntoUse', SealSubject> &
  Record<
    | 'applyForSeal'
    | 'applyForSealGrant'
    | 'applyForSealGrantWithdrawal'
    | 'applyForSealEnd'
    | 'applyForSealRotation'
    | 'applyForSealResumption'
    | 'enterSealCertificate'
    | 'applyForSealPicture',
    AppliedSeal
  > &
  Record<'decideSealApplication' | 'withdrawSealApplication', Application>;

export const SEALS_POLICY: Policy<SealSubjects> = {
  /** 停用: one person is enough, because it is the safe direction. 恢复使用 takes two. */
  suspendSeal: {
    grants: [KEEPER],
    state: byState({
      MADE: 'SEAL_NOT_IN_USE',
      ON_FILE: 'SEAL_NOT_IN_USE',
      SUSPENDED: 'SEAL_SUSPENDED',
      ENDED: 'SEAL_SUSPENDED',
    }),
    clause: SEAL_CLAUSE,
  },
  /** 备案, once. */
  fileSeal: {
    grants: [KEEPER],
    state: (subject) => unlessOver(subject) ?? onFile(subject),
    clause: SEAL_CLAUSE,
  },
  /** 启用. Repeating it changes nothing. */
  putSealIntoUse: {
    grants: [KEEPER],
    state: (subject) => unlessOver(subject) ?? notReady(subject),
    needless: needlessInUse,
    clause: SEAL_CLAUSE,
  },
  applyForSeal: APPLICATION,
  applyForSealGrant: ON_LIVING_SEAL,
  applyForSealGrantWithdrawal: onSeal((seal) => {
    requireNotEnded(seal);
    if (seal.grants.length === 0) throw new Refusal('SEAL_NOT_GRANTED', 'grant');
  }),
  applyForSealEnd: ON_LIVING_SEAL,
  applyForSealRotation: ON_LIVING_SEAL,
  applyForSealResumption: onSeal(requireSuspended),
  enterSealCertificate: ON_LIVING_SEAL,
  applyForSealPicture: ON_LIVING_SEAL,
  /** 批准: by a second person of the organ (国办发〔2025〕33号). */
  decideSealApplication: {
    grants: [{ roles: ['SEAL_APPROVER'], place: APPLICATION_ORGAN }],
    state: (application, { id }) =>
      id === application.appliedById ? new Refusal('SECOND_PERSON_NEEDED', 'application') : whileWaiting(application),
    clause: SEAL_CLAUSE,
  },
  /** 撤回: by the keeper who applied. */
  withdrawSealApplication: {
    grants: [{ roles: ['SEAL_KEEPER'], place: OWN_APPLICATION }],
    state: whileWaiting,
    clause: SEAL_CLAUSE,
  },
};

/** The mutation that applies for each kind. */
export const APPLICATION_MUTATIONS = {
  MAKE: 'applyForSeal',
  GRANT: 'applyForSealGrant',
  WITHDRAW_GRANT: 'applyForSealGrantWithdrawal',
  END: 'applyForSealEnd',
  ROTATE: 'applyForSealRotation',
  RESUME: 'applyForSealResumption',
  CERTIFICATE: 'enterSealCertificate',
  PICTURE: 'applyForSealPicture',
} as const satisfies Record<ApplicationKind, keyof SealSubjects>;

const CERTIFICATE_REQUEST: PolicyRule<SealSubject> = {
  grants: [{ roles: ['SEAL_KEEPER', 'SEAL_APPROVER'], place: SEAL_ORGAN }],
  state: byState({ ENDED: 'SEAL_EXPIRED' }),
};

/**
 * Whether the actor may request a certificate for a seal: keeper or seal approver of its organ, and the seal has not
 * ended.
 */
export function mayRequestCertificate(subject: SealSubject, actor: Actor): boolean {
  return catchRefusal(() => requireAllowed(CERTIFICATE_REQUEST, subject, actor)) === null;
}

const OWN_RECORDS = { everything: ['AUDITOR'], ownOrgan: STAFF_ROLES } as const;

/** Who reads what. Seals themselves are open to everybody with a token. */
export const SEAL_READS = { sealUses: OWN_RECORDS, sealApplications: OWN_RECORDS } as const satisfies ReadPolicy;
