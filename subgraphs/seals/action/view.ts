import type { Actor } from '../../kernel/actor.ts';
import { answerAction } from '../../kernel/policy.ts';
import { SEALS_POLICY } from '../policy.ts';
import type { SealView } from '../view.ts';

/** Mutations on an existing seal, in the order of its life. */
const ON_SEAL = ['fileSeal', 'putSealIntoUse', 'suspendSeal'] as const;
const APPLIED_FOR = [
  ...(['applyForSealResumption', 'applyForSealGrant', 'applyForSealGrantWithdrawal', 'applyForSealRotation'] as const),
  ...(['enterSealCertificate', 'applyForSealPicture', 'applyForSealEnd'] as const),
];

/** What this caller may do with a seal now. The answers come from the rows that the mutations ask. */
export function viewSealActions({ stored: { seal } }: SealView, at: Date, actor: Actor) {
  const { organ } = seal;
  return [
    ...ON_SEAL.map((name) => answerAction(name, SEALS_POLICY[name], { seal, at }, actor)),
    ...APPLIED_FOR.map((name) => answerAction(name, SEALS_POLICY[name], { organ, seal, at }, actor)),
  ];
}
