import { normaliseHolderCode } from '../../kernel/identity/identity.ts';
import { toSubmittedMaterial } from '../material/resolvers.ts';
import type { ApplicationInput, Resolvers } from '../resolvers.gen.ts';
import { settleCase, toCommand } from '../view.ts';
import * as reception from './reception-workflow.ts';

/** Mutations of the counter: receipt, acceptance, supplement, withdrawal. */
export function receptionMutations(deps: reception.ReceptionDependencies) {
  return {
    receiveApplication: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.receiveApplication(deps, actor, readRequest(input))),
    acceptCase: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.receiveAndAccept(deps, actor, readRequest(input))),
    acceptApplication: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.acceptApplication(deps, toCommand(actor, input))),
    askSupplement: (_, { input }, { actor }) =>
      settleCase(actor, () =>
        reception.askSupplement(deps, toCommand(actor, input), { items: input.items, until: input.until ?? null }),
      ),
    supplementCase: (_, { input }, { actor }) =>
      settleCase(actor, () => {
        const { fields = null, licenseNumber = null, note = null } = input;
        const materials = input.materials.map(toSubmittedMaterial);
        return reception.supplement(deps, toCommand(actor, input), { fields, licenseNumber, materials, note });
      }),
    closeUnsupplemented: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.closeUnsupplemented(deps, toCommand(actor, input))),
    refuseAcceptance: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.refuseAcceptance(deps, toCommand(actor, input), input.reason)),
    withdrawCase: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.withdraw(deps, toCommand(actor, input), input.reason)),
  } satisfies Resolvers['Mutation'];
}

function readRequest(input: ApplicationInput): reception.Request {
  const { matter, fields, licenseNumber = null, situation: act = null, requestKey = null, dryRun } = input;
  const applicant = { ...input.applicant, code: normaliseHolderCode(input.applicant.code) };
  const materials = input.materials.map(toSubmittedMaterial);
  return { matterId: matter, application: { applicant, fields, licenseNumber, act }, materials, requestKey, dryRun };
}
