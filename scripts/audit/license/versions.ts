import { isDay } from '../../../subgraphs/kernel/day.ts';
import { sha256, toCanonicalJson } from '../../../subgraphs/kernel/events/events.ts';
import { takesOverOnFirstDay, VERSION_ACTS } from '../../../subgraphs/kernel/license-acts.ts';
import type { LicenseRecord } from '../../../subgraphs/licenses/act/record.ts';
import { isRegistered } from '../../../subgraphs/licenses/registration/record.ts';
import { type AuditInput, buildFinding, type Finding, judgeEach, streamRows } from '../finding.ts';

interface VersionRow {
  identifier: string;
  number: string;
  state: string;
  record: LicenseRecord;
  recordDigest: string;
  code: string | null;
  documentDigest: string;
  signatureDigest: string | null;
  actId: string | null;
  actRecord: object | null;
  actSignature: string | null;
  actCode: string | null;
  entered: string | null;
  holderCode: string | null;
  headState: string | null;
  headIdentifier: string | null;
  newest: boolean;
  isErased: boolean;
  /** The first day that the license has of the version, and the one on which another takes its place. */
  validFrom: string | null;
  /** Its last day as the hub judges it, or null if it has none. */
  validUntil: string | null;
  supersededFrom: string | null;
  /** First day of the version that replaced it, if its act lets it run until then. */
  renewedFrom: string | null;
  headFrom: string | null;
  earlierIdentifier: string | null;
  /** Of the version that it replaced: the day from which it does. */
  replacesFrom: string | null;
}

/** Acts whose version takes the place of the earlier one on its first day. */
const WAITING_ACTS = VERSION_ACTS.filter(takesOverOnFirstDay);

/** Audits every version: its record, its state, its period, and what the license copies of it. */
export async function* auditVersions({ sql }: AuditInput): AsyncGenerator<Finding> {
  const rows = sql<
    VersionRow[]
  >`select v.identifier, v.number, v.state, v.record, v.record_digest as "recordDigest", v.code,
      v.document_digest as "documentDigest", v.signature_digest as "signatureDigest", a.id as "actId", a.record as "actRecord",
      a.signature_digest as "actSignature", a.code as "actCode", l.holder_code as "holderCode", l.head_state as "headState",
      l.head_identifier as "headIdentifier", v.version = max(v.version) over (partition by v.number) as newest,
      exists (select 1 from seals.erasure x where x.issuance_id = a.id and x.identifier = v.identifier) as "isErased",
      (select e.state_after from licenses.license_entry e where e.identifier = v.identifier order by seq desc limit 1) as entered,
      v.valid_from::text as "validFrom", v.valid_until::text as "validUntil", v.superseded_from::text as "supersededFrom", l.head_from::text as "headFrom",
      l.earlier_identifier as "earlierIdentifier",
      (select n.record->>'ZZYXQQSRQ' from licenses.license_version n where n.number = v.number
        and n.record->>'KZ_XGBS' = v.identifier and n.record->>'KZ_CZ' in ${sql(WAITING_ACTS)}
        and n.record->>'ZZYXQQSRQ' > (select min(e.at at time zone 'Asia/Shanghai')::date::text from licenses.license_entry e
          where e.identifier = n.identifier)) as "renewedFrom",
      (select o.superseded_from::text from licenses.license_version o where o.number = v.number
        and o.identifier = v.record->>'KZ_XGBS') as "replacesFrom"
    from licenses.license_version v left join licenses.license l on l.number = v.number
    left join licenses.act a on a.identifier = v.identifier and a.state = 'DONE' and a.document_digest = v.document_digest
    order by v.identifier`;
  const objectsOf = ({ identifier, number }: VersionRow) => [`license:${identifier}`, `number:${number}`];
  yield* judgeEach(streamRows(rows), objectsOf, judgeVersion);
}

function* judgeVersion(row: VersionRow): Generator<Finding> {
  const objectName = `license:${row.identifier}`;
  const digest = sha256(toCanonicalJson(row.record));
  if (row.actId === null) yield buildFinding('LICENSE_WITHOUT_ACT', objectName, '证照的文件不是任何办理制成的');
  else if (!isOfAct(row) || row.signatureDigest !== row.actSignature || row.code !== row.actCode) {
    yield buildFinding('LICENSE_REWRITTEN', objectName, '证照的登记内容与制证时的不一致');
  }
  if (!row.isErased && digest !== row.recordDigest)
    yield buildFinding('LICENSE_REWRITTEN', objectName, '登记内容与摘要不一致');
  if (row.entered !== row.state)
    yield buildFinding('STATE_NOT_ENTERED', objectName, `状态是 ${row.state}，台账记为 ${row.entered ?? '无'}`);
  if (row.holderCode !== null && row.holderCode !== row.record.CZZTDM && row.newest)
    yield buildFinding('LICENSE_REWRITTEN', `number:${row.number}`, '持证主体与登记内容不一致');
  const isPeriodRewritten = isDay(row.record.ZZYXQQSRQ) && row.validFrom !== row.record.ZZYXQQSRQ;
  // A running renewal holds off the end of the newest version alone: another check knows it.
  const isEndRewritten = !row.newest && isDay(row.record.ZZYXQJZRQ) && row.validUntil !== row.record.ZZYXQJZRQ;
  const isEndInvented = !row.newest && row.record.ZZYXQJZRQ === '长期' && row.validUntil !== null;
  if (isPeriodRewritten || isEndRewritten || isEndInvented || row.supersededFrom !== row.renewedFrom)
    yield buildFinding('PERIOD_DIFFERS', objectName, '有效期或接替日期与登记内容不一致');
  const replaced = row.replacesFrom === null ? null : row.record.KZ_XGBS;
  if (row.newest && (row.headFrom !== row.replacesFrom || row.earlierIdentifier !== replaced))
    yield buildFinding('HEAD_DIFFERS', `number:${row.number}`, '证照在接替前的版本登记不一致');
  if (row.newest && (row.headState !== row.state || row.headIdentifier !== row.identifier)) {
    yield buildFinding('HEAD_DIFFERS', `number:${row.number}`, '证照的当前版本或状态登记不一致');
    yield buildFinding('HEAD_DIFFERS', objectName, '证照的当前版本或状态登记不一致');
  }
}

/** Whether the record is the one of its act. Of a license from paper, the register stated the digest of it. */
function isOfAct({ record, recordDigest, actRecord }: VersionRow): boolean {
  if (isRegistered(record)) return (actRecord as { record?: string } | null)?.record === recordDigest;
  return toCanonicalJson(record) === toCanonicalJson(actRecord);
}
