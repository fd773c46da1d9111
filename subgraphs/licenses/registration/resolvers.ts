import { type GraphContext, getLoader, mayRead, requirePerson, requireReadScope } from '../../kernel/http/context.ts';
import { mutate, toRefusalFields } from '../../kernel/http/errors.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { LICENSE_READS } from '../policy.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { isRegistered } from './record.ts';
import {
  findFiles,
  findProgress,
  listRegistrations,
  REGISTRATION_ORDER,
  registrationStore,
  type StoredRegistration,
} from './store.ts';
import { viewLedger, viewLedgerActions, viewRegistration } from './view.ts';
import {
  decideRegistration,
  proposeRegistration,
  type RegistrationDependencies,
  withdrawRegistration,
} from './workflow.ts';

/** The fields of a payload that cannot be null. */
const NOTHING = { problems: [], notes: [] };

/** Resolvers of ledgers of existing paper (存量证照台账), and of what a license tells of its entry from one. */
export function registrationResolvers(deps: RegistrationDependencies) {
  const { db } = deps;
  const loadProgress = (context: GraphContext, id: string) =>
    getLoader<{ entered: number; doneAt: Date | null }>(context, 'registration progress', async (ids) => {
      const byId = await findProgress(db, ids);
      return ids.map((one) => byId.get(one) ?? null);
    }).load(id);
  return {
    Query: {
      registrations: async (_, args, { actor }) => {
        const message = '存量证照台账只供发证机关审查人、审批人和审计人员查阅。';
        const scope = requireReadScope(LICENSE_READS.registrations, actor, message);
        const { state = null } = args.filter ?? {};
        const page = await listRegistrations(db, scope, state, readPage(args, REGISTRATION_ORDER));
        return toConnection(page, REGISTRATION_ORDER, viewLedger);
      },
    },
    Mutation: registrationMutations(deps),
    License: {
      origin: ({ stored }) => (isRegistered(stored.version.record) ? 'REGISTERED' : 'ISSUED'),
      registration: ({ stored }) => viewRegistration(stored.version.record),
    },
    Registration: {
      __resolveReference: async ({ id }, context) => {
        const stored = await getLoader<StoredRegistration>(context, 'registrations', (ids) =>
          registrationStore.findAll(db, ids),
        ).load(id);
        return stored && mayRead(LICENSE_READS.registrations, context.actor, [stored.organ])
          ? viewLedger(stored)
          : null;
      },
      file: async ({ id }, _, context) => {
        const file = await getLoader<Uint8Array>(context, 'registration files', async (ids) => {
          const byId = await findFiles(db, ids);
          return ids.map((one) => byId.get(one) ?? null);
        }).load(id);
        if (!file) throw new Error(`no file of registration ${id}`);
        return Buffer.from(file).toString('base64');
      },
      entered: async ({ id }, _, context) => (await loadProgress(context, id))?.entered ?? null,
      enteredAt: async ({ id }, _, context) => (await loadProgress(context, id))?.doneAt ?? null,
      actions: (ledger, _, { actor }) => viewLedgerActions(ledger, actor),
    },
  } satisfies Resolvers;
}

/** Mutations of ledgers: one person proposes or withdraws one, another one decides. */
function registrationMutations(deps: RegistrationDependencies) {
  return {
    proposeRegistration: async (_, { input }, { actor }) => {
      const person = requirePerson(actor);
      const payload = await mutate(async () => {
        const { matter, dryRun } = input;
        const result = await proposeRegistration(deps, person, { matter, bytes: readBase64(input.file), dryRun });
        const { registration, lines, problems, notes } = result;
        return { registration: registration && viewLedger(registration), lines, problems, notes };
      }, NOTHING);
      if (payload.refusal !== null || payload.problems.length === 0) return payload;
      return { ...payload, ...toRefusalFields(new Refusal('IMPORT_NOT_DONE', 'file')) };
    },
    decideRegistration: (_, { input }, { actor }) => {
      const person = requirePerson(actor);
      const decision = { ...input, proposal: input.registration, reason: input.reason ?? null };
      return mutate(async () => {
        const registration = viewLedger(await decideRegistration(deps, person, decision));
        return { ...NOTHING, registration, lines: null };
      }, NOTHING);
    },
    withdrawRegistration: (_, { input }, { actor }) => {
      const person = requirePerson(actor);
      return mutate(async () => {
        const registration = viewLedger(await withdrawRegistration(deps, person, input));
        return { ...NOTHING, registration, lines: null };
      }, NOTHING);
    },
  } satisfies Resolvers['Mutation'];
}

/** Decodes canonical base64 with padding. Refuses LEDGER_UNREADABLE. */
function readBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== text) throw new Refusal('LEDGER_UNREADABLE', 'file');
  return bytes;
}
