import { GraphQLDateTime, GraphQLLocalDate } from 'graphql-scalars';
import type { Database } from '../../db/client.ts';
import { type Actor, hasRole } from '../kernel/actor.ts';
import type { Assignment, DelegationFact } from '../kernel/events.ts';
import { maskCode } from '../kernel/identifier.ts';
import { readPage, toConnection } from '../kernel/page.ts';
import { Refusal } from '../kernel/refusal.ts';
import { type GraphContext, loader, requirePerson, settle, viewRefusal } from '../kernel/serve.ts';
import { type Case, type CaseActionName, clauseOf, maySee, permissions } from './case.ts';
import { materialResolvers, readMaterial } from './material/resolvers.ts';
import type { MaterialDependencies } from './material/workflow.ts';
import type { Assignment as AssignmentView, Delegation as DelegationView, Resolvers } from './resolvers.gen.ts';
import * as store from './store.ts';
import * as workflow from './workflow.ts';

export function caseResolvers(dependencies: workflow.WorkflowDependencies & MaterialDependencies): Resolvers {
  const { db } = dependencies;
  const materials = materialResolvers(dependencies);
  return {
    Date: GraphQLLocalDate,
    DateTime: GraphQLDateTime,
    Query: {
      ...materials.Query,
      cases: async (_, args, { actor }) => {
        const person = requirePerson(actor);
        const page = readPage(args, ([serial]) => (/^\d{1,15}$/.test(serial ?? '') ? Number(serial) : null));
        const { step, matter, closed } = args.filter ?? {};
        const filter = { step: step ?? null, matter: matter ?? null, closed: closed ?? null };
        const found = await store.listCases(db, person, filter, page);
        return toConnection(
          found,
          (row) => [String(row.serial)],
          (row) => viewCase(row.subject, person),
        );
      },
      case: async (_, { id }, context) => findVisible(db, context, id),
    },
    Mutation: {
      ...materials.Mutation,
      acceptCase: (_, { input }, { actor }) =>
        settleCase(actor, () =>
          workflow.accept(dependencies, actor, input.matter, {
            materials: (input.materials ?? []).map(readMaterial),
            applicant: input.applicant,
            fields: input.fields ?? [],
            licenseNumber: input.licenseNumber ?? null,
          }),
        ),
      examineCase: (_, { input }, { actor }) =>
        settleCase(actor, () =>
          workflow.examine(dependencies, actor, input.case, input.finding, input.opinion ?? null),
        ),
      forwardCase: (_, { input }, { actor }) =>
        settleCase(actor, () => workflow.forward(dependencies, actor, input.case, input.note ?? null)),
      decideCase: (_, { input }, { actor }) =>
        settleCase(actor, () =>
          workflow.decideCase(dependencies, actor, input.case, {
            decision: input.decision,
            reason: input.reason ?? null,
            authoriseSeal: input.authoriseSeal ?? false,
            validFrom: input.validFrom ?? null,
          }),
        ),
      recordAgreement: (_, { input }, { actor }) => {
        requirePerson(actor);
        return settle(async () => {
          await workflow.recordAgreement(dependencies, actor, { ...input, validTo: input.validTo ?? null });
          const { cityOrgan, countyOrgan } = input;
          return { agreement: { ...input, cityOrgan: { id: cityOrgan }, countyOrgan: { id: countyOrgan } } };
        });
      },
    },
    Case: { ...materials.Case, __resolveReference: ({ id }, context) => findVisible(db, context, id) },
  };
}

/** A person's mutation on a case; without a token it is a fault, not a refusal. */
function settleCase(actor: Actor, run: () => Promise<Case>) {
  const person = requirePerson(actor);
  return settle(async () => ({ case: viewCase(await run(), person) }));
}

/** A case that the caller may see, else null: nobody learns that it exists. */
async function findVisible(db: Database, context: GraphContext, id: string) {
  const person = requirePerson(context.actor);
  const found = await loader<store.StoredCase>(context, 'cases', (ids) => store.findCases(db, ids)).load(id);
  if (!found) return null;
  const { subject, parties, window } = found;
  return maySee(person, { applicantCode: subject.applicant.code, parties, window }) ? viewCase(subject, person) : null;
}

function viewCase(subject: Case, actor: Actor) {
  const own = actor.kind === 'person' && actor.holderCode === subject.applicant.code;
  return {
    id: subject.id,
    number: subject.number,
    matter: { id: subject.matter.matterId },
    applicant: { ...subject.applicant, code: own ? subject.applicant.code : maskCode(subject.applicant.code) },
    delegation: viewDelegation(subject.delegation),
    step: subject.step,
    result: subject.result,
    steps: subject.steps.map((record) => ({
      ...record,
      // An applicant learns which organ acted; its people are known inside the offices only.
      actor: own && !hasRole(actor, 'AUDITOR') && record.organ !== null ? '经办人员' : record.actor,
      organ: record.organ === null ? null : { id: record.organ },
    })),
    actions: (Object.keys(permissions) as CaseActionName[]).map((name) => viewAction(subject, actor, name)),
  };
}

function viewAction(subject: Case, actor: Actor, name: CaseActionName) {
  const clause = clauseOf(name, subject.delegation);
  try {
    permissions[name](subject, actor);
    return { name, allowed: true, clause };
  } catch (error) {
    if (error instanceof Refusal) return { name, allowed: false, refusal: viewRefusal(error), clause };
    throw error;
  }
}

function viewDelegation(fact: DelegationFact): DelegationView {
  const { mode, validFrom, validTo, accepts, examines, decides, seals, liable, supervises } = fact;
  return {
    mode,
    validFrom,
    validTo,
    accepts: viewAssignment(accepts),
    examines: viewAssignment(examines),
    decides: viewAssignment(decides),
    seals: viewAssignment(seals),
    liable: viewAssignment(liable),
    supervises: viewAssignment(supervises),
  };
}

function viewAssignment({ organ, second, window, reason }: Assignment): AssignmentView {
  return {
    organ: organ === null ? null : { id: organ },
    second: second === null ? null : { id: second },
    window,
    reason,
  };
}
