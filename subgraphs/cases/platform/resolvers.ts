import { type Actor, hasRole } from '../../kernel/actor.ts';
import { readPage, toConnection } from '../../kernel/page.ts';
import { forbidden, loader, requirePerson, settle } from '../../kernel/serve.ts';
import { maySee } from '../action.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { findCases } from '../store.ts';
import type { PlatformKey } from './message.ts';
import type { Platform } from './platform.ts';
import * as store from './store.ts';
import * as workflow from './workflow.ts';

const position = ([serial]: readonly string[]) => (/^\d{1,15}$/.test(serial ?? '') ? Number(serial) : null);

/** Resolvers of platforms, their messages, and the state of a case at a platform. */
export function platformResolvers(deps: workflow.PlatformDependencies) {
  const { db } = deps;
  const view = (platform: Platform) => viewPlatform(platform, workflow.audienceOf(deps));
  return {
    Query: {
      platforms: async (_, args, { actor }) => {
        requireOverseer(actor);
        const page = await store.listPlatforms(db, readPage(args, position));
        return toConnection(page, (row) => [String(row.serial)], view);
      },
      platformMessages: async (_, args, { actor }) => {
        requireOverseer(actor);
        const page = readPage(args, position);
        const [found] = await findCases(db, [args.case]);
        const { number } = found?.subject ?? { number: '' };
        return toConnection(await store.listMessages(db, number, page), (row) => [String(row.serial)], viewMessage);
      },
    },
    Mutation: {
      registerPlatform: (_, { input }, { actor }) => {
        requirePerson(actor);
        return settle(async () => {
          const { platform, secret } = await workflow.register(deps, actor, input, input.dryRun);
          return { platform: view(platform), secret };
        });
      },
      changePlatform: (_, { input }, { actor }) => {
        requirePerson(actor);
        const { platform: id, name = null, url = null, renewSecret, dryRun } = input;
        return settle(async () => {
          const wanted = { id, name, url, renewSecret: renewSecret };
          const { platform, secret } = await workflow.change(deps, actor, wanted, dryRun);
          return { platform: view(platform), secret };
        });
      },
      addPlatformKey: (_, { input }, { actor }) => {
        requirePerson(actor);
        const { platform: id, publicKey, validFrom = null, validTo = null, dryRun } = input;
        const key = { id, publicKey, validFrom, validTo };
        return settle(async () => ({ platform: view(await workflow.addKey(deps, actor, key, dryRun)) }));
      },
      endPlatformKey: (_, { input }, { actor }) => {
        requirePerson(actor);
        const { platform: id, key: kid, validTo = null, dryRun } = input;
        const wanted = { id, kid, validTo };
        return settle(async () => ({ platform: view(await workflow.endKey(deps, actor, wanted, dryRun)) }));
      },
      removePlatform: (_, { input }, { actor }) => {
        requirePerson(actor);
        return settle(async () => ({
          platform: view(await workflow.remove(deps, actor, input.platform, input.dryRun)),
        }));
      },
    },
    Case: {
      platform: async ({ id }, _, context) => {
        const { actor } = context;
        const found = await loader(context, 'platformCases', (ids) => findCases(db, ids)).load(id);
        if (!found || actor.kind !== 'person') return null;
        const { subject, parties, window } = found;
        // The applicant may know which organ has the case, but not which system that organ uses.
        if (!maySee({ ...actor, holderCode: null }, { applicantCode: subject.applicant.code, parties, window })) {
          return null;
        }
        return loader(context, 'platformStates', (ids) => store.findStates(db, ids)).load(id);
      },
    },
  } satisfies Resolvers;
}

/** Throws FORBIDDEN unless the caller may see registrations and evidence. */
function requireOverseer(actor: Actor): void {
  if (!hasRole(requirePerson(actor), 'ADMINISTRATOR', 'AUDITOR')) throw forbidden('您的岗位不能查看审批平台。');
}

function viewPlatform({ organ, keys, ...platform }: Platform, audience: string) {
  return { ...platform, organ: { id: organ }, audience, keys: keys.map(viewKey) };
}

function viewKey({ kid, x, validFrom, validTo }: PlatformKey) {
  return { id: kid, publicKey: JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x }), validFrom, validTo };
}

function viewMessage(row: store.StoredMessage) {
  const { id, type, kid, digest, signature, receivedAt, verdict, answer } = row;
  const body = Buffer.from(row.raw).toString('utf8');
  return { id, type, key: kid, digest, body, signature, receivedAt, verdict, answer };
}
