import { GraphQLDateTime, GraphQLLocalDate } from 'graphql-scalars';
import type { Database } from '../../db/client.ts';
import { type Actor, hasRole, type Person } from '../kernel/actor.ts';
import type { Act } from '../kernel/events.ts';
import { requireLicenseIdentifier } from '../kernel/identifier.ts';
import { readPage, toConnection } from '../kernel/page.ts';
import { Refusal } from '../kernel/refusal.ts';
import { forbidden, type GraphContext, loader, requirePerson, settle } from '../kernel/serve.ts';
import { readFeed, readPosition } from './feed.ts';
import * as handover from './handover.ts';
import * as issue from './issue.ts';
import type { OwnAct } from './license.ts';
import * as store from './store.ts';
import * as view from './view.ts';

const readSerial = ([serial]: readonly string[]) => (/^\d{1,15}$/.test(serial ?? '') ? Number(serial) : null);

export function licenseResolvers(deps: issue.IssueDependencies) {
  const { db } = deps;
  return {
    Date: GraphQLLocalDate,
    DateTime: GraphQLDateTime,
    Query: queries(db),
    Mutation: mutations(deps),
    License: licenseFields(db),
    Case: {
      __resolveReference: (reference: { id: string }) => reference,
      license: (reference: { id: string }, _: unknown, context: GraphContext) =>
        licenseOfCase(db, context, reference.id),
    },
  };
}

interface PageArguments {
  first: number;
  after?: string | null;
}

function queries(db: Database) {
  return {
    licenses: async (
      _: unknown,
      args: PageArguments & { filter?: Partial<store.LicenseFilter> | null },
      context: GraphContext,
    ) => {
      const person = requirePerson(context.actor);
      const { state = null, matter = null, number = null } = args.filter ?? {};
      const found = await store.listLicenses(db, person, { state, matter, number }, readPage(args, readSerial));
      return toConnection(
        found,
        (row) => [String(row.license.serial)],
        (stored) => ({ stored, person, context }),
      );
    },
    license: (_: unknown, { identifier }: { identifier: string }, context: GraphContext) =>
      view.loadLicense(db, context, requirePerson(context.actor), identifier),
    licenseChanges: async (_: unknown, args: PageArguments, { actor }: GraphContext) => {
      if (!hasRole(requirePerson(actor), 'LIBRARY', 'AUDITOR')) throw forbidden('变更流只供证照库和审计人员使用。');
      const feed = await readFeed(db, readPage(args, readPosition));
      return toConnection(
        feed,
        (row) => [row.xid, row.stream, String(row.revision)],
        ({ change, revision }) => ({ ...change, revision, changedAt: new Date(change.changedAt) }),
      );
    },
    licenseStatus: (_: unknown, { identifier }: { identifier: string }) => publicStatus(db, identifier),
    certificateTasks: async (_: unknown, args: PageArguments, { actor }: GraphContext) => {
      const person = requirePerson(actor);
      const found = await store.listTasks(db, person, readPage(args, readSerial));
      return toConnection(
        found,
        ({ task }) => [String(task.serial)],
        (row) => viewTask(row, person),
      );
    },
    blanks: async (
      _: unknown,
      args: PageArguments & { filter?: { state?: Parameters<typeof store.listBlanks>[2] } | null },
      { actor }: GraphContext,
    ) => {
      const { organ } = requirePerson(actor);
      if (organ === null) throw forbidden('您不属于任何机关，没有空白证照。');
      const page = readPage(args, ([number]) => number ?? null);
      const found = await store.listBlanks(db, organ, args.filter?.state ?? null, page);
      return toConnection(
        found,
        (row) => [row.number],
        (row) => row,
      );
    },
  };
}

type CaseInput = { input: { case: string; blankNumber: string } };
type OwnInput = { input: { identifier: string; reason: string } };

function mutations(deps: issue.IssueDependencies) {
  const byCase =
    (act: 'ISSUE' | 'CHANGE' | 'RENEW' | 'REISSUE' | 'RETAIN' | 'TRANSFER') =>
    (_: unknown, { input }: CaseInput, context: GraphContext) =>
      settleAct(deps, context, (actor) =>
        issue.prepareCaseAct(deps, actor, { caseId: input.case, blankNumber: input.blankNumber, act }),
      );
  const own =
    (act: OwnAct) =>
    (_: unknown, { input }: OwnInput, context: GraphContext) =>
      settleAct(deps, context, (actor) => issue.prepareOwnAct(deps, actor, { ...input, act }));
  return {
    issueLicense: byCase('ISSUE'),
    changeLicense: byCase('CHANGE'),
    renewLicense: byCase('RENEW'),
    reissueLicense: byCase('REISSUE'),
    retainLicense: byCase('RETAIN'),
    transferLicense: byCase('TRANSFER'),
    suspendLicense: own('SUSPEND'),
    restoreLicense: own('RESTORE'),
    rescindLicense: own('RESCIND'),
    withdrawLicense: own('WITHDRAW'),
    revokeLicense: own('REVOKE'),
    cancelLicense: (
      _: unknown,
      { input }: { input: { case?: string | null; identifier?: string | null; reason?: string | null } },
      context: GraphContext,
    ) =>
      settleAct(deps, context, async (actor) => {
        const { case: caseId, identifier, reason } = input;
        if (caseId) return issue.prepareCaseAct(deps, actor, { caseId, blankNumber: null, act: 'CANCEL' });
        if (!identifier) throw new Refusal('ACT_NEEDS_CASE', 'case');
        return issue.prepareOwnAct(deps, actor, { identifier, act: 'CANCEL', reason: reason ?? '' });
      }),
    spoilBlank: (
      _: unknown,
      { input }: { input: { identifier: string; blankNumber: string; replacement: string; reason: string } },
      context: GraphContext,
    ) => settleAct(deps, context, (actor) => issue.prepareSpoil(deps, actor, input)),
    ...counterMutations(deps),
  };
}

/** Mutations of the counter: paper out, paper back, blanks in, the library told again. Nothing of them is sealed. */
function counterMutations(deps: issue.IssueDependencies) {
  type Certificate = { input: { identifier: string; blankNumber: string } };
  return {
    deliverCertificate: (_: unknown, { input }: Certificate, context: GraphContext) =>
      settleLicense(deps.db, context, async (actor) => {
        await handover.deliver(deps, actor, input.identifier, input.blankNumber);
        return input.identifier;
      }),
    recallCertificate: (_: unknown, { input }: Certificate, context: GraphContext) =>
      settleLicense(deps.db, context, async (actor) => {
        await handover.recall(deps, actor, input.identifier, input.blankNumber);
        return input.identifier;
      }),
    redriveCollection: (_: unknown, { input }: { input: { identifier: string } }, context: GraphContext) =>
      settleLicense(deps.db, context, async (actor) => {
        await handover.redriveCollection(deps, actor, input.identifier);
        return input.identifier;
      }),
    receiveBlanks: (
      _: unknown,
      { input }: { input: { prefix: string; from: number; to: number } },
      { actor }: GraphContext,
    ) => {
      requirePerson(actor);
      return settle(async () => ({ received: await handover.receiveBlanks(deps, actor, input) }));
    },
  };
}

/** Prepares an act and brings it to its end; the answer is the license as it then stands. */
function settleAct(deps: issue.IssueDependencies, context: GraphContext, prepare: (actor: Actor) => Promise<string>) {
  return settleLicense(deps.db, context, async (actor) => {
    const outcome = await issue.complete(deps, await prepare(actor));
    return outcome.waitingFor === null ? outcome.identifier : null;
  });
}

function settleLicense(db: Database, context: GraphContext, run: (actor: Actor) => Promise<string | null>) {
  const person = requirePerson(context.actor);
  return settle(async () => {
    const identifier = await run(person);
    context.loaders.clear();
    return { license: identifier === null ? null : await view.loadLicense(db, context, person, identifier) };
  });
}

function licenseFields(db: Database) {
  type View = view.LicenseView;
  const record = ({ stored }: View) => stored.version.record;
  return {
    __resolveReference: ({ identifier }: { identifier: string }, context: GraphContext) =>
      view.loadLicense(db, context, requirePerson(context.actor), identifier),
    identifier: ({ stored }: View) => stored.version.identifier,
    number: ({ stored }: View) => stored.version.number,
    version: ({ stored }: View) => stored.version.version,
    state: ({ stored }: View) => stored.version.state,
    name: (of: View) => record(of).ZZMC,
    holder: (of: View) => {
      const { CZZT, CZZTDM, CZZTDMLX } = record(of);
      return view.viewHolder({ name: CZZT, code: CZZTDM, kind: CZZTDMLX }, of.person);
    },
    matter: (of: View) => ({ id: record(of).KZ_SX }),
    case: ({ stored }: View) => ({ id: stored.version.caseId }),
    issuer: ({ stored }: View) => ({ id: stored.license.issuer.id }),
    issuedOn: (of: View) => record(of).ZZBFRQ,
    validFrom: (of: View) => record(of).ZZYXQQSRQ,
    validUntil: (of: View) => endDay(record(of).ZZYXQJZRQ),
    fields: (of: View) => record(of).KZ_NR,
    document: ({ stored, context }: View) => view.loadDocument(db, context, stored.version),
    paper: async (of: View) => {
      const standing = (await view.loadSheets(db, of)).find((sheet) => sheet.state !== 'SPOILED');
      if (!standing) throw new Error(`no sheet of ${of.stored.version.identifier}`);
      return view.viewSheet(standing);
    },
    sheets: async (of: View) => (await view.loadSheets(db, of)).map(view.viewSheet),
    versions: (of: View) => view.loadVersions(db, of),
    acts: async ({ stored, context }: View) => {
      const acts = await store.listActs(db, stored.version.number);
      return acts.map((row) => viewAct(db, context, row));
    },
    collection: (of: View) => view.loadCollection(db, of),
    actions: (of: View) => view.viewActions(db, of),
  };
}

function viewAct(db: Database, context: GraphContext, row: store.ActRow) {
  const { act, version, stateAfter, doneAt, actor, reason, documentDigest, signatureDigest } = row;
  if (documentDigest === null || signatureDigest === null || doneAt === null)
    throw new Error(`act ${row.id} is not done`);
  const sealed = { documentDigest, signatureDigest, signedAt: doneAt, sealId: null };
  return {
    act: act as Act,
    version,
    state: stateAfter,
    at: doneAt,
    actor,
    reason,
    document: () => view.loadDocument(db, context, sealed),
  };
}

function viewTask({ task, waitingFor }: { task: store.TaskRow; waitingFor: string | null }, person: Person) {
  const { content } = task;
  const kind = content.holder.codeKind === 'USCC' ? ('001' as const) : ('111' as const);
  return {
    case: { id: task.caseId },
    act: content.action,
    licenseNumber: content.licenseNumber,
    licenseName: content.licenseName,
    holder: view.viewHolder({ ...content.holder, kind }, person),
    openedAt: task.openedAt,
    waitingFor,
  };
}

/** The license that a case issued or acted on, where the caller may see it. */
async function licenseOfCase(db: Database, context: GraphContext, caseId: string) {
  const person = requirePerson(context.actor);
  const identifier = await loader<string>(context, 'license of case', async (ids) => {
    const found = await store.findByCases(db, ids);
    return ids.map((id) => found.get(id) ?? null);
  }).load(caseId);
  return identifier && view.loadLicense(db, context, person, identifier);
}

async function publicStatus(db: Database, identifier: string) {
  try {
    requireLicenseIdentifier(identifier, 'identifier');
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
  const [found] = await store.findVersions(db, 'identifier', [identifier], null);
  if (!found) return null;
  const { record, number, version, state, documentDigest, signedAt } = found.version;
  return {
    identifier,
    number,
    version,
    state,
    name: record.ZZMC,
    holderName: record.CZZTDMLX === '111' ? maskName(record.CZZT) : record.CZZT,
    issuerName: record.ZZBFJG,
    issuedOn: record.ZZBFRQ,
    validFrom: record.ZZYXQQSRQ,
    validUntil: endDay(record.ZZYXQJZRQ),
    documentDigest,
    sealName: record.ZZQZMC,
    sealedAt: signedAt,
    supersededBy: state === 'SUPERSEDED' ? found.license.headIdentifier : null,
  };
}

/** The record writes 长期 where a license has no end; GraphQL has null. */
function endDay(text: string): string | null {
  return text === '长期' ? null : text;
}

/** A natural person's name for the public: the family name and how many characters follow. */
function maskName(name: string): string {
  const [first = '', ...rest] = [...name];
  return first + '*'.repeat(rest.length);
}
