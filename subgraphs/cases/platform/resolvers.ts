import { getLoader, requirePerson, requireReadScope } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { BY_SERIAL, readPage, toConnection } from '../../kernel/http/page.ts';
import { CASE_READS, maySee } from '../policy.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { findCases } from '../store.ts';
import type { PlatformKey } from './message.ts';
import type { Platform } from './platform.ts';
import * as store from './store.ts';
import * as workflow from './workflow.ts';

/** Resolvers of platforms, their messages, and the state of a case at a platform. */
export function platformResolvers(deps: workflow.PlatformDependencies) {
  const { db } = deps;
  const viewForActor = (platform: Platform) => viewPlatform(platform, workflow.audienceOf(deps));
  return {
    Query: {
      platforms: async (_, args, { actor }) => {
        requireReadScope(CASE_READS.platforms, actor, FORBIDDEN);
        const page = await store.listPlatforms(db, readPage(args, BY_SERIAL));
        return toConnection(page, BY_SERIAL, (row) => row.serial, viewForActor);
      },
      platformMessages: async (_, args, { actor }) => {
        requireReadScope(CASE_READS.platformMessages, actor, FORBIDDEN);
        const page = readPage(args, BY_SERIAL);
        const [storedCase] = await findCases(db, [args.case]);
        const { number } = storedCase?.subject ?? { number: '' };
        return toConnection(await store.listMessages(db, number, page), BY_SERIAL, (row) => row.serial, viewMessage);
      },
    },
    Mutation: {
      registerPlatform: (_, { input }, { actor }) => {
        requirePerson(actor);
        return mutate(async () => {
          const { platform, secret } = await workflow.registerPlatform(deps, actor, input, input.dryRun);
          return { platform: viewForActor(platform), secret };
        });
      },
      changePlatform: (_, { input }, { actor }) => {
        requirePerson(actor);
        const { platform: id, name = null, url = null, renewSecret, dryRun } = input;
        return mutate(async () => {
          const changes = { id, name, url, renewSecret: renewSecret };
          const { platform, secret } = await workflow.changePlatform(deps, actor, changes, dryRun);
          return { platform: viewForActor(platform), secret };
        });
      },
      addPlatformKey: (_, { input }, { actor }) => {
        requirePerson(actor);
        const { platform: id, publicKey, validFrom = null, validTo = null, dryRun } = input;
        const key = { id, publicKey, validFrom, validTo };
        return mutate(async () => ({ platform: viewForActor(await workflow.addKey(deps, actor, key, dryRun)) }));
      },
      endPlatformKey: (_, { input }, { actor }) => {
        requirePerson(actor);
        const { platform: id, key: kid, validTo = null, dryRun } = input;
        const keyEnd = { id, kid, validTo };
        return mutate(async () => ({ platform: viewForActor(await workflow.endKey(deps, actor, keyEnd, dryRun)) }));
      },
      removePlatform: (_, { input }, { actor }) => {
        requirePerson(actor);
        return mutate(async () => ({
          platform: viewForActor(await workflow.removePlatform(deps, actor, input.platform, input.dryRun)),
        }));
      },
    },
    Case: {
      platform: async ({ id }, _, context) => {
        const { actor } = context;
        const storedCase = await getLoader(context, 'platformCases', (ids) => findCases(db, ids)).load(id);
        if (!storedCase || actor.kind !== 'person') return null;
        const { subject, parties, window } = storedCase;
        // The applicant may know which organ has the case, but not which system that organ uses.
        if (!maySee({ ...actor, holderCode: null }, { applicantCode: subject.applicant.code, parties, window })) {
          return null;
        }
        return getLoader(context, 'platformStates', (ids) => store.findStates(db, ids)).load(id);
      },
    },
  } satisfies Resolvers;
}

const FORBIDDEN = '您的岗位不能查看审批平台。';

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
