import { dayOf } from '../../kernel/day.ts';
import { mayRead, requirePerson } from '../../kernel/http/context.ts';
import { UUID_PATTERN } from '../../kernel/identifier.ts';
import { findException } from '../exception/store.ts';
import { viewException } from '../exception/view.ts';
import { findUpload } from '../material/upload/store.ts';
import { viewUpload } from '../material/view.ts';
import { viewNotice } from '../notice/resolvers.ts';
import { findNotice } from '../notice/store.ts';
import { findPlatform } from '../platform/store.ts';
import { viewPlatform } from '../platform/view.ts';
import { audienceOf, type PlatformDependencies } from '../platform/workflow.ts';
import { CASE_READS } from '../policy.ts';
import { proposalStore } from '../proposal/store.ts';
import { viewProposal } from '../proposal/view.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { findFinding, findPushes, listVisibleCaseIds } from '../supervision/store.ts';
import { viewFinding, viewPush } from '../supervision/view.ts';
import type { FindCase } from '../view.ts';

/**
 * Finds the objects of this subgraph by their ids, for `node`, each under the rules of the fields that list it. Null if
 * there is none that the caller may see. A case is found by the resolvers of cases.
 */
export function nodeResolvers(deps: PlatformDependencies, findCase: FindCase) {
  const { db } = deps;
  return {
    ...supervisionNodes(deps),
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
    Platform: {
      __resolveReference: async ({ id }, { actor }) => {
        const platform = await findPlatform(db, id);
        const isVisible = mayRead(CASE_READS.platforms, actor, [platform?.organ ?? null]);
        return platform && isVisible ? viewPlatform(platform, audienceOf(deps)) : null;
      },
    },
    Proposal: {
      __resolveReference: async ({ id }, { actor }) => {
        const stored = await proposalStore.find(db, id);
        const isVisible = mayRead(CASE_READS.proposals, actor, [stored?.organ ?? null]);
        return stored && isVisible ? viewProposal(stored) : null;
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
  } satisfies Resolvers;
}
