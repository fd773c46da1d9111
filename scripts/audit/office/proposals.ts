import { sha256 } from '../../../subgraphs/kernel/events/events.ts';
import { computeEffectDigest } from '../../../subgraphs/matters/proposal/proposal.ts';
import { type AuditInput, buildFinding, type Finding, streamRows } from '../finding.ts';
import { CASE_EFFECTS } from './case-effects.ts';
import type { ApprovedProposal, EffectRule, JsonRow } from './effect.ts';
import { IMPORT_EFFECTS, LICENSE_EFFECTS, SEAL_EFFECTS } from './other-effects.ts';
import { IS_WITHDRAWN_BY_TAKEOVER } from './takeovers.ts';

/**
 * Audits what takes effect by two persons only: each effect belongs to exactly one approved proposal with this content,
 * each approved proposal has its effect, and another person than the proposer approved it.
 */

/** The proposals of one subgraph. */
interface ProposalBook {
  name: string;
  /** SQL: every proposal with its outcome, as the columns of `ApprovedProposal` and `outcome`, `proposed_at`. */
  proposals: string;
  object: 'proposal' | 'application';
  effects: Readonly<Record<string, EffectRule>>;
}

/** SQL: a text as JSON, or an empty object if it is none. */
const asObject = (text: string) => `case when ${text} is json object then ${text}::jsonb else '{}'::jsonb end`;
const proposalsOf = (
  schema: string,
) => `select p.id, p.kind, p.organ, ${asObject('p.content')} as content, p.proposed_by_id,
  p.proposed_by, p.at as proposed_at, o.outcome, o.actor_id, o.at
  from ${schema}.proposal p join ${schema}.proposal_outcome o on o.proposal_id = p.id`;
const APPLICATIONS = `select p.id, p.kind, p.organ, p.seal_id, p.particulars as content, p.applied_by_id as proposed_by_id,
  p.applied_by as proposed_by, p.at as proposed_at, o.outcome, o.actor_id, o.at
  from seals.seal_application p join seals.seal_application_outcome o on o.application_id = p.id`;

/** Every subgraph with proposals. A kind without a row does not compile. */
export const PROPOSAL_BOOKS: readonly ProposalBook[] = [
  { name: '行政提议', proposals: proposalsOf('cases'), object: 'proposal', effects: CASE_EFFECTS },
  { name: '证照拟办', proposals: proposalsOf('licenses'), object: 'proposal', effects: LICENSE_EFFECTS },
  { name: '拟导入', proposals: proposalsOf('matters'), object: 'proposal', effects: IMPORT_EFFECTS },
  { name: '印章申请', proposals: APPLICATIONS, object: 'application', effects: SEAL_EFFECTS },
];

export async function* auditProposals(input: AuditInput): AsyncGenerator<Finding> {
  for (const book of PROPOSAL_BOOKS) {
    yield* auditPersons(input, book);
    const [first] = await input.sql<{ at: Date | null }[]>`
      select min(proposed_at) as at from (${input.sql.unsafe(book.proposals)}) p`;
    const older: string[] = [];
    for (const [kind, rule] of Object.entries(book.effects))
      yield* auditEffects(input, { book, kind, rule, start: first?.at ?? null, older });
    if (older.length > 0)
      input.onNote?.(`${book.name}：早于提议制度 ${older.length} 项 ${older.slice(0, 20).join('，')}`);
  }
  yield* auditFiles(input);
}

/** Checks that another person decided each proposal, after it was made, and that only its author withdrew it. */
async function* auditPersons(
  { sql }: AuditInput,
  { proposals, object, effects }: ProposalBook,
): AsyncGenerator<Finding> {
  const rows = sql<{ id: string; isWithdrawn: boolean }[]>`
    select id, outcome = 'WITHDRAWN' as "isWithdrawn" from (${sql.unsafe(proposals)}) p
    where ((actor_id = proposed_by_id) <> (outcome = 'WITHDRAWN') or at < proposed_at)
      and not (${sql.unsafe(IS_WITHDRAWN_BY_TAKEOVER)})`;
  for await (const { id, isWithdrawn } of streamRows(rows))
    yield buildFinding(
      'SECOND_PERSON_MISSING',
      `${object}:${id}`,
      isWithdrawn ? '撤回的不是提议人' : '没有另一人在提议之后的批准',
    );
  const ofOtherKinds = sql<{ id: string; kind: string }[]>`
    select id, kind from (${sql.unsafe(proposals)}) p where kind <> all(${Object.keys(effects)})`;
  for await (const { id, kind } of streamRows(ofOtherKinds))
    yield buildFinding('PROPOSAL_WITHOUT_EFFECT', `${object}:${id}`, `没有这种提议：${kind}`);
}

interface Audited {
  book: ProposalBook;
  kind: string;
  rule: EffectRule;
  /** When the first proposal of the subgraph was made, or null if there is none. */
  start: Date | null;
  /** Collects the effects that are older. */
  older: string[];
}

interface EffectRow {
  object: string;
  at: Date | null;
  effect: JsonRow;
  proposal: ApprovedProposal | null;
  extra: JsonRow | null;
}

/** Compares the effects of one kind with the proposals that could have made them, in both directions. */
async function* auditEffects(
  { sql }: AuditInput,
  { book, kind, rule, start, older }: Audited,
): AsyncGenerator<Finding> {
  const { from, where = 'true', object, at, on, kinds = [kind], extra = 'null::jsonb', without = 'false' } = rule;
  const approved = `with approved as (select * from (${book.proposals}) a where a.outcome = 'APPROVED')`;
  const isOfKind = kinds.map((name) => `p.kind = '${name}'`).join(' or ');
  const rows = sql.unsafe<EffectRow[]>(`${approved} select ${object} as object, ${at} as at, to_jsonb(e) as effect,
    to_jsonb(p) as proposal, ${extra} as extra from ${from} left join approved p on (${isOfKind}) and ${on} where ${where}`);
  const matched = new Map<string, string[]>();
  const effects = Map.groupBy(await rows, (row) => row.object);
  for (const [name, candidates] of effects) {
    const proposals = candidates.flatMap((row) => (row.proposal ? [{ ...row, proposal: row.proposal }] : []));
    const fitting = proposals.filter((row) => isAsProposed(rule, row));
    for (const { proposal } of fitting) matched.set(proposal.id, [...(matched.get(proposal.id) ?? []), name]);
    const [first] = candidates;
    if (fitting.length > 0 || first === undefined) continue;
    const claims = rule.claimsProposal?.(first.effect) ?? false;
    if (proposals.length > 0) yield buildFinding('EFFECT_DIFFERS', name, `与获准的提议不一致：${kind}`);
    else if (!claims && (start === null || (first.at !== null && first.at < start))) older.push(name);
    else yield buildFinding('EFFECT_WITHOUT_PROPOSAL', name, `没有获准的提议：${kind}`);
  }
  for (const [id, names] of matched)
    if (names.length > 1 && !rule.isMany)
      yield buildFinding('EFFECT_TWICE', `${book.object}:${id}`, `一项提议办了多项：${names.join('，')}`);
  const bound = sql.unsafe<{ id: string }[]>(
    `${approved} select p.id from approved p where p.kind = '${kind}' and not (${without})`,
  );
  for (const { id } of await bound)
    if (!matched.has(id))
      yield buildFinding('PROPOSAL_WITHOUT_EFFECT', `${book.object}:${id}`, `已批准而没有照办：${kind}`);
}

/** Whether an effect is what its proposal says. Content that cannot be read says nothing. */
function isAsProposed({ isAsProposed: compare }: EffectRule, row: EffectRow & { proposal: ApprovedProposal }): boolean {
  try {
    return compare(row.effect, row.proposal, row.extra);
  } catch {
    return false;
  }
}

/** Checks that each proposed import still has the file and the differences that were decided on. */
async function* auditFiles({ sql }: AuditInput): AsyncGenerator<Finding> {
  const rows = sql<{ id: string; content: string; file: string | null; differences: string[] | null }[]>`
    select p.id, p.content, f.file, f.differences from matters.proposal p
    left join matters.import_file f on f.proposal_id = p.id`;
  for await (const { id, content, file, differences } of streamRows(rows, 20)) {
    if (file === null || differences === null || !isFileOf(content, file, differences))
      yield buildFinding('PROPOSAL_ALTERED', `proposal:${id}`, '文件或差异与提议的摘要不一致');
  }
}

function isFileOf(text: string, file: string, differences: readonly string[]): boolean {
  try {
    const { digest, effectDigest, changed, unchanged } = JSON.parse(text);
    return sha256(file) === digest && computeEffectDigest({ differences, changed, unchanged }) === effectDigest;
  } catch {
    return false;
  }
}
