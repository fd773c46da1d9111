import { parsePublicKey } from '../../../subgraphs/cases/platform/platform.ts';
import type { ProposalKind } from '../../../subgraphs/cases/proposal/proposal.ts';
import { type ApprovedProposal, asIso, type EffectRule, inOrder, isSame, isSameTime, type JsonRow } from './effect.ts';
import { IS_ENDED_BY_TAKEOVER, isOfTakeover } from './takeovers.ts';

/** What approved proposals of cases made: agreements, calendars, platforms, webhooks, exceptions, people. */

/** The approved changes of a platform, or endings of a key, the newest last. */
const listLater = (kind: ProposalKind, condition: string) =>
  `(select jsonb_agg(to_jsonb(c) order by c.at) from approved c where c.kind = '${kind}' and ${condition})`;
const CHANGES = listLater('CHANGE_PLATFORM', "c.content->>'id' = e.id::text");
const ENDINGS = listLater('END_PLATFORM_KEY', "c.content->>'kid' = e.kid");
const toList = (extra: JsonRow | null) => (Array.isArray(extra) ? (extra as ApprovedProposal[]) : []);

/** The newest value of a field that approved changes set, or `first` if none does. */
function newestOf(changes: readonly ApprovedProposal[], field: string, first: unknown): unknown {
  return changes.findLast(({ content }) => content[field] !== null)?.content[field] ?? first;
}

/** Whether the end of a key is the newest approved one, or as it was entered. */
function isEndAsProposed({ valid_to }: JsonRow, endings: readonly ApprovedProposal[], entered: unknown): boolean {
  const newest = endings.at(-1);
  const end = newest ? (newest.content.validTo ?? newest.at) : entered;
  return end === null || end === undefined ? valid_to === null : isSameTime(valid_to, end);
}

function hasKey({ x }: JsonRow, { publicKey }: JsonRow): boolean {
  try {
    return parsePublicKey(publicKey) === x;
  } catch {
    return false;
  }
}

function readUrl(text: unknown): string | null {
  return typeof text === 'string' && URL.canParse(text) ? new URL(text).href : null;
}

const PLATFORM = { from: 'cases.platform e', object: "'platform:' || e.id", at: 'e.registered_at' };
const KEY = {
  from: '(select k.*, f.organ, f.registered_at from cases.platform_key k join cases.platform f on f.id = k.platform_id) e',
  object: "'key:' || e.kid",
  at: 'e.valid_from',
};
const WEBHOOK = { from: 'cases.webhook e', object: "'webhook:' || e.id" };

export const CASE_EFFECTS: Readonly<Record<ProposalKind, EffectRule>> = {
  RECORD_AGREEMENT: {
    ...{ from: 'cases.agreement e', object: "'agreement:' || e.number", at: 'e.recorded_at' },
    on: "p.content->>'number' = e.number and p.at = e.recorded_at",
    isAsProposed: (e, { content: c, proposed_by }) =>
      isSame(
        [e.city_organ, e.county_organ, e.matters, e.valid_from, e.scan_digest, e.recorded_by],
        [c.cityOrgan, c.countyOrgan, c.matters, c.validFrom, c.scanDigest, proposed_by],
      ) &&
      (e.ended_by !== null || isSame([e.valid_to], [c.validTo])),
    without: "exists (select 1 from cases.agreement e where e.number = p.content->>'number' and e.recorded_at < p.at)",
  },
  END_AGREEMENT: {
    ...{ from: 'cases.agreement e', object: "'agreement:' || e.number", at: 'e.recorded_at' },
    where: `e.ended_by is not null and not ${IS_ENDED_BY_TAKEOVER}`,
    on: "p.content->>'number' = e.number and p.content->>'on' = e.valid_to::text",
    isAsProposed: (e, { content, proposed_by }) => e.ended_by === proposed_by && e.end_reason === content.reason,
    // Another approved end followed.
    without: `exists (select 1 from approved c where c.kind = 'END_AGREEMENT' and c.at > p.at
      and c.content->>'number' = p.content->>'number')`,
  },
  LOAD_CALENDAR: {
    ...{ from: 'cases.calendar_notice e', object: "'calendar:' || e.year || ' ' || e.version", at: 'e.loaded_at' },
    on: "p.content->>'year' = e.year::text and p.at = e.loaded_at",
    isAsProposed: (e, { content: c, proposed_by_id }) =>
      isSame(
        [e.source, e.holidays, e.make_up_days, e.actor_id],
        [c.source, inOrder(c.holidays), inOrder(c.makeUpDays), proposed_by_id],
      ),
    without: `exists (select 1 from cases.calendar_notice e where e.year::text = p.content->>'year'
      and e.loaded_at < p.at and e.source = p.content->>'source')`,
  },
  REGISTER_PLATFORM: {
    ...PLATFORM,
    on: "p.content->>'organ' = e.organ and p.at = e.registered_at",
    extra: CHANGES,
    isAsProposed: (e, { content }, extra) => {
      const changes = toList(extra);
      const renewals = changes.filter((change) => change.content.renewSecret === true).length;
      return isSame(
        [e.name, e.url, e.secret_version],
        [newestOf(changes, 'name', content.name), newestOf(changes, 'url', content.url), 1 + renewals],
      );
    },
  },
  CHANGE_PLATFORM: {
    ...PLATFORM,
    where: 'p.id is not null',
    on: "p.content->>'id' = e.id::text",
    extra: CHANGES,
    isMany: true,
    isAsProposed: (e, _, extra) =>
      isSame([e.name, e.url], [newestOf(toList(extra), 'name', e.name), newestOf(toList(extra), 'url', e.url)]),
  },
  ADD_PLATFORM_KEY: {
    ...KEY,
    kinds: ['ADD_PLATFORM_KEY', 'REGISTER_PLATFORM'],
    on: `(p.kind = 'REGISTER_PLATFORM' and p.content->>'organ' = e.organ and p.at = e.registered_at and p.at = e.valid_from
      or p.kind = 'ADD_PLATFORM_KEY' and p.content->>'id' = e.platform_id::text
      and ${asIso('e.valid_from')} = coalesce(p.content->>'validFrom', ${asIso('p.at')}))`,
    extra: ENDINGS,
    isAsProposed: (e, { content }, extra) =>
      hasKey(e, content) && isEndAsProposed(e, toList(extra), content.validTo ?? null),
  },
  END_PLATFORM_KEY: {
    ...KEY,
    where: 'p.id is not null',
    on: "p.content->>'kid' = e.kid and p.content->>'id' = e.platform_id::text",
    extra: ENDINGS,
    isAsProposed: (e, _, extra) => isEndAsProposed(e, toList(extra), null),
  },
  REMOVE_PLATFORM: {
    ...PLATFORM,
    ...{ at: 'e.removed_at', where: `e.removed_at is not null and not ${isOfTakeover('e.removed_at')}` },
    on: "p.content->>'id' = e.id::text and p.at = e.removed_at",
    isAsProposed: () => true,
  },
  REGISTER_WEBHOOK: {
    ...{ ...WEBHOOK, at: 'e.registered_at' },
    on: "p.content->>'organ' = e.organ and p.at = e.registered_at",
    isAsProposed: (e, { content, proposed_by }) => e.url === readUrl(content.url) && e.registered_by === proposed_by,
  },
  REMOVE_WEBHOOK: {
    ...{ ...WEBHOOK, at: 'e.ended_at', where: `e.ended_at is not null and not ${isOfTakeover('e.ended_at')}` },
    // The registration of another one ends it, too.
    kinds: ['REMOVE_WEBHOOK', 'REGISTER_WEBHOOK'],
    on: "p.content->>'organ' = e.organ and p.at = e.ended_at",
    isAsProposed: () => true,
  },
  RECORD_EXCEPTION: {
    ...{ from: 'cases.duty_exception e', object: "'exception:' || e.id", at: 'e.at' },
    on: 'p.id = e.id',
    isAsProposed: (e, { content: c, at }) =>
      isSameTime(e.at, at) &&
      isSame(
        [e.organ, e.kind, e.person_id, e.person_organ, e.valid_from, e.valid_to, e.reason],
        [c.organ, c.kind, c.person, c.personOrgan, c.validFrom, c.validTo, c.reason],
      ),
  },
  // `auditAppointments` carries the changes out again. This is who signed them.
  CHANGE_PEOPLE: {
    from: `(select subject, proposed_by_id, approved_by_id, recorded_at from cases.appointment where source = 'PROPOSAL'
      union all select a.subject, x.proposed_by_id, x.approved_by_id, x.recorded_at from cases.appointment_end x
      join cases.appointment a on a.id = x.appointment_id where not ${isOfTakeover('x.recorded_at')}) e`,
    ...{ object: "'person:' || e.subject", at: 'e.recorded_at', isMany: true },
    on: 'p.at = e.recorded_at and p.proposed_by_id = e.proposed_by_id and p.actor_id = e.approved_by_id',
    isAsProposed: (e, { content }) =>
      Array.isArray(content.changes) && content.changes.some((change: JsonRow) => change?.subject === e.subject),
  },
};
