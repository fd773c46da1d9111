import { type CoOwnership, parseShare } from '../../kernel/identity/co-ownership.ts';
import { normaliseHolderCode } from '../../kernel/identity/identity.ts';
import { toSubmittedMaterial } from '../material/resolvers.ts';
import { normalisePhone } from '../party/party.ts';
import { settleCase, toCommand } from '../reading/view.ts';
import type { AgentInput, ApplicationInput, ContactInput, CoOwnershipInput, Resolvers } from '../resolvers.gen.ts';
import * as reception from './reception-workflow.ts';
import type { Request } from './request.ts';
import { supplement } from './supplement-workflow.ts';

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
        const { fields = null, licenseNumber = null, note = null, holderConsent: consent = null } = input;
        const materials = input.materials.map(toSubmittedMaterial);
        const parties = { ...readParties(input), removesAgent: input.removesAgent };
        const changes = { fields, licenseNumber, materials, note, consent, ...parties };
        return supplement(deps, toCommand(actor, input), changes);
      }),
    closeUnsupplemented: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.closeUnsupplemented(deps, toCommand(actor, input))),
    refuseAcceptance: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.refuseAcceptance(deps, toCommand(actor, input), input.reason)),
    withdrawCase: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.withdraw(deps, toCommand(actor, input), input.reason)),
  } satisfies Resolvers['Mutation'];
}

function readRequest(input: ApplicationInput): Request {
  const { matter, fields, licenseNumber = null, situation: act = null, requestKey = null, dryRun } = input;
  const applicant = readIdentity(input.applicant);
  const coOwnership = readCoOwnership(input.coOwnership ?? null);
  const materials = input.materials.map(toSubmittedMaterial);
  const { reissuedSheets: sheets = null } = input;
  // An empty list names no sheets, as none does.
  const reissuedSheets = sheets === null || sheets.length === 0 ? null : sheets;
  const parties = readParties(input);
  const application = { applicant, coOwnership, fields, licenseNumber, act, reissuedSheets, ...parties };
  return { matterId: matter, application, materials, consent: input.holderConsent ?? null, requestKey, dryRun };
}

/** Returns a name with the code in its normal form. */
const readIdentity = <Input extends { code: string }>(input: Input) => ({
  ...input,
  code: normaliseHolderCode(input.code),
});

/** Returns agent and address for service with code and telephone numbers in their normal form. */
function readParties({ agent = null, contact = null }: { agent?: AgentInput | null; contact?: ContactInput | null }) {
  return {
    agent: agent && {
      ...readIdentity(agent),
      phone: normalisePhone(agent.phone),
      until: agent.until ?? null,
      acts: [...new Set(agent.acts)],
    },
    contact: contact && { ...contact, phone: normalisePhone(contact.phone), recipient: contact.recipient ?? null },
  };
}

/** Returns shares as they are kept. A text that is no share stays, so that it is refused in its place. */
function readCoOwnership(input: CoOwnershipInput | null): CoOwnership | null {
  if (input === null) return null;
  const read = (share: string | null = null) => (share === null ? null : (parseShare(share) ?? share));
  const coHolders = input.coHolders.map((one) => ({ ...readIdentity(one), share: read(one.share) }));
  return { kind: input.kind, share: read(input.share), coHolders };
}
