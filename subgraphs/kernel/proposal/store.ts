import { and, count, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { UUID_PATTERN } from '../identifier.ts';
import { bySerial, type KeysetRequest, selectPage } from '../list/keyset-store.ts';
import type { Page } from '../list/page.ts';
import type { Proposal, ProposalState } from './proposal.ts';
import type { ProposalTables } from './tables.ts';

type ProposalRow = ProposalTables['proposal']['$inferSelect'];
type OutcomeRow = ProposalTables['proposalOutcome']['$inferSelect'];

/** A proposal with its outcome, or null while it waits. */
export interface StoredProposal<Kind extends string = string> extends Proposal<Kind> {
  serial: number;
  /** JSON text. */
  content: string;
  at: Date;
  ended: OutcomeRow | null;
}

export interface ProposalFilter<Kind extends string> {
  kind: Kind | null;
  state: ProposalState | null;
}

/** The operations on the proposals of one subgraph. `Kind`: its kinds, the only ones that it inserts. */
export type ProposalStore<Kind extends string> = ReturnType<typeof createProposalStore<Kind>>;

/** Tells others that a proposal was made or has ended, in the same transaction. */
type AnnounceProposal<Kind extends string> = (tx: Transaction, proposal: StoredProposal<Kind>) => Promise<void>;

interface StoreOptions<Kind extends string> {
  /** What the store finds and lists, if other kinds are kept in the same tables. Absent: all. */
  kinds?: readonly Kind[];
  /** Called after each proposal and each outcome that the workflow records. Absent: nobody needs it. */
  announce?: AnnounceProposal<Kind>;
}

export function createProposalStore<Kind extends string>(tables: ProposalTables, options: StoreOptions<Kind> = {}) {
  const { kinds, announce = async () => {} } = options;
  const { proposal, proposalOutcome } = tables;
  const ofKinds = kinds && inArray(proposal.kind, [...kinds]);
  const isOutcomeOf = eq(proposalOutcome.proposalId, proposal.id);
  const columns = { row: proposal, ended: proposalOutcome };
  const select = (db: Reader) => db.select(columns).from(proposal).leftJoin(proposalOutcome, isOutcomeOf);
  const toStored = ({ row, ended }: { row: ProposalRow; ended: OutcomeRow | null }): StoredProposal<Kind> => ({
    ...row,
    kind: row.kind as Kind,
    outcome: ended?.outcome ?? null,
    ended,
  });
  return {
    announce,
    /** Returns the order of the list `name`, newest first. */
    orderOf: (name: string) => bySerial<StoredProposal<Kind>>(name, proposal.serial, 'DESC'),
    /** Builds a proposal from its row and that of its outcome. */
    toStored,
    /** Returns a proposal, or null if there is none with this id. */
    async find(db: Reader, id: string): Promise<StoredProposal<Kind> | null> {
      if (!UUID_PATTERN.test(id)) return null;
      const [row] = await select(db).where(and(eq(proposal.id, id), ofKinds));
      return row ? toStored(row) : null;
    },
    /** Returns each proposal in the order of `ids`; null if there is none. */
    async findAll(db: Reader, ids: readonly string[]): Promise<(StoredProposal<Kind> | null)[]> {
      const known = ids.filter((id) => UUID_PATTERN.test(id));
      const rows = (await select(db).where(and(inArray(proposal.id, known), ofKinds))).map(toStored);
      return ids.map((id) => rows.find((one) => one.id === id) ?? null);
    },
    /** Locks a proposal: two decisions on it wait for each other. A row lock would need the right to update. */
    async lock(tx: Transaction, id: string): Promise<void> {
      await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`proposal ${id}`}, 0))`);
    },
    /** Locks the waiting proposals of a person, so that their number holds. */
    async lockWaiting(tx: Transaction, proposedById: string): Promise<void> {
      await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`proposals of ${proposedById}`}, 0))`);
    },
    /** Counts the proposals of a person that wait for a decision. */
    async countWaiting(db: Reader, proposedById: string): Promise<number> {
      const [row] = await db
        .select({ waiting: count() })
        .from(proposal)
        .leftJoin(proposalOutcome, isOutcomeOf)
        .where(and(eq(proposal.proposedById, proposedById), isNull(proposalOutcome.proposalId)));
      return row?.waiting ?? 0;
    },
    async insert(tx: Transaction, row: Omit<ProposalRow, 'serial'> & { kind: Kind }): Promise<void> {
      await tx.insert(proposal).values(row);
    },
    async insertOutcome(tx: Transaction, row: OutcomeRow): Promise<void> {
      await tx.insert(proposalOutcome).values(row);
    },
    /** Returns a page of the proposals that meet `condition`. Absent: of all. */
    list(
      db: Reader,
      condition: SQL | undefined,
      { kind, state }: ProposalFilter<Kind>,
      page: KeysetRequest,
    ): Promise<Page<StoredProposal<Kind>>> {
      const ofKind = kind === null ? undefined : eq(proposal.kind, kind);
      const inState = state === null ? undefined : sql`coalesce(${proposalOutcome.outcome}, 'WAITING') = ${state}`;
      return selectPage(page, async ({ condition: isOnPage, orderBy, limit }) => {
        const rows = select(db).where(and(condition, ofKinds, ofKind, inState, isOnPage));
        return (await rows.orderBy(...orderBy).limit(limit)).map(toStored);
      });
    },
  };
}
