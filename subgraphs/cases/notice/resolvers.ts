import type { Reader } from '../../../db/client.ts';
import { getLoader } from '../../kernel/http/context.ts';
import type { Case } from '../case.ts';
import type { CaseNotice, Resolvers } from '../resolvers.gen.ts';
import * as store from './store.ts';

/** Resolves `Case.notices`. Whoever has a Case may see it, and therefore also its notices. */
export function noticeResolvers({ db }: { db: Reader }) {
  return {
    Case: {
      delivery: ({ subject }) => viewDelivery(subject),
      notices: async ({ id }, _, context) => {
        const notices = await getLoader<store.StoredNotice[]>(context, 'notices', async (ids) => {
          const byCase = await store.findByCases(db, ids);
          return ids.map((caseId) => byCase.get(caseId) ?? []);
        }).load(id);
        return (notices ?? []).map(viewNotice);
      },
    },
  } satisfies Resolvers;
}

function viewDelivery({ steps }: Case) {
  const step = steps.findLast(({ data }) => data?.delivery);
  const delivery = step?.data?.delivery;
  return step && delivery
    ? { ...delivery, formerHolder: delivery.formerHolder ?? null, toAgent: delivery.receiver === 'AGENT', at: step.at }
    : null;
}

/** The parent value of CaseNotice resolvers. @public by codegen.ts */
export type NoticeView = ReturnType<typeof viewNotice>;

/** A notice as GraphQL shows it. */
export function viewNotice({ notice, seal }: store.StoredNotice): CaseNotice {
  const { id, kind, number, issuedAt, organ, contentDigest } = notice;
  const isSealed = seal?.state === 'DONE';
  return {
    id,
    kind,
    number,
    issuedAt,
    organ: { id: organ },
    contentDigest,
    // What is to be sealed is not handed out before it is.
    url: seal && !isSealed ? null : `/cases/notices/${id}.pdf`,
    sealed: isSealed,
    signature: seal?.signedAt && isSealed ? { url: `/cases/notices/${id}.p7s`, signedAt: seal.signedAt } : null,
    waitingFor: seal?.waitingFor ?? null,
  };
}
