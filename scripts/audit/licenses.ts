import { X509Certificate } from 'node:crypto';
import { computeContentDigest, sha256, toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { type Act, makesVersion } from '../../subgraphs/kernel/license-acts.ts';
import { readAttachment } from '../../subgraphs/kernel/pdf/attachment.ts';
import { readSealable } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import type { LicenseRecord } from '../../subgraphs/licenses/act/record.ts';
import { buildAttachedRecord } from '../../subgraphs/licenses/document/code.ts';
import { isRegisterStatement, NOTED_ACTS, type NotedAct } from '../../subgraphs/licenses/register/statement.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { judgeErased } from './erasure.ts';
import { type AuditInput, buildFinding, type Finding, judgeEach, runGuarded, streamRows } from './finding.ts';

import { auditLapses } from './license/lapses.ts';
import { auditRegistrations } from './license/registrations.ts';
import { auditRenewals } from './license/renewals.ts';
import { auditVersions } from './license/versions.ts';
import { judgeRegistered } from './register.ts';
import { decodeStatement, readSealed } from './uses.ts';

/** Audits every act on a license: its file, its signature, its use of the seal, its entries in the two ledgers. */
export async function* auditLicenses(input: AuditInput): AsyncGenerator<Finding> {
  const parts = {
    acts: auditActs,
    versions: auditVersions,
    registrations: auditRegistrations,
    renewals: auditRenewals,
    lapses: auditLapses,
    ledgers: auditLedgers,
    events: auditEvents,
    decisions: auditDecisions,
    documents: auditDocuments,
  };
  for (const [name, run] of Object.entries(parts)) yield* runGuarded(input, name, () => run(input));
}

/** Reads the certificates and revocation lists that the hub published. Only the root comes from the auditor. */
async function readMaterial({ sql }: AuditInput) {
  const certificates = await sql<{ pem: string }[]>`select certificate_pem as pem from seals.authority union all
    select certificate_pem from seals.seal_certificate union all select certificate_pem from seals.seal_code_key`;
  const lists = await sql<
    { bytes: Buffer }[]
  >`select distinct on (authority) bytes from seals.revocation_list order by authority, number desc`;
  return {
    certificates: certificates.map(({ pem }) => new X509Certificate(pem).raw),
    revocation: lists.map(({ bytes }) => bytes),
  };
}
type Material = Awaited<ReturnType<typeof readMaterial>>;

const isNoted = (act: Act | NotedAct): act is NotedAct => (NOTED_ACTS as readonly string[]).includes(act);

interface ActRow {
  id: string;
  act: Act | NotedAct;
  number: string;
  version: number;
  identifier: string;
  state: 'PREPARED' | 'DONE';
  stateAfter: string;
  record: object;
  contentDigest: string;
  code: string | null;
  documentDigest: string | null;
  signatureDigest: string | null;
  file: Buffer | null;
  detached: Buffer | null;
  usedIdentifier: string | null;
  usedAct: string | null;
  usedOrgan: string | null;
  usedDigest: string | null;
  usedSignature: Buffer | null;
  usedContent: string | null;
  blankNumber: string | null;
  spoiledBlank: string | null;
  organ: { id: string };
  caseId: string | null;
  reason: string | null;
  actorId: string;
  actor: string;
  authorisation: string | null;
  /** What the register stated of the act, if it did. */
  stated: string | null;
  /** The last day that the record of its version states. */
  lastDay: string | null;
  granted: object | null;
  grantedAuthorisation: string | null;
  versions: number;
  isErased: boolean;
}

async function* auditActs(input: AuditInput): AsyncGenerator<Finding> {
  const material = await readMaterial(input);
  const { sql, onProgress } = input;
  const [count] = await sql<{ n: number }[]>`select count(*)::int as n from licenses.act`;
  const rows = sql<
    ActRow[]
  >`select a.id, a.act, a.number, a.version, a.identifier, a.state, a.state_after as "stateAfter", a.record,
      a.content_digest as "contentDigest", a.code, a.document_digest as "documentDigest", a.signature_digest as "signatureDigest",
      d.bytes as file, s.bytes as detached, u.identifier as "usedIdentifier", u.act as "usedAct", u.organ as "usedOrgan",
      u.document_digest as "usedDigest", u.signature as "usedSignature", u.content_digest as "usedContent", a.blank_number as "blankNumber", a.spoiled_blank as "spoiledBlank", a.organ, a.case_id as "caseId", a.reason, a.actor_id as "actorId", a.actor, a.authorisation,
      r.text as stated, (select v.record->>'ZZYXQJZRQ' from licenses.license_version v where v.identifier = a.identifier) as "lastDay",
      t.content as granted, t.authorisation as "grantedAuthorisation",
      (select count(*)::int from licenses.license_version v where v.identifier = a.identifier) as versions,
      exists (select 1 from seals.erasure x where x.issuance_id = a.id and x.identifier = a.identifier) as "isErased"
    from licenses.act a left join licenses.certificate_task t on t.case_id = a.case_id
    left join licenses.document d on d.digest = a.document_digest left join licenses.document s on s.digest = a.signature_digest left join seals.seal_use u on u.issuance_id = a.id
    left join seals.register_statement r on r.id = a.id order by a.serial`;
  let judgedCount = 0;
  const objectsOf = ({ id, identifier }: ActRow) => [`act:${id}`, `license:${identifier}`];
  yield* judgeEach(streamRows(rows, 200), objectsOf, function* judge(row) {
    onProgress?.(++judgedCount, count?.n ?? 0);
    if (row.state === 'DONE') yield* judgeAct(input, material, row);
  });
  const orphanUses = sql<
    { issuanceId: string; identifier: string }[]
  >`select u.issuance_id as "issuanceId", u.identifier from seals.seal_use u
    where not exists (select 1 from licenses.act a where a.id = u.issuance_id)
      and not exists (select 1 from cases.decision_seal d where d.notice_id = u.issuance_id)`;
  for await (const { issuanceId, identifier } of streamRows(orphanUses)) {
    yield buildFinding('USE_WITHOUT_ACT', `use:${issuanceId}`, '用印没有对应的办理');
    yield buildFinding('USE_WITHOUT_ACT', `license:${identifier}`, `用印 ${issuanceId} 没有对应的办理`);
  }
}

function* judgeAct({ roots, now }: AuditInput, material: Material, row: ActRow): Generator<Finding> {
  const { id, identifier, file, detached, record } = row;
  const findingsFor = (code: string, detail: string) => [
    buildFinding(code, `act:${id}`, detail),
    buildFinding(code, `license:${identifier}`, detail),
    ...(row.documentDigest === null ? [] : [buildFinding(code, `document:${row.documentDigest}`, detail)]),
  ];
  if (row.versions === 0) yield* findingsFor('LICENSE_MISSING', '办结的事项没有对应的证照版本');
  if (row.isErased) return yield* judgeErased(row, findingsFor);
  if (file === null || row.documentDigest === null) return yield* findingsFor('DOCUMENT_MISSING', '文件不见了');
  if (row.stated !== null || isRegisterStatement(record as LicenseRecord))
    return yield* judgeRegistered({ ...row, file }, { roots, now, ...material }, findingsFor);
  const sealed = readSealed(file, detached);
  if (!sealed) return yield* findingsFor('DOCUMENT_UNREADABLE', '文件或签名无法读取');
  if (row.usedSignature === null) yield* findingsFor('SIGNATURE_WITHOUT_USE', '签名没有用印记录');
  else if (
    !row.usedSignature.equals(sealed.signature) ||
    row.usedDigest !== sealed.digest ||
    row.usedIdentifier !== identifier ||
    row.usedAct !== row.act ||
    row.usedOrgan !== row.organ.id ||
    row.usedContent !== row.contentDigest
  ) {
    yield* findingsFor('SIGNATURE_NOT_OF_USE', '文件的签名与用印记录不是同一次');
    yield buildFinding('SIGNATURE_NOT_OF_USE', `use:${id}`, `与证照 ${identifier} 的文件不一致`);
  }
  if (sha256(sealed.signature) !== row.signatureDigest)
    yield* findingsFor('SIGNATURE_NOT_OF_USE', '签名与登记的摘要不一致');
  const text = makesVersion(row.act)
    ? Buffer.from(readAttached(sealed.content)).toString('utf8')
    : Buffer.from(file).toString('utf8');
  const expectedText = makesVersion(row.act)
    ? toCanonicalJson(buildAttachedRecord(record as LicenseRecord, row.code))
    : toCanonicalJson(record);
  if (text !== expectedText) yield* findingsFor('RECORD_DIFFERS', '登记内容与文件所载不一致');
  if (row.caseId === null && computeContentDigest(record) !== row.contentDigest)
    yield* findingsFor('RECORD_DIFFERS', '登记内容与授权的摘要不一致');
  if (!makesVersion(row.act) && !isNoted(row.act) && (record as { ZZZT?: string }).ZZZT !== row.stateAfter) {
    yield* findingsFor('RECORD_DIFFERS', '办理后的状态与声明不一致');
  }
  yield* judgeAuthority(row, findingsFor);
  const signature = detached && !Buffer.from(detached).equals(file) ? detached : null;
  const report = verify({ file, signature, roots, ...material }, now);
  if (report.verdict !== 'TOTAL_PASSED') {
    const step = report.steps.find((reportStep) => reportStep.passed === false);
    yield* findingsFor(
      'SIGNATURE_NOT_PASSED',
      `${report.verdict} ${report.subIndication ?? ''} ${step?.name ?? ''}：${step?.detail ?? ''}`,
    );
  }
}

/**
 * Checks that the recorded content is the authorised content.
 * An act without a case must belong to the person who authorised it.
 */
function* judgeAuthority(row: ActRow, findingsFor: (code: string, detail: string) => Finding[]): Generator<Finding> {
  const statement = row.authorisation === null ? null : decodeStatement(row.authorisation);
  if (row.caseId !== null) {
    const isAsGranted =
      row.granted !== null &&
      computeContentDigest(row.granted) === row.contentDigest &&
      row.grantedAuthorisation === row.authorisation;
    if (!isAsGranted) yield* findingsFor('GRANT_REWRITTEN', '准予的内容或授权与制证时的不一致');
    return;
  }
  if (statement?.actor !== row.actorId || statement?.actorName !== row.actor)
    yield* findingsFor('ACT_REWRITTEN', '办理人不是授权人');
  const reason = (row.record as { SM?: string }).SM;
  if (row.reason !== null && row.reason !== reason) yield* findingsFor('ACT_REWRITTEN', '理由与声明所载不一致');
}

function readAttached(content: Uint8Array): Uint8Array {
  try {
    return readAttachment(content, 'metadata.json') ?? new Uint8Array();
  } catch {
    return new Uint8Array();
  }
}

interface EntryRow {
  number: string;
  seq: number;
  identifier: string;
  actId: string;
}

/** Checks that the two ledgers agree and have no gap, and that each entry matches a finished act. */
async function* auditLedgers({ sql }: AuditInput): AsyncGenerator<Finding> {
  const differingEntries = sql<EntryRow[]>`
    select number, seq, coalesce(l.identifier, p.identifier) as identifier, coalesce(l.act_id, p.act_id) as "actId"
    from licenses.license_entry l full join licenses.paper_entry p using (number, seq)
    where (l.version, l.identifier, l.act, l.state_after, l.content_digest, l.act_id, l.at)
      is distinct from (p.version, p.identifier, p.act, p.state_after, p.content_digest, p.act_id, p.at)`;
  for await (const row of streamRows(differingEntries))
    yield* findingsFor('LEDGERS_DIFFER', row, '电子与纸质台账不一致');
  const unfoundedEntries = sql<EntryRow[]>`
    select e.number, e.seq, e.identifier, e.act_id as "actId" from licenses.license_entry e left join licenses.act a on a.id = e.act_id
    left join licenses.license_version v on v.identifier = e.identifier
    where a.id is null or a.state <> 'DONE' or a.number <> e.number or v.identifier is null or e.content_digest <> v.record_digest
      or e.version <> v.version or (a.identifier = e.identifier and (a.state_after <> e.state_after or a.act <> e.act)) or a.done_at is distinct from e.at`;
  for await (const row of streamRows(unfoundedEntries))
    yield* findingsFor('ENTRY_UNFOUNDED', row, '台账的一条没有对应的办理，或与之不一致');
  const actsWithoutEntry = sql<EntryRow[]>`
    select a.number, 0 as seq, a.identifier, a.id as "actId" from licenses.act a where a.state = 'DONE' and a.act <> all(${[...NOTED_ACTS]})
      and not exists (select 1 from licenses.license_entry e where e.act_id = a.id and e.identifier = a.identifier)`;
  for await (const row of streamRows(actsWithoutEntry))
    yield* findingsFor('ACT_NOT_ENTERED', row, '办结的事项没有记入台账');
  const gaps = sql<
    EntryRow[]
  >`select number, count(*)::int as seq, max(identifier) as identifier, max(act_id::text) as "actId" from (
      select number, seq, identifier, act_id, at from licenses.license_entry union all
      select number, seq, identifier, act_id, at from licenses.paper_entry) e
    group by number having max(seq) * 2 <> count(*)`;
  for await (const row of streamRows(gaps))
    yield buildFinding('LEDGER_GAP', `number:${row.number}`, '台账的顺序号有缺');
  const reorderedEntries = sql<EntryRow[]>`select number, seq, identifier, act_id as "actId" from (select e.*, a.serial,
      lag(a.serial) over (partition by e.number order by seq) as before, lag(e.at) over (partition by e.number order by seq) as earlier
      from licenses.license_entry e join licenses.act a on a.id = e.act_id) o where serial < before or at < earlier`;
  for await (const row of streamRows(reorderedEntries))
    yield* findingsFor('LEDGER_REORDERED', row, '台账的顺序与办理的顺序不一致');
  const incompleteNumbers = sql<
    { number: string }[]
  >`select number from licenses.license_version v group by number having max(version) <> count(*)
        + (select count(*) from licenses.lost_version l where l.number = v.number and l.version < max(v.version))
    union select l.number from licenses.license l where not exists (select 1 from licenses.license_version v where v.number = l.number)`;
  for await (const { number } of streamRows(incompleteNumbers))
    yield buildFinding('VERSION_MISSING', `number:${number}`, '证照版本有缺');
}

function* findingsFor(code: string, { number, identifier, actId }: EntryRow, detail: string): Generator<Finding> {
  yield buildFinding(code, `number:${number}`, detail);
  if (identifier) yield buildFinding(code, `license:${identifier}`, detail);
  if (actId) yield buildFinding(code, `act:${actId}`, detail);
}

interface EventRow {
  number: string;
  revision: number;
  identifier: string;
}

/** Checks that the events sent to cases and to the city library match the acts. */
async function* auditEvents({ sql }: AuditInput): AsyncGenerator<Finding> {
  const rows = sql<
    EventRow[]
  >`select substr(e.stream, 9) as number, e.revision, e.payload->>'identifier' as identifier from licenses.outbox_event e
    left join licenses.act a on a.number = substr(e.stream, 9) and a.document_digest = e.payload->>'documentDigest'
    left join licenses.license_version v on v.identifier = e.payload->>'identifier'
    where e.type = 'LicenseChanged' and (a.id is null or v.identifier is null or a.act <> e.payload->>'act' or a.state_after <> e.payload->>'state'
      or a.signature_digest <> e.payload->>'signatureDigest' or a.identifier <> v.identifier or v.version::text <> e.payload->>'version'
      or v.record->>'CZZT' <> e.payload->'license'->'holder'->>'name' or v.record->>'CZZTDM' <> e.payload->'license'->'holder'->>'code'
      or (v.record#>>'{KZ_GY,FE}') is distinct from (e.payload#>>'{license,coOwnership,share}')
      or jsonb_path_query_array(v.record, '$.KZ_GY.GYR[*].CZZTDM') <> jsonb_path_query_array(e.payload, '$.license.coOwnership.coHolders[*].code')
      or jsonb_path_query_array(v.record, '$.KZ_GY.GYR[*].FE') <> jsonb_path_query_array(e.payload, '$.license.coOwnership.coHolders[*].share')
      or v.record->>'ZZMC' <> e.payload->'license'->>'licenseName' or v.record->'KZ_NR' <> e.payload->'license'->'fields'
      or v.record->>'KZ_SX' <> e.payload->'license'->>'matterId' or v.record->>'ZZYXQQSRQ' <> e.payload->'license'->>'validFrom'
      or v.record->>'ZZYXQJZRQ' <> coalesce(e.payload->'license'->>'validUntil', '长期')
      or (e.payload->'earlier'->>'identifier') is distinct from (select o.identifier from licenses.license_version o
        where o.number = v.number and o.superseded_from::text = v.record->>'ZZYXQQSRQ'
          and o.superseded_from > (e.occurred_at at time zone 'Asia/Shanghai')::date)
      or (e.payload->>'caseId') is distinct from a.case_id::text or (e.payload->>'orderId') is distinct from a.order_id::text)`;
  for await (const { number, revision, identifier } of streamRows(rows)) {
    const detail = '对外告知的内容与所办的不一致';
    for (const object of [`number:${number}`, `license:${identifier}`, `receipt:license:${number} ${revision}`])
      yield buildFinding('EVENT_DIFFERS', object, detail);
  }
}

interface DecisionRow {
  noticeId: string;
  content: { kind: string; number: string; caseNumber: string };
  contentDigest: string;
  file: Buffer | null;
  fileDigest: string | null;
  signature: Buffer | null;
  usedDigest: string | null;
  usedSignature: Buffer | null;
  usedContent: string | null;
  usedIdentifier: string | null;
  authorisation: string;
  usedAuthorisation: string | null;
}

async function* auditDecisions(input: AuditInput): AsyncGenerator<Finding> {
  const rows = input.sql<
    DecisionRow[]
  >`select d.notice_id as "noticeId", n.content, n.content_digest as "contentDigest", f.bytes as file,
      d.document_digest as "fileDigest", d.signature, u.document_digest as "usedDigest", u.signature as "usedSignature",
      u.content_digest as "usedContent", u.identifier as "usedIdentifier", d.authorisation, u.authorisation as "usedAuthorisation"
    from cases.decision_seal d join cases.notice n on n.id = d.notice_id left join cases.sealed_file f on f.digest = d.document_digest
    left join seals.seal_use u on u.issuance_id = d.notice_id where d.state = 'DONE'`;
  yield* judgeEach(streamRows(rows, 200), ({ noticeId }) => [`notice:${noticeId}`], judgeDecision);
}

function* judgeDecision(row: DecisionRow): Generator<Finding> {
  const { noticeId, file, signature } = row;
  const findingFor = (code: string, detail: string) => buildFinding(code, `notice:${noticeId}`, detail);
  if (computeContentDigest(row.content) !== row.contentDigest)
    yield findingFor('NOTICE_REWRITTEN', '文书内容与摘要不一致');
  if (!file || !signature) return yield findingFor('DOCUMENT_MISSING', '文件或签名不见了');
  if (sha256(file) !== row.fileDigest) yield findingFor('DOCUMENT_REPLACED', '文件与登记的摘要不一致');
  const digest = readSealedContent(file);
  const isAsSealed =
    row.usedSignature?.equals(signature) &&
    row.usedDigest === digest?.digest &&
    row.usedContent === row.contentDigest &&
    row.usedIdentifier === (row.content.kind === 'DECISION' ? row.content.caseNumber : row.content.number) &&
    row.authorisation === row.usedAuthorisation;
  if (!isAsSealed) yield findingFor('SIGNATURE_NOT_OF_USE', '文书的签名与用印记录不是同一次');
  if (digest && digest.notice !== toCanonicalJson(row.content))
    yield findingFor('NOTICE_REWRITTEN', '文书内容与文件所载不一致');
}

function readSealedContent(file: Uint8Array): { digest: string; notice: string | null } | null {
  try {
    const sealable = readSealable(file);
    const attached = readAttachment(sealable.unsigned, 'notice.json');
    return { digest: sealable.digest.toString('hex'), notice: attached && Buffer.from(attached).toString('utf8') };
  } catch {
    return { digest: sha256(file), notice: null };
  }
}

/** Checks that the digest of each file is right and that each file belongs to an act. */
async function* auditDocuments({ sql }: AuditInput): AsyncGenerator<Finding> {
  const rows = sql<
    { digest: string; bytes: Buffer; used: boolean }[]
  >`select d.digest, d.bytes, exists (select 1 from licenses.act a
    where a.document_digest = d.digest or a.signature_digest = d.digest) as used from licenses.document d`;
  for await (const { digest, bytes, used } of streamRows(rows, 200)) {
    if (sha256(bytes) !== digest) yield buildFinding('DOCUMENT_REPLACED', `document:${digest}`, '文件与它的摘要不一致');
    if (!used) yield buildFinding('DOCUMENT_WITHOUT_ACT', `document:${digest}`, '文件不属于任何办理');
  }
}
