import type postgres from 'postgres';
import { BASES, buildErasureLeaf, type ErasureBasis } from '../../subgraphs/seals/log/leaf.ts';
import { UsageError } from '../evidence-files.ts';

/**
 * Lawful erasure (合法删除, 个人信息保护法 art. 47) of one version of a license. It destroys the random elements and the
 * personal data of the version, its acts, its grant and its files. Digests and entries of the log stay: nothing is left
 * to test a guess with. One transaction also records the erasure, with its leaf.
 */

/** What stands in place of erased words. */
export const ERASED_TEXT = '（已依法删除）';
/** States of a version that can be erased: it is out of force for good. */
const ENDED_STATES = ['SUPERSEDED', 'LAPSED', 'RESCINDED', 'WITHDRAWN', 'REVOKED', 'CANCELLED'];

export interface ErasureOrder {
  identifier: string;
  basis: ErasureBasis;
  /** Who ordered it: a person of the office. Kept in the database, not in the log. */
  orderedBy: string;
  at: Date;
}

/** What an erasure destroys, for the operator. */
export interface ErasureReport {
  acts: number;
  files: number;
  /** Whether leaves of release 0.4 remain, whose digests still test a guess. */
  hasClosedLeaves: boolean;
}

interface ErasedAct {
  id: string;
  caseId: string | null;
  documentDigest: string;
  signatureDigest: string;
  isSalted: boolean;
}

/** Returns an order if its fields are usable. Throws UsageError. */
export function requireOrder(order: { identifier: string; basis: string; orderedBy: string; at: Date }): ErasureOrder {
  const basis = BASES.find((candidate) => candidate === order.basis);
  if (!basis) throw new UsageError(`--basis 须为 must be one of ${BASES.join('、')}`);
  if (!/^\S.{0,60}\S$/u.test(order.orderedBy)) throw new UsageError('--by 须写明批准删除的人 — who ordered it');
  return { ...order, basis };
}

/** Erases a version. Must be called inside a transaction of the database's owner. Throws UsageError if it may not. */
export async function eraseVersion(sql: postgres.TransactionSql, order: ErasureOrder): Promise<ErasureReport> {
  const { identifier } = order;
  await requireErasable(sql, identifier);
  // What the register stated (a record with jti) has nothing of the holder, so it stays.
  const acts = await sql<ErasedAct[]>`select a.id, a.case_id as "caseId", a.document_digest as "documentDigest",
      a.signature_digest as "signatureDigest", coalesce(u.is_salted, false) as "isSalted"
    from licenses.act a left join seals.seal_use u on u.issuance_id = a.id
    where a.identifier = ${identifier} and a.state = 'DONE' and not a.record ? 'jti' order by a.serial`;
  await eraseContents(sql, identifier, acts);
  const files = await sql`delete from licenses.document
    where digest in ${sql(acts.flatMap(({ documentDigest, signatureDigest }) => [documentDigest, signatureDigest]))}`;
  for (const { id } of acts) await recordErasure(sql, id, order);
  return { acts: acts.length, files: files.count, hasClosedLeaves: acts.some(({ isSalted }) => !isSalted) };
}

async function requireErasable(sql: postgres.TransactionSql, identifier: string): Promise<void> {
  const [version] = await sql<{ number: string; state: string; revision: number; code: string | null }[]>`
    select number, case when superseded_from <= (now() at time zone 'Asia/Shanghai')::date and state in ('VALID', 'SUSPENDED')
      then 'SUPERSEDED' else state end as state, revision
    from licenses.license_version where identifier = ${identifier} for update`;
  if (!version) throw new UsageError(`没有证照 ${identifier} — no such license version`);
  const [line] = await sql`select from licenses.registration_line where identifier = ${identifier}`;
  if (line)
    throw new UsageError(
      `${identifier} 是存量登记，随台账归档保存 — it is kept with the ledger that it was entered from`,
    );
  const { number, state, revision } = version;
  if (!ENDED_STATES.includes(state)) throw new UsageError(`${identifier} 仍然有效（${state}）— it has not ended`);
  const [erased] = await sql`select from seals.erasure where identifier = ${identifier}`;
  if (erased) throw new UsageError(`${identifier} 已经删除 — it is erased already`);
  const [prepared] = await sql`select from licenses.act where number = ${number} and state = 'PREPARED'`;
  if (prepared) throw new UsageError(`证照 ${number} 有尚未办完的事项 — an act on it is not done`);
  const [waiting] = await sql`select from licenses.outbox_delivery
    where consumer = 'library' and stream = ${`license:${number}`} and delivered < ${revision}`;
  if (waiting) throw new UsageError(`证照 ${number} 尚未归集完毕 — the city library has not collected it`);
}

/** Erases the record of the version, and every copy of it and of its grant in the database. */
async function eraseContents(
  sql: postgres.TransactionSql,
  identifier: string,
  acts: readonly ErasedAct[],
): Promise<void> {
  const record = sql.json({ CZZT: ERASED_TEXT, CZZTDM: '', KZ_NR: [] });
  const content = sql.json({ holder: { name: ERASED_TEXT, code: '', codeKind: 'CITIZEN_NUMBER' }, fields: [] });
  const caseIds = acts.flatMap(({ caseId }) => (caseId === null ? [] : [caseId]));
  await sql`update licenses.license_version set record = (record - 'KZ_SJS' - 'KZ_GY') || ${record}
    where identifier = ${identifier}`;
  await sql`update licenses.act set rendered = null, record = (record - 'KZ_SJS' - 'KZ_GY') || ${record}
    where identifier = ${identifier} and record ? 'CZZT'`;
  await sql`update licenses.act set reason = case when reason is null then null else ${ERASED_TEXT} end,
    record = (record - 'KZ_SJS') || ${sql.json({ SM: ERASED_TEXT })}
    where identifier = ${identifier} and record ? 'CZ'`;
  await sql`update licenses.license set holder_code = '', co_holder_codes = '{}', holder_name = ${ERASED_TEXT}
    where head_identifier = ${identifier}`;
  await sql`update licenses.outbox_event set payload = jsonb_set(payload, '{license}', ((payload->'license') - 'coOwnership') || ${content})
    where type = 'LicenseChanged' and payload->>'identifier' = ${identifier}`;
  await sql`update cases.license_fact set fact = jsonb_set(fact, '{license}', ((fact->'license') - 'coOwnership') || ${content})
    where fact->>'identifier' = ${identifier}`;
  await eraseReasons(sql, identifier, caseIds);
  if (caseIds.length === 0) return;
  await sql`update licenses.certificate_task set content = (content - 'salt' - 'changes' - 'coOwnership') || ${content},
    service = null, void_reason = case when void_reason is null then null else ${ERASED_TEXT} end
    where case_id in ${sql(caseIds)}`;
  await sql`update cases.outbox_event
    set payload = jsonb_set(payload - 'service', '{content}', ((payload->'content') - 'salt' - 'changes' - 'coOwnership') || ${content})
    where type = 'CaseGranted' and payload->>'caseId' in ${sql(caseIds)}`;
  // The digest of the request has no random element.
  await sql`update cases.case_file set applicant_name = ${ERASED_TEXT}, applicant_code = '', co_ownership = null,
    agent = null, contact = null, fields = '[]'::jsonb, request_digest = '' where id in ${sql(caseIds)}`;
}

/** Erases the reasons of what was proposed for the version and its cases, and of orders that its acts carried out. */
async function eraseReasons(sql: postgres.TransactionSql, identifier: string, caseIds: readonly string[]) {
  const erased = await sql<{ id: string }[]>`update licenses.proposal
    set content = jsonb_set(content::jsonb, '{reason}', to_jsonb(${ERASED_TEXT}::text))::text
    where content::jsonb->>'identifier' = ${identifier} or content::jsonb->>'subject' = any(${[...caseIds]})
    returning id`;
  await sql`update licenses.proposal_outcome set reason = ${ERASED_TEXT}
    where reason is not null and proposal_id = any(${erased.map(({ id }) => id)})`;
  await sql`update licenses.supervision_order set reason = ${ERASED_TEXT},
      answer = case when answer is null then null else ${ERASED_TEXT} end
    where id in (select order_id from licenses.act where identifier = ${identifier} and order_id is not null)`;
}

/** Records an erasure and its leaf, which the log then publishes. */
async function recordErasure(
  sql: postgres.TransactionSql,
  issuanceId: string,
  { identifier, basis, orderedBy, at }: ErasureOrder,
): Promise<void> {
  await sql`insert into seals.erasure (issuance_id, identifier, basis, ordered_by, at)
    values (${issuanceId}, ${identifier}, ${basis}, ${orderedBy}, ${at})`;
  const { kind, subject, entry, hash } = buildErasureLeaf({ issuanceId, identifier, basis, at });
  await sql`with written as (insert into seals.log_leaf (kind, subject, entry, hash, at)
      values (${kind}, ${subject}, ${entry}, ${Buffer.from(hash)}, ${at}) returning serial)
    insert into seals.log_pending (serial) select serial from written`;
}
