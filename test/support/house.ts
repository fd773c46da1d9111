import { createHash } from 'node:crypto';
import postgres from 'postgres';
import { readAttachment } from '../../subgraphs/kernel/attachment.ts';
import { canonical } from '../../subgraphs/kernel/events.ts';
import { isSealedPdf } from '../../subgraphs/kernel/pdf.ts';
import { digestOfSealable, readSealedPdf } from '../../subgraphs/kernel/sealed-pdf.ts';
import { attachedOf } from '../../subgraphs/licenses/code.ts';
import type { LicenseRecord } from '../../subgraphs/licenses/record.ts';

/**
 * Reads a hub's whole database as the superuser and lists inconsistencies between the two ledgers, versions, sheets,
 * blanks, files, attached records and seal uses. Returns [] if the database is consistent.
 */
export async function faultsOfHouse(adminUrl: string): Promise<string[]> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => {} });
  try {
    const lists = [await ledgers(sql), await sheets(sql), await blanks(sql), await versions(sql), await uses(sql)];
    return lists.flat();
  } finally {
    await sql.end();
  }
}

const told = (rule: string, rows: readonly object[]) => rows.map((row) => `${rule}: ${JSON.stringify(row)}`);

async function ledgers(sql: postgres.Sql): Promise<string[]> {
  const differing = await sql`
    select number, seq from (select number, seq, version, identifier, act, state_after, content_digest, act_id, at from licenses.license_entry) l
    full join (select number, seq, version, identifier, act, state_after, content_digest, act_id, at from licenses.paper_entry) p
    using (number, seq, version, identifier, act, state_after, content_digest, act_id, at)
    where l is null or p is null`;
  const stale = await sql`
    select v.identifier, v.state, e.state_after from licenses.license_version v
    join lateral (select state_after from licenses.license_entry where identifier = v.identifier order by seq desc limit 1) e on true
    where e.state_after <> v.state`;
  const gaps = await sql`
    select number from licenses.license_entry group by number having max(seq) <> count(*)
    union all select number from licenses.license_version group by number having max(version) <> count(*)
    union all select number from licenses.license_version where state in ('VALID', 'SUSPENDED') group by number having count(*) > 1`;
  return [
    ...told('ledgers differ', differing),
    ...told('version is not what its ledger says', stale),
    ...told('gap', gaps),
  ];
}

async function sheets(sql: postgres.Sql): Promise<string[]> {
  return told(
    'paper is not its document',
    await sql`
      select v.identifier, v.state, s.validity, s.content_digest = v.record_digest as same from licenses.license_version v
      left join licenses.sheet s on s.identifier = v.identifier and s.state <> 'SPOILED'
      where s.blank_number is null or s.validity <> v.state or s.content_digest <> v.record_digest`,
  );
}

async function blanks(sql: postgres.Sql): Promise<string[]> {
  const off = await sql`
    select b.number, b.state, e.state as entered, s.state as sheet from licenses.blank b
    left join lateral (select state from licenses.blank_entry where number = b.number order by seq desc limit 1) e on true
    left join licenses.sheet s on s.blank_number = b.number
    where e.state is distinct from b.state or (b.state not in ('IN_STOCK', 'ASSIGNED') and s.state is distinct from b.state)
      or (b.state in ('IN_STOCK', 'ASSIGNED') and s.blank_number is not null)`;
  const held = await sql`
    select number from licenses.blank where state = 'ASSIGNED' and not exists
      (select 1 from licenses.act where blank_number = blank.number and state = 'PREPARED')`;
  return [...told('blank does not add up', off), ...told('blank is lost', held)];
}

async function versions(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<
    {
      identifier: string;
      record: LicenseRecord;
      code: string | null;
      record_digest: string;
      document: Buffer | null;
      document_digest: string;
      signature: Buffer | null;
      signature_digest: string;
    }[]
  >`
    select v.identifier, v.record, v.code, v.record_digest, v.document_digest, v.signature_digest, d.bytes as document, s.bytes as signature
    from licenses.license_version v left join licenses.document d on d.digest = v.document_digest
    left join licenses.document s on s.digest = v.signature_digest`;
  const digest = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
  return rows.flatMap(
    ({ identifier, record, code, record_digest, document, document_digest, signature, signature_digest }) => {
      const text = canonical(record);
      if (document === null) return [`${identifier} has no file`];
      const inside = isSealedPdf(document) ? readSealedPdf(document) : null;
      const good =
        (signature === null) === (inside !== null) &&
        digest(document) === document_digest &&
        digest(inside?.cms ?? signature ?? '') === signature_digest &&
        digest(text) === record_digest &&
        Buffer.from(readAttachment(inside?.unsigned ?? document, 'metadata.json') ?? '').toString('utf8') ===
          canonical(attachedOf(record, code));
      return good ? [] : [`files of ${identifier} do not fit its record`];
    },
  );
}

async function uses(sql: postgres.Sql): Promise<string[]> {
  const acts = await sql<Act[]>`
    select a.id, a.identifier, a.act, d.bytes as document, s.bytes as signature, u.identifier as used_for, u.act as used_act,
      u.document_digest as sealed_digest, u.signature as made
    from licenses.act a left join seals.seal_use u on u.issuance_id = a.id
    left join licenses.document d on d.digest = a.document_digest left join licenses.document s on s.digest = a.signature_digest
    where a.state = 'DONE'`;
  const unrecorded = acts.filter((act) => !isRecorded(act)).map(({ id, identifier }) => ({ id, identifier }));
  const orphaned = await sql`
    select u.issuance_id from seals.seal_use u left join licenses.act a on a.id = u.issuance_id
    left join cases.decision_seal d on d.notice_id = u.issuance_id where a.id is null and d.notice_id is null`;
  const decisions = await sql<Decision[]>`
    select d.notice_id, f.bytes as file, d.signature, u.document_digest as sealed_digest, u.signature as made
    from cases.decision_seal d join cases.notice n on n.id = d.notice_id left join cases.sealed_file f on f.digest = d.document_digest
    left join seals.seal_use u on u.issuance_id = d.notice_id and u.content_digest = n.content_digest and u.act = 'DECISION'
    where d.state = 'DONE'`;
  const unsealed = decisions
    .filter(({ file, signature, sealed_digest, made }) => {
      if (file === null || signature === null || made === null || !made.equals(signature)) return true;
      const digest = isSealedPdf(file) ? digestOfSealable(file) : createHash('sha256').update(file).digest();
      return digest.toString('hex') !== sealed_digest;
    })
    .map(({ notice_id }) => ({ notice_id }));
  const unlogged = await sql`
    select kind, id from (select 'SEAL_USE' as kind, issuance_id::text as id from seals.seal_use
      union all select 'CODE_USE', issuance_id::text from seals.seal_code union all select 'SEAL_EVENT', serial::text from seals.seal_event) u
    where not exists (select 1 from seals.log_leaf l where l.kind = u.kind and l.subject = u.id)`;
  const lost = await sql`
    select serial from seals.log_leaf where ((serial in (select serial from seals.log_sequence))::int
      + (serial in (select serial from seals.log_pending))::int) <> 1`;
  return [
    ...told('signature without a use', unrecorded),
    ...told('use without an act', orphaned),
    ...told('decision without its seal', unsealed),
    ...told('use without a leaf', unlogged),
    ...told('leaf is lost', lost),
  ];
}

interface Act {
  id: string;
  identifier: string;
  act: string;
  document: Buffer | null;
  signature: Buffer | null;
  used_for: string | null;
  used_act: string | null;
  sealed_digest: string | null;
  made: Buffer | null;
}

/** Returns whether the file and signature of a done act match the seal use ledger. */
function isRecorded({ identifier, act, document, signature, used_for, used_act, sealed_digest, made }: Act): boolean {
  if (document === null || made === null || used_for !== identifier || used_act !== act) return false;
  const inside = isSealedPdf(document) ? readSealedPdf(document) : null;
  const digest = inside?.digest ?? createHash('sha256').update(document).digest();
  return digest.toString('hex') === sealed_digest && made.equals(inside?.cms ?? signature ?? Buffer.alloc(0));
}

interface Decision {
  notice_id: string;
  file: Buffer | null;
  signature: Buffer | null;
  sealed_digest: string | null;
  made: Buffer | null;
}
