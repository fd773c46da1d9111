import { computeContentDigest, sha256 } from '../../../subgraphs/kernel/events/events.ts';
import { OWN_ACTS, type OwnAct } from '../../../subgraphs/kernel/license-acts.ts';
import {
  type CountersignedKind,
  subjectOfBox,
  subjectOfWriteOff,
} from '../../../subgraphs/licenses/countersign/countersign.ts';
import { type BlankBox, SEED_ACTOR, SERIAL_DIGITS } from '../../../subgraphs/licenses/paper/paper.ts';
import { toRecordedHearing } from '../../../subgraphs/licenses/proposal/grounds.ts';
import { REGISTRATION_KIND } from '../../../subgraphs/licenses/registration/registration.ts';
import { TRANSFER_KIND, type TransferKind } from '../../../subgraphs/licenses/stock/transfer.ts';
import { type FileReading, readGuideFile, readOverlayFile } from '../../../subgraphs/matters/guide/file.ts';
import { readLicenseTypeFile } from '../../../subgraphs/matters/license-type/file.ts';
import { type OrganLine, parseOrgans } from '../../../subgraphs/matters/organ/list.ts';
import type { ImportKind } from '../../../subgraphs/matters/proposal/proposal.ts';
import type { ApplicationKind } from '../../../subgraphs/seals/application/application.ts';
import { type EffectRule, isSame, isSameTime, type JsonRow } from './effect.ts';

/** What approved proposals of licenses, matters and seals made. */

const recordHearing = (hearing: JsonRow | null | undefined) =>
  hearing ? toRecordedHearing(hearing as Parameters<typeof toRecordedHearing>[0]) : null;

/** An act on the organ's own authority. The sealed statement names its proposal (KZ_NBBH), number and hearing. */
function ownActRule(act: OwnAct): EffectRule {
  return {
    from: `(select id, act, number, identifier, reason, order_id, proposal_id, organ->>'id' as organ, actor_id, record,
        prepared_at, exists (select 1 from seals.erasure x where x.issuance_id = act.id) as is_erased
      from licenses.act where case_id is null and act = '${act}') e`,
    ...{ object: "'act:' || e.id", at: 'e.prepared_at', on: 'p.id = e.proposal_id' },
    isAsProposed: (e, { id, organ, content: c, actor_id }) =>
      isSame(
        [e.number, e.identifier, e.order_id, e.organ, e.actor_id, e.record.KZ_NBBH, e.record.KZ_JGZL],
        [c.number, c.identifier, c.order, organ, actor_id, id, c.order],
      ) &&
      isSame([e.record.KZ_JDWH, e.record.KZ_TZ], [c.decisionNumber, recordHearing(c.hearing)]) &&
      (e.is_erased || isSame([e.reason, e.record.SM], [c.reason, c.reason])),
    claimsProposal: (e) => e.proposal_id !== null || e.record.KZ_NBBH !== undefined,
  };
}

/** SQL: whether a box `e` of blanks is of the invented stock: of a demonstration, before any take-over. */
const IS_OF_SEED = `(e.actor = '${SEED_ACTOR}' and not exists (select 1 from cases.takeover t where t.at <= e.at))`;

function toBox({ organ, prefix, digits, first: from, last: to, license_type: licenseType }: JsonRow): BlankBox {
  return { organ, prefix, digits, from, to, licenseType };
}

/** What two persons asked for by the same mutation (双人复核): each approved wish has its effect at that moment. */
const COUNTERSIGNED_EFFECTS: Readonly<Record<CountersignedKind, EffectRule>> = {
  VOID_TASK: {
    ...{ from: 'licenses.certificate_task e', object: "'case:' || e.case_number", at: 'e.voided_at' },
    ...{ where: 'e.voided_at is not null', on: "p.content->>'subject' = e.case_id::text and p.at = e.voided_at" },
    isAsProposed: () => true,
  },
  DECLINE_ORDER: {
    ...{ from: 'licenses.supervision_order e', object: "'order:' || e.id", at: 'e.answered_at' },
    ...{ where: "e.state = 'DECLINED'", on: "p.content->>'subject' = e.id::text and p.at = e.answered_at" },
    isAsProposed: () => true,
  },
  RECEIVE_BLANKS: {
    ...{ from: 'licenses.blank_box e', where: `not ${IS_OF_SEED}`, at: 'e.at' },
    object: "'blank:' || e.prefix || lpad(e.first::text, e.digits, '0')",
    on: "p.at = e.at and split_part(p.content->>'subject', ' ', 2) = e.prefix",
    isAsProposed: (e, { organ, content }) => organ === e.organ && content.subject === subjectOfBox(toBox(e)),
  },
  WRITE_OFF_BLANKS: {
    ...{ from: 'licenses.blank_write_off e', at: 'e.at', on: 'p.id = e.proposal_id' },
    object: "'blank:' || e.prefix || lpad(e.first::text, e.digits, '0')",
    isAsProposed: (e, { organ, content, at }) =>
      isSame([organ, content.subject], [e.organ, subjectOfWriteOff({ ...toBox(e), reason: e.reason })]) &&
      isSameTime(e.at, at),
    claimsProposal: () => true,
  },
};

/** A transfer (调拨) that the receiving organ confirmed: the receipt in the ledgers of its blanks. */
const TRANSFER_EFFECT: EffectRule = {
  from: `(select t.*, r.at, r.received from licenses.blank_transfer t
    join lateral (select max(at) as at, count(*)::int as received from licenses.blank_entry
      where proposal_id = t.proposal_id and organ = t.receiver) r on r.received > 0) e`,
  ...{ object: "'blank:' || e.prefix || lpad(e.first::text, e.digits, '0')", at: 'e.at', on: 'p.id = e.proposal_id' },
  isAsProposed: (e, { organ, content: c, at }) =>
    isSame(
      [e.receiver, e.receiver, e.organ, e.prefix, e.digits, e.first, e.last, e.received],
      [organ, c.receiver, c.organ, c.prefix, c.digits ?? SERIAL_DIGITS, c.from, c.to, c.to - c.from + 1],
    ) && isSameTime(e.at, at),
  claimsProposal: () => true,
};

/** Licenses that were entered from an approved ledger of paper (存量登记). */
const REGISTRATION_EFFECT: EffectRule = {
  from: `(select v.identifier, v.signed_at, l.proposal_id, v.record = l.record and l.act_id = a.id as is_line,
      v.record->>'KZ_SX' as matter, v.record->'KZ_DJ' as taken, a.organ->>'id' as organ, a.actor_id, a.record as stated,
      f.digest, f.actual
    from licenses.license_version v left join licenses.registration_line l on l.identifier = v.identifier
    left join licenses.act a on a.identifier = v.identifier and a.act = 'REGISTER'
    left join (select proposal_id, digest, encode(sha256(bytes), 'hex') as actual from licenses.registration_file offset 0) f
      on f.proposal_id = l.proposal_id
    where v.record->>'KZ_CZ' = 'REGISTER') e`,
  ...{ object: "'license:' || e.identifier", at: 'e.signed_at', on: 'p.id = e.proposal_id', isMany: true },
  isAsProposed: (e, { organ, content: c, actor_id, proposed_by_id, proposed_by }) =>
    isSame(
      [e.is_line, e.digest, e.actual, e.taken.WJZY, e.stated.file, e.matter, e.organ, e.actor_id, e.taken.NBR],
      [true, c.digest, c.digest, c.digest, c.digest, c.matterId, organ, actor_id, proposed_by],
    ) && isSame([e.stated.by, e.stated.preparedBy], [sha256(actor_id), sha256(proposed_by_id)]),
  claimsProposal: () => true,
  without: 'exists (select 1 from licenses.registration_progress g where g.proposal_id = p.id and g.entered = 0)',
};

export const LICENSE_EFFECTS = {
  ...Object.fromEntries(OWN_ACTS.map((act) => [act, ownActRule(act)])),
  ...COUNTERSIGNED_EFFECTS,
  [TRANSFER_KIND]: TRANSFER_EFFECT,
  [REGISTRATION_KIND]: REGISTRATION_EFFECT,
} as Readonly<Record<OwnAct | CountersignedKind | TransferKind | typeof REGISTRATION_KIND, EffectRule>>;

/** A publication must hold what the approved file says. */
function isOfFile<Content extends object>(
  read: (file: { format: 'JSON' | 'CSV'; text: string }) => FileReading<Content>,
  digest: unknown,
  published: unknown,
  { format }: JsonRow,
  extra: JsonRow | null,
): boolean {
  if ((format !== 'JSON' && format !== 'CSV') || typeof extra?.file !== 'string') return false;
  const { content } = read({ format, text: extra.file });
  return (
    content !== null && computeContentDigest(content) === digest && computeContentDigest(published as object) === digest
  );
}

/** A version of a license type must be what the approved file says. */
function isTypeOfFile(digest: unknown, published: unknown, extra: JsonRow | null): boolean {
  if (typeof extra?.file !== 'string') return false;
  const { content } = readLicenseTypeFile({ text: extra.file });
  return (
    content !== null && computeContentDigest(content) === digest && computeContentDigest(published as object) === digest
  );
}

/** Every name and share that a reform entered must be a line of the approved file. */
function isReformOfFile(extra: JsonRow | null): boolean {
  if (typeof extra?.file !== 'string') return false;
  const { lines } = parseOrgans(extra.file);
  const names = (extra.names ?? []) as JsonRow[];
  const shares = (extra.shares ?? []) as JsonRow[];
  const isLine = (row: JsonRow, columns: (line: OrganLine) => unknown[], values: unknown[]) =>
    lines.some(
      (line) => line.organ === row.organ && line.validFrom === row.valid_from && isSame(columns(line), values),
    );
  return (
    names.every((row) => isLine(row, ({ action, name }) => [action, name], ['RENAME', row.name])) &&
    shares.every((row) =>
      isLine(row, ({ action, successor, matters }) => [action, successor, matters], [
        'END',
        row.successor,
        row.matters,
      ]),
    )
  );
}

/** The file of the proposal that could have made the effect. */
const FILE = "(select jsonb_build_object('file', f.file) from matters.import_file f where f.proposal_id = p.id)";

export const IMPORT_EFFECTS: Readonly<Record<ImportKind, EffectRule>> = {
  DELEGATIONS: {
    from: `(select i.*, (select count(*)::int from matters.delegation_change c where c.import_id = i.id) as changes
      from matters.delegation_import i) e`,
    ...{ object: "'import:' || e.id", at: 'e.imported_at', on: 'p.at = e.imported_at' },
    isAsProposed: (e, { content: c, proposed_by_id }) =>
      isSame(
        [e.digest, e.basis, e.changed, e.unchanged, e.changes, e.actor_id],
        [c.digest, c.basis, c.changed, c.unchanged, c.changed, proposed_by_id],
      ),
  },
  GUIDE: {
    ...{ from: 'matters.guide_version e', object: "'guide:' || e.matter_id || ' ' || e.version", at: 'e.published_at' },
    ...{ on: 'p.at = e.published_at', extra: FILE },
    isAsProposed: (e, { content, proposed_by_id }, extra) =>
      e.published_by === proposed_by_id && isOfFile(readGuideFile, e.digest, e.guide, content, extra),
  },
  GUIDE_OVERLAY: {
    ...{ from: 'matters.guide_overlay e', where: 'e.carried_from is null', at: 'e.published_at' },
    object: "'guide:' || e.matter_id || ' ' || e.version || ' ' || e.division_code || ' ' || e.revision",
    ...{ on: 'p.at = e.published_at', extra: FILE },
    isAsProposed: (e, { content, proposed_by_id }, extra) =>
      e.published_by === proposed_by_id && isOfFile(readOverlayFile, e.digest, e.overlay, content, extra),
  },
  ORGANS: {
    ...{ from: 'matters.organ_reform e', object: "'reform:' || e.id", at: 'e.imported_at', on: 'p.at = e.imported_at' },
    extra: `(select jsonb_build_object('file', f.file,
        'names', (select jsonb_agg(n) from matters.organ_name n where n.reform_id = e.id),
        'shares', (select jsonb_agg(s) from matters.organ_succession s where s.reform_id = e.id))
      from matters.import_file f where f.proposal_id = p.id)`,
    isAsProposed: (e, { content: c, proposed_by_id }, extra) =>
      isReformOfFile(extra) &&
      isSame(
        [e.digest, e.basis, e.changed, e.unchanged, e.actor_id],
        [c.digest, c.basis, c.changed, c.unchanged, proposed_by_id],
      ),
  },
  LICENSE_TYPE: {
    // A start adds the first version of a type that has none (seeds/license-types).
    where: "not (e.published_by = 'seed' and e.version = 1)",
    ...{
      from: 'matters.license_type_version e',
      object: "'type:' || e.code || ' ' || e.version",
      at: 'e.published_at',
    },
    ...{ on: 'p.at = e.published_at', extra: FILE },
    isAsProposed: (e, { proposed_by_id }, extra) =>
      e.published_by === proposed_by_id && isTypeOfFile(e.digest, e.type, extra),
  },
};

/** The entry of a seal's ledger that an approved application made. `auditSeals` finds entries without one. */
function sealRule(event: string, more: Partial<EffectRule> = {}): EffectRule {
  return {
    from: 'seals.seal_event e',
    where: `e.event = '${event}' and e.application_id is not null and p.id is not null`,
    ...{ object: "'event:' || e.serial", at: 'e.at', on: 'p.id = e.application_id' },
    isAsProposed: (e, { content, actor_id, proposed_by_id, seal_id }: JsonRow) =>
      isSame([e.actor_id, e.applied_by_id, e.seal_id], [actor_id, proposed_by_id, seal_id]) &&
      (content.matter === undefined || content.matter === e.matter_id),
    ...more,
  } as EffectRule;
}

const GRANT_OF = `(select to_jsonb(count(*)) from seals.seal_grant g where g.seal_id = e.seal_id and g.matter_id = e.matter_id
  and g.person_id is not distinct from p.content->>'person' and g.valid_from::text is not distinct from p.content->>'from'
  and g.valid_to::text is not distinct from p.content->>'to')`;
const PICTURE_OF = `(select to_jsonb(count(*)) from seals.seal_picture g where g.seal_id = e.seal_id
  and g.application_id = p.id and g.digest is not distinct from p.content->>'digest')`;
const isEntered: EffectRule['isAsProposed'] = (e, proposal, extra) =>
  Number(extra) > 0 && sealRule('').isAsProposed(e, proposal, null);

export const SEAL_EFFECTS: Readonly<Record<ApplicationKind, EffectRule>> = {
  MAKE: sealRule('MADE'),
  GRANT: sealRule('GRANTED', { extra: GRANT_OF, isAsProposed: isEntered }),
  WITHDRAW_GRANT: sealRule('GRANT_WITHDRAWN'),
  END: sealRule('ENDED'),
  ROTATE: sealRule('ROTATED'),
  RESUME: sealRule('RESUMED'),
  CERTIFICATE: sealRule('CERTIFICATE_ENTERED'),
  PICTURE: sealRule('PICTURE_CHANGED', { extra: PICTURE_OF, isAsProposed: isEntered }),
};
