import { type Transaction, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import type { StoredProposal } from '../../kernel/proposal/store.ts';
import { type ListFormat, type ListProblem, type ParsedPeople, parsePeople } from '../person/list.ts';
import { planList } from '../person/workflow.ts';
import { ADMINISTRATION_POLICY } from './policy.ts';
import type { ProposalKind } from './proposal.ts';
import { type ProposalDependencies, propose } from './workflow.ts';

/** A list of changes of the register of people, as somebody enters it. */
export interface PeopleList {
  format: ListFormat;
  list: string;
  dryRun: boolean;
}

export interface PeopleImport {
  /** One for each organ. Empty for a rehearsal, and if there is a problem. */
  proposals: StoredProposal<ProposalKind>[];
  /** Number of changes that are proposed. */
  changes: number;
  unchanged: number;
  problems: ListProblem[];
}

/**
 * Proposes a list of changes, one proposal for each organ whose people it changes: all of it, or nothing with every
 * problem. Each proposal must be possible by itself, whichever is approved first.
 * Refuses ROLE_NOT_ALLOWED, IMPORT_TOO_LARGE, IMPORT_EMPTY, FIELD_MALFORMED, OWN_RIGHTS, PROPOSALS_TOO_MANY.
 */
export function importPeople(
  deps: ProposalDependencies,
  actor: Actor,
  { format, list, dryRun }: PeopleList,
): Promise<PeopleImport> {
  requireAllowed(ADMINISTRATION_POLICY.importPeople, null, actor);
  const parsed = parsePeople(format, list, deps.issuer);
  return transact(deps.db, dryRun, async (tx) => {
    const { groups, unchanged, problems } = await planGroups(tx, parsed, deps.now());
    if (problems.length > 0) return { proposals: [], changes: 0, unchanged: 0, problems };
    const proposals: StoredProposal<ProposalKind>[] = [];
    for (const group of groups) {
      const content = { changes: group.map(({ change }) => change) };
      const input = { kind: 'CHANGE_PEOPLE', content, dryRun } as const;
      const { proposal } = await propose({ ...deps, db: tx }, actor, input);
      if (proposal !== null) proposals.push(proposal);
    }
    return { proposals, changes: groups.flat().length, unchanged, problems };
  });
}

async function planGroups(tx: Transaction, { changes, problems }: ParsedPeople, at: Date) {
  const whole = await planList(tx, changes, at);
  const groups = [...Map.groupBy(whole.planned, ({ organ }) => organ).values()];
  const found = [...problems, ...whole.problems];
  if (groups.length > 1) for (const group of groups) found.push(...(await planList(tx, group, at)).problems);
  return { groups, unchanged: whole.unchanged, problems: found.sort((one, other) => one.line - other.line) };
}
