import { dayOf } from '../../kernel/day.ts';
import { mayRead, requirePerson } from '../../kernel/http/context.ts';
import { UUID_PATTERN } from '../../kernel/identifier.ts';
import { findReadScope } from '../../kernel/policy.ts';
import { findReading } from '../../kernel/privacy/reading-store.ts';
import { findAgreement } from '../agreement/store.ts';
import { viewAgreement } from '../agreement/view.ts';
import { findException } from '../exception/store.ts';
import { viewException } from '../exception/view.ts';
import { caseOfUpload, findMaterialCodes } from '../material/store.ts';
import { findUpload } from '../material/upload/store.ts';
import { viewFile, viewRead, viewUpload } from '../material/view.ts';
import { viewNotice } from '../notice/resolvers.ts';
import { findNotice } from '../notice/store.ts';
import { findLine, findLineOfPerson } from '../person/store.ts';
import { viewAppointment, viewPerson } from '../person/view.ts';
import { findKey, findMessage, findPlatform } from '../platform/store.ts';
import { parseMessageKey, viewKey, viewMessage, viewPlatform } from '../platform/view.ts';
import { audienceOf, type PlatformDependencies } from '../platform/workflow.ts';
import { CASE_READS } from '../policy.ts';
import { proposalStore } from '../proposal/store.ts';
import { viewProposal } from '../proposal/view.ts';
import { reading } from '../reading/tables.ts';
import type { FindCase } from '../reading/view.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { findFinding, findPushes, listVisibleCaseIds } from '../supervision/store.ts';
import { viewFinding, viewPush, viewWebhook } from '../supervision/view.ts';
import { findWebhook } from '../supervision/webhook/store.ts';

/**
 * Finds the objects of this subgraph by their ids, for `node`, each under the rules of the fields that list it. Null if
 * there is none that the caller may see. A case is found by the resolvers of cases.
 */
export function nodeResolvers(deps: PlatformDependencies, findCase: FindCase) {
  const { db, now } = deps;
  return {
    ...supervisionNodes(deps),
    ...platformNodes(deps),
    ...personNodes(deps),
    ...materialNodes(deps, findCase),
    Agreement: {
      __resolveReference: async ({ id }, { actor }) => {
        const scope = findReadScope(CASE_READS.agreements, requirePerson(actor));
        const row = scope && (await findAgreement(db, id));
        return row && viewAgreement(row, now);
      },
    },
    CaseNotice: {
      __resolveReference: async ({ id }, context) => {
        requirePerson(context.actor);
        const stored = UUID_PATTERN.test(id) ? await findNotice(db, id) : null;
        return stored && (await findCase(context, stored.notice.caseId)) ? viewNotice(stored) : null;
      },
    },
    DutyException: {
      __resolveReference: async ({ id }, { actor }) => {
        const stored = await findException(db, id);
        const isVisible = mayRead(CASE_READS.dutyExceptions, actor, [stored?.row.organ ?? null]);
        return stored && isVisible ? viewException(stored) : null;
      },
    },
    Proposal: {
      __resolveReference: async ({ id }, { actor }) => {
        const stored = await proposalStore.find(db, id);
        const isVisible = mayRead(CASE_READS.proposals, actor, [stored?.organ ?? null]);
        return stored && isVisible ? viewProposal(stored) : null;
      },
    },
  } satisfies Resolvers;
}

function supervisionNodes({ db, now }: PlatformDependencies) {
  return {
    ApprovalPush: {
      __resolveReference: async ({ id }, { actor }) => {
        const person = requirePerson(actor);
        const [push] = UUID_PATTERN.test(id) ? await findPushes(db, [id]) : [];
        if (!push) return null;
        const isVisible =
          mayRead(CASE_READS.approvalPushes, actor, [push.organ]) ||
          (await listVisibleCaseIds(db, person, [push.caseId])).length > 0;
        return isVisible ? viewPush(push, person, dayOf(now())) : null;
      },
    },
    SupervisionFinding: {
      __resolveReference: async ({ id }, { actor }) => {
        const person = requirePerson(actor);
        const finding = await findFinding(db, id);
        if (!finding) return null;
        const isVisible =
          mayRead(CASE_READS.supervisionFindings, actor, [finding.organ, finding.decidedBy]) ||
          (await listVisibleCaseIds(db, person, [finding.caseId])).length > 0;
        return isVisible ? viewFinding(finding, person, dayOf(now())) : null;
      },
    },
    Webhook: {
      __resolveReference: async ({ id }, { actor }) => {
        const webhook = await findWebhook(db, id);
        const isVisible = mayRead(CASE_READS.webhooks, actor, [webhook?.organ ?? null]);
        return webhook && isVisible ? viewWebhook(webhook) : null;
      },
    },
  } satisfies Resolvers;
}

function platformNodes(deps: PlatformDependencies) {
  const { db } = deps;
  return {
    Platform: {
      __resolveReference: async ({ id }, { actor }) => {
        const platform = await findPlatform(db, id);
        const isVisible = mayRead(CASE_READS.platforms, actor, [platform?.organ ?? null]);
        return platform && isVisible ? viewPlatform(platform, audienceOf(deps)) : null;
      },
    },
    PlatformKey: {
      __resolveReference: async ({ id }, { actor }) => {
        const key = mayRead(CASE_READS.platforms, actor, []) ? await findKey(db, id) : null;
        return key && viewKey(key);
      },
    },
    PlatformMessage: {
      __resolveReference: async ({ id }, { actor }) => {
        const key = mayRead(CASE_READS.platformMessages, actor, []) ? parseMessageKey(id) : null;
        const message = key && (await findMessage(db, key.platformId, key.id));
        return message && viewMessage(message);
      },
    },
  } satisfies Resolvers;
}

function personNodes({ db, now }: PlatformDependencies) {
  return {
    Appointment: {
      __resolveReference: async ({ id }, { actor }) => {
        const line = await findLine(db, id);
        const isVisible = mayRead(CASE_READS.people, actor, [line?.organ ?? null]);
        return line && isVisible ? viewAppointment(line, now()) : null;
      },
    },
    Viewer: {
      __resolveReference: async ({ id }, { actor }) => {
        const person = requirePerson(actor);
        return person.id === id ? viewPerson(person, await findLineOfPerson(db, id, now())) : null;
      },
    },
  } satisfies Resolvers;
}

function materialNodes({ db }: PlatformDependencies, findCase: FindCase) {
  return {
    MaterialFile: {
      __resolveReference: async ({ id }, context) => {
        requirePerson(context.actor);
        const caseId = UUID_PATTERN.test(id) ? await caseOfUpload(db, id) : null;
        const upload = caseId !== null && (await findCase(context, caseId)) ? await findUpload(db, id) : null;
        return upload && viewFile(upload);
      },
    },
    MaterialRead: {
      __resolveReference: async ({ id }, { actor }) => {
        const row = await findReading(db, reading, id);
        const isVisible = mayRead(CASE_READS.materialReads, actor, [row?.organ ?? null]);
        if (!row || !isVisible || row.object !== 'MATERIAL') return null;
        return viewRead(row, (await findMaterialCodes(db, [row.objectId])).get(row.objectId) ?? '');
      },
    },
    Upload: {
      __resolveReference: async ({ id }, { actor }) => {
        const person = requirePerson(actor);
        const upload = await findUpload(db, id);
        return upload && upload.uploaderId === person.id && upload.attachedAt === null ? viewUpload(upload) : null;
      },
    },
  } satisfies Resolvers;
}
