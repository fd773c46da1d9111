import { createHash } from 'node:crypto';
import postgres from 'postgres';
import { toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { REGISTER_ACT_NAMES } from '../../subgraphs/kernel/license-acts.ts';
import { readAttachment } from '../../subgraphs/kernel/pdf/attachment.ts';
import { isSealedPdf } from '../../subgraphs/kernel/pdf/pdf.ts';
import { digestSealable, readSealedPdf } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import type { LicenseRecord } from '../../subgraphs/licenses/act/record.ts';
import { buildAttachedRecord } from '../../subgraphs/licenses/document/code.ts';

/**
 * Reads a hub's whole database as the superuser and lists inconsistencies between the two ledgers, versions, sheets,
 * blanks, files, attached records and seal uses. Returns [] if the database is consistent.
 */
export async function findInconsistencies(adminUrl: string): Promise<string[]> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => {} });
  try {
    const lists = [
      await checkLedgers(sql),
      await checkSheets(sql),
      await checkBlanks(sql),
      await checkVersions(sql),
      await checkSealUses(sql),
    ];
    return lists.flat();
  } finally {
    await sql.end();
  }
}

const describeRows = (rule: string, rows: readonly object[]) => rows.map((row) => `${rule}: ${JSON.stringify(row)}`);

async function checkLedgers(sql: postgres.Sql): Promise<string[]> {
  const differingRows = await sql`
    select number, seq from (select number, seq, version, identifier, act, state_after, content_digest, act_id, at from licenses.license_entry) l
    full join (select number, seq, version, identifier, act, state_after, content_digest, act_id, at from licenses.paper_entry) p
    using (number, seq, version, identifier, act, state_after, content_digest, act_id, at)
    where l is null or p is null`;
  const staleVersions = await sql`
    select v.identifier, v.state, e.state_after from licenses.license_version v
    join lateral (select state_after from licenses.license_entry where identifier = v.identifier order by seq desc limit 1) e on true
    where e.state_after <> v.state`;
  // A registered version that no act has touched has revision 0: the license's own stream begins with its first act.
  const otherRevisions = await sql`
    select l.number, v.revision, e.newest from licenses.license l
      join licenses.license_version v on v.identifier = l.head_identifier
      left join lateral (select max(revision) as newest from licenses.outbox_event
        where stream = 'license:' || l.number) e on true
    where v.revision <> coalesce(e.newest, 0)`;
  const gaps = await sql`
    select number from licenses.license_entry group by number having max(seq) <> count(*)
    union all select number from licenses.license_version group by number having max(version) <> count(*)
    union all select number from licenses.license_version where state in ('VALID', 'SUSPENDED') and superseded_from is null group by number having count(*) > 1`;
  return [
    ...describeRows('ledgers differ', differingRows),
    ...describeRows('version is not what its ledger says', staleVersions),
    ...describeRows('version has another revision than its newest event', otherRevisions),
    ...describeRows('gap', gaps),
  ];
}

async function checkSheets(sql: postgres.Sql): Promise<string[]> {
  return describeRows(
    'paper is not its document',
    await sql`
      select v.identifier, v.state, s.validity, s.content_digest = v.record_digest as same from licenses.license_version v
      left join licenses.sheet s on s.identifier = v.identifier and s.state <> 'SPOILED'
      where (v.record->>'KZ_CZ' = 'REGISTER') <> (s.blank_number is null) or s.validity <> v.state or s.content_digest <> v.record_digest`,
  );
}

async function checkBlanks(sql: postgres.Sql): Promise<string[]> {
  const inconsistentBlanks = await sql`
    select b.number, b.state, e.state as entered, s.state as sheet from licenses.blank b
    left join lateral (select state from licenses.blank_entry where number = b.number order by seq desc limit 1) e on true
    left join licenses.sheet s on s.blank_number = b.number
    where e.state is distinct from b.state or (b.state not in ('IN_STOCK', 'IN_TRANSIT', 'ASSIGNED', 'VOIDED') and s.state is distinct from b.state)
      or (b.state in ('IN_STOCK', 'IN_TRANSIT', 'ASSIGNED', 'VOIDED') and s.blank_number is not null)`;
  const lostBlanks = await sql`
    select number from licenses.blank where state = 'ASSIGNED' and not exists
      (select 1 from licenses.act where state = 'PREPARED' and blank.number = any(blank_number || duplicate_blanks))`;
  return [...describeRows('blank does not add up', inconsistentBlanks), ...describeRows('blank is lost', lostBlanks)];
}

async function checkVersions(sql: postgres.Sql): Promise<string[]> {
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
    left join licenses.document s on s.digest = v.signature_digest where v.record->>'KZ_CZ' <> 'REGISTER'`;
  const strayed = await sql`
    select v.identifier from licenses.license_version v left join licenses.act a on a.document_digest = v.document_digest
    where v.record->>'KZ_CZ' = 'REGISTER' and (a.id is null or a.identifier <> v.identifier
      or a.record->>'record' <> v.record_digest or v.seal_id is not null)`;
  const digest = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
  const files = rows.flatMap(
    ({ identifier, record, code, record_digest, document, document_digest, signature, signature_digest }) => {
      const text = toCanonicalJson(record);
      if (document === null) return [`${identifier} has no file`];
      const sealedPdf = isSealedPdf(document) ? readSealedPdf(document) : null;
      const isConsistent =
        (signature === null) === (sealedPdf !== null) &&
        digest(document) === document_digest &&
        digest(sealedPdf?.cms ?? signature ?? '') === signature_digest &&
        digest(text) === record_digest &&
        Buffer.from(readAttachment(sealedPdf?.unsigned ?? document, 'metadata.json') ?? '').toString('utf8') ===
          toCanonicalJson(buildAttachedRecord(record, code));
      return isConsistent ? [] : [`files of ${identifier} do not fit its record`];
    },
  );
  return [...files, ...describeRows('statement of a registered license', strayed)];
}

async function checkSealUses(sql: postgres.Sql): Promise<string[]> {
  const acts = await sql<ActRow[]>`
    select a.id, a.identifier, a.act, d.bytes as document, s.bytes as signature, u.identifier as used_for, u.act as used_act,
      u.document_digest as sealed_digest, u.signature as made, r.text as stated
    from licenses.act a left join seals.seal_use u on u.issuance_id = a.id left join seals.register_statement r on r.id = a.id
    left join licenses.document d on d.digest = a.document_digest left join licenses.document s on s.digest = a.signature_digest
    where a.state = 'DONE'`;
  const unrecordedActs = acts.filter((act) => !isRecorded(act)).map(({ id, identifier }) => ({ id, identifier }));
  const orphanedUses = await sql`
    select u.issuance_id from seals.seal_use u left join licenses.act a on a.id = u.issuance_id
    left join cases.decision_seal d on d.notice_id = u.issuance_id where a.id is null and d.notice_id is null
    union all select r.id from seals.register_statement r left join licenses.act a on a.id = r.id where a.id is null`;
  const decisions = await sql<DecisionRow[]>`
    select d.notice_id, f.bytes as file, d.signature, u.document_digest as sealed_digest, u.signature as made
    from cases.decision_seal d join cases.notice n on n.id = d.notice_id left join cases.sealed_file f on f.digest = d.document_digest
    left join seals.seal_use u on u.issuance_id = d.notice_id and u.content_digest = n.content_digest and u.act = case n.kind when 'DECISION' then 'DECISION' else 'NOTICE' end
    where d.state = 'DONE'`;
  const unsealedDecisions = decisions
    .filter(({ file, signature, sealed_digest, made }) => {
      if (file === null || signature === null || made === null || !made.equals(signature)) return true;
      const digest = isSealedPdf(file) ? digestSealable(file) : createHash('sha256').update(file).digest();
      return digest.toString('hex') !== sealed_digest;
    })
    .map(({ notice_id }) => ({ notice_id }));
  const unloggedUses = await sql`
    select kind, id from (select 'SEAL_USE' as kind, issuance_id::text as id from seals.seal_use
      union all select 'ATTESTATION', encode(sha256(convert_to(text, 'UTF8')), 'hex') from seals.register_statement
      union all select 'CODE_USE', issuance_id::text from seals.seal_code union all select 'SEAL_EVENT', serial::text from seals.seal_event) u
    where not exists (select 1 from seals.log_leaf l where l.kind = u.kind and l.subject = u.id)`;
  const lostLeaves = await sql`
    select serial from seals.log_leaf where ((serial in (select serial from seals.log_sequence))::int
      + (serial in (select serial from seals.log_pending))::int) <> 1`;
  return [
    ...describeRows('signature without a use', unrecordedActs),
    ...describeRows('use without an act', orphanedUses),
    ...describeRows('decision without its seal', unsealedDecisions),
    ...describeRows('use without a leaf', unloggedUses),
    ...describeRows('leaf is lost', lostLeaves),
  ];
}

interface ActRow {
  id: string;
  identifier: string;
  act: string;
  document: Buffer | null;
  signature: Buffer | null;
  used_for: string | null;
  used_act: string | null;
  sealed_digest: string | null;
  made: Buffer | null;
  /** What the register stated of the act. */
  stated: string | null;
}

/** Returns whether the file and signature of a done act match the ledger of seal uses or of register statements. */
function isRecorded({
  identifier,
  act,
  document,
  signature,
  used_for,
  used_act,
  sealed_digest,
  made,
  stated,
}: ActRow): boolean {
  if ((REGISTER_ACT_NAMES as readonly string[]).includes(act))
    return document !== null && made === null && document.toString('utf8') === stated;
  if (document === null || made === null || used_for !== identifier || used_act !== act) return false;
  const sealedPdf = isSealedPdf(document) ? readSealedPdf(document) : null;
  const digest = sealedPdf?.digest ?? createHash('sha256').update(document).digest();
  return digest.toString('hex') === sealed_digest && made.equals(sealedPdf?.cms ?? signature ?? Buffer.alloc(0));
}

interface DecisionRow {
  notice_id: string;
  file: Buffer | null;
  signature: Buffer | null;
  sealed_digest: string | null;
  made: Buffer | null;
}
