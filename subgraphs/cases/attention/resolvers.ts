import type { Database } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import { buildForbiddenError, requirePerson } from '../../kernel/http/context.ts';
import { type CountedConnection, readPage, toCountedConnection } from '../../kernel/list/page.ts';
import { findOfficeScope } from '../../kernel/policy.ts';
import { CASE_READS } from '../policy.ts';
import type { FindCase } from '../reading/view.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { type AttentionKind, type AttentionRow, sentenceOf } from './attention.ts';
import { ATTENTION_ORDER, listAttention } from './store.ts';

/** The parent value of AttentionConnection. @public by codegen.ts */
export type AttentionConnection = CountedConnection<AttentionRow>;

/** Returns the key of what another subgraph decides, if the item is of this kind. */
function linkTo(wanted: AttentionKind, { kind, proposalId: id }: AttentionRow) {
  return kind === wanted && id !== null ? { id, nodeKey: id } : null;
}

/** A holder outside the offices sees the warnings of the own licenses. */
function findHolderScope({ holderCode }: Person) {
  return holderCode === null ? null : { all: true as const, holderCode };
}

/** Resolvers of the items that wait for a person (待办). */
export function attentionResolvers({ db, now }: { db: Database; now: Clock }, findCase: FindCase) {
  return {
    Query: {
      attention: async (_, args, context) => {
        const person = requirePerson(context.actor);
        const ownScope = findOfficeScope(CASE_READS.attention, person);
        const holder = ownScope === null ? findHolderScope(person) : null;
        const scope = ownScope ?? holder;
        if (scope === null) throw buildForbiddenError('待办提醒只供机关人员和持证人查询。');
        const { organ = null, kinds = null } = args.filter ?? {};
        if (!scope.all && organ !== null && !scope.organs.includes(organ))
          throw buildForbiddenError('只能查询本机关的待办提醒。');
        const filter = {
          all: scope.all,
          organs: organ !== null ? [organ] : scope.all ? null : scope.organs,
          window: scope.all || organ !== null ? null : scope.window,
          kinds,
          person,
          holderCode: holder?.holderCode ?? null,
        };
        const items = await listAttention(db, filter, now(), readPage(args, ATTENTION_ORDER));
        return toCountedConnection(items, ATTENTION_ORDER, (row) => row);
      },
    },
    AttentionConnection: { totalCount: ({ countAll }) => countAll() },
    AttentionItem: {
      message: (item) => sentenceOf(item),
      organs: ({ organs }) => organs.map((id) => ({ id })),
      case: ({ caseId }, _, context) => (caseId === null ? null : findCase(context, caseId)),
      matter: ({ matterId }) => (matterId === null ? null : { id: matterId }),
      importProposal: (item) => linkTo('IMPORT_PROPOSED', item),
      registration: (item) => linkTo('REGISTRATION_PROPOSED', item),
      sealApplication: (item) => linkTo('SEAL_APPLICATION_WAITING', item),
      blankTransfer: (item) => linkTo('BLANK_TRANSFER_PROPOSED', item),
      license: ({ license }) => (license === null ? null : { identifier: license }),
    },
  } satisfies Resolvers;
}
