import { toCanonicalJson } from '../../../subgraphs/kernel/events/events.ts';

/** The form of the tables of effects: what an approved proposal of each kind must have made, and the reverse. */

/** A row as JSON: of an effect, or of a proposal. The audit trusts none of its values. */
// biome-ignore lint/suspicious/noExplicitAny: rows of many tables; each rule knows its columns
export type JsonRow = Record<string, any>;

/** An approved proposal, with its content and its decision. */
export interface ApprovedProposal {
  id: string;
  kind: string;
  organ: string | null;
  /** Empty if the stored text cannot be read. */
  content: JsonRow;
  proposed_by_id: string;
  proposed_by: string;
  /** Who approved it. */
  actor_id: string;
  at: string;
}

/** How effects of one kind of proposal are found, and compared with what was proposed. Texts are SQL. */
export interface EffectRule {
  /** A relation with the alias `e`, one row for each effect, also for those without a proposal. */
  from: string;
  /** Which rows are effects. Default: all. */
  where?: string;
  /** Names the effect for the finding. */
  object: string;
  /** When it took effect, to tell what is older than proposals. */
  at: string;
  /** Joins an effect to the proposals `p` that could have made it. */
  on: string;
  /** Kinds of `p`. Default: the rule's own kind. */
  kinds?: readonly string[];
  /** JSON about an effect in addition to its row. `approved` is the relation of the approved proposals. */
  extra?: string;
  /** Whether the effect is what was proposed. */
  isAsProposed: (effect: JsonRow, proposal: ApprovedProposal, extra: JsonRow | null) => boolean;
  /** When an approved proposal `p` has no effect of its own, because what it says was so already, or is so no more. */
  without?: string;
  /** Whether one proposal has several effects. */
  isMany?: boolean;
  /** Whether the effect states itself that it rests on a proposal, however old it says it is. */
  claimsProposal?: (effect: JsonRow) => boolean;
}

/** SQL: an instant as proposals write it. */
export const asIso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Whether two lists of JSON values are the same. The database orders the fields of an object; absent is null. */
export const isSame = (one: readonly unknown[], other: readonly unknown[]) => writeList(one) === writeList(other);

const writeList = (list: readonly unknown[]) => list.map((value) => toCanonicalJson(value ?? null)).join();

/** Whether two instants are the same, of any spelling. */
export const isSameTime = (one: unknown, other: unknown) =>
  typeof one === 'string' && typeof other === 'string' && Date.parse(one) === Date.parse(other);

/** Returns a list in order, for lists whose order has no meaning. */
export const inOrder = (list: unknown) => (Array.isArray(list) ? [...list].sort() : list);
