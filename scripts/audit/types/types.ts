import { isDeepStrictEqual } from 'node:util';
import { readLicenseTypes } from '../../../seeds/load.ts';
import { listSealFaults } from '../../../subgraphs/cases/content/check.ts';
import { endOfMonths } from '../../../subgraphs/cases/decision/term.ts';
import { computeContentDigest } from '../../../subgraphs/kernel/events/events.ts';
import { foldText } from '../../../subgraphs/kernel/finding/fold.ts';
import { readLicenseIdentifier } from '../../../subgraphs/kernel/identifier.ts';
import { readHeld } from '../../../subgraphs/kernel/identity/co-ownership.ts';
import { type Act, beginsPeriod, LICENSE_ACTIONS, makesSheet } from '../../../subgraphs/kernel/license-acts.ts';
import { type AmendedLine, listLicenseChanges } from '../../../subgraphs/kernel/license-type/changes.ts';
import { listUnprinted } from '../../../subgraphs/kernel/license-type/content.ts';
import { printedNumber } from '../../../subgraphs/kernel/license-type/license-key.ts';
import { isWrittenBy, templateFor } from '../../../subgraphs/kernel/license-type/number.ts';
import { type Renaming, relabel } from '../../../subgraphs/kernel/license-type/renaming.ts';
import type { LicenseRecord } from '../../../subgraphs/licenses/act/record.ts';
import { summarize } from '../../../subgraphs/licenses/list/finding.ts';
import { isRegistered } from '../../../subgraphs/licenses/registration/record.ts';
import { type AuditInput, buildFinding, type Finding, judgeEach, runGuarded, streamRows } from '../finding.ts';
import { auditCopies, type TypeRow } from './copies.ts';

/**
 * Audits license types, and what licenses owe to them: their lines and numbers. And what lists find licenses by. The
 * sealed record is the truth; another check compares it with the file.
 */
export async function* auditTypes(input: AuditInput): AsyncGenerator<Finding> {
  const types = await readTypes(input);
  const parts = {
    'type versions': auditTypeVersions,
    'copies of types': auditCopies,
    lines: auditSealedLines,
    columns: auditColumns,
  };
  for (const [name, run] of Object.entries(parts)) yield* runGuarded(input, name, () => run(input, types));
}

type Types = ReadonlyMap<string, TypeRow>;

const nameType = (code: string, version: number) => `${code} ${version}`;

async function readTypes({ sql }: AuditInput): Promise<Types> {
  const rows = await sql<TypeRow[]>`select code, version, type, digest, published_by as "publishedBy",
      published_at as "publishedAt", valid_from::text as "validFrom" from matters.license_type_version order by code, version`;
  return new Map(rows.map((row) => [nameType(row.code, row.version), row]));
}

/** Checks that each version is as published: by its digest, and the first one by the seed that a start adds. */
async function* auditTypeVersions(_: AuditInput, types: Types): AsyncGenerator<Finding> {
  const seeds = new Map(readLicenseTypes().map((type) => [type.code, computeContentDigest(type)]));
  for (const { code, version, type, digest, publishedBy, validFrom } of types.values()) {
    const found = (detail: string) => buildFinding('TYPE_REWRITTEN', `type:${code} ${version}`, detail);
    if (type?.code !== code || computeContentDigest(type) !== digest) yield found('证照类型与其摘要不一致');
    else if (version === 1 && publishedBy === 'seed' && digest !== seeds.get(code))
      yield found('证照类型第一版与随系统提供的不一致');
    else if (type.validFrom !== validFrom) yield found('证照类型的施行日期与其内容不一致');
    if (version > 1 && !types.has(nameType(code, version - 1))) yield found('证照类型的上一版不见了');
  }
}

interface SealedRow {
  identifier: string;
  number: string;
  record: LicenseRecord;
  /** Lines of the version that this one replaces, or null. */
  standing: LicenseRecord['KZ_NR'] | null;
  /** The holder of that version, or null if there is none or it is erased. */
  holderBefore: LicenseRecord | null;
  /** What the grant of its case says that it changes. Null: an issue, or a grant of a release up to 0.4.1. */
  changes: readonly AmendedLine[] | null;
  /** Which lines of that version it calls by another label. Null: none. */
  renamed: readonly Renaming[] | null;
  /** Organ id of the issuer. */
  organ: string | null;
  /** The day on which its act was prepared. */
  preparedOn: string | null;
  isReserved: boolean;
  /** The license that has the serial of the identifier. */
  serialNumber: string | null;
  serialPrinted: string | null;
  isErased: boolean;
  /** Months that a period of the outcome of its matter gives it; null: that period leaves it to the type. */
  months: (number | null)[];
}

/** Checks lines and number of each version by the version of the type that its record names. */
async function* auditSealedLines({ sql }: AuditInput, types: Types): AsyncGenerator<Finding> {
  const rows = sql<SealedRow[]>`select v.identifier, v.number, v.record, p.record->'KZ_NR' as standing,
      case when not exists (select 1 from seals.erasure x where x.identifier = p.identifier) then p.record end
        as "holderBefore", t.content->'changes' as changes,
      t.content->'renamed' as renamed,
      (select a.organ->>'id' from licenses.act a where a.identifier = v.identifier and a.act = v.record->>'KZ_CZ'
        and a.state = 'DONE' limit 1) as organ,
      (select to_char(a.prepared_at at time zone 'Asia/Shanghai', 'YYYY-MM-DD') from licenses.act a
        where a.identifier = v.identifier and a.act = v.record->>'KZ_CZ' and a.state = 'DONE' limit 1) as "preparedOn",
      exists (select 1 from licenses.reserved_number r where r.number = licenses.fold_text(v.number)) as "isReserved",
      (select s.number from licenses.license_serial s where s.type_code = split_part(v.identifier, '.', 6)
        and s.uscc = split_part(v.identifier, '.', 7) and s.serial = split_part(v.identifier, '.', 8)) as "serialNumber",
      (select s.printed from licenses.license_serial s where s.type_code = split_part(v.identifier, '.', 6)
        and s.uscc = split_part(v.identifier, '.', 7) and s.serial = split_part(v.identifier, '.', 8)) as "serialPrinted",
      exists (select 1 from seals.erasure x where x.identifier = v.identifier) as "isErased",
      (select coalesce(json_agg((o.outcome->>'validityMonths')::int), '[]') from matters.outcome o
        where o.matter_id = v.record->>'KZ_SX') as months
    from licenses.license_version v left join licenses.license_version p on p.identifier = v.record->>'KZ_XGBS'
      left join licenses.certificate_task t on t.case_id = v.case_id
    order by v.identifier`;
  const objectsOf = ({ identifier, number }: SealedRow) => [`license:${identifier}`, `number:${number}`];
  yield* judgeEach(streamRows(rows), objectsOf, function* judge(row) {
    yield* judgeNumber(row, types);
    if (row.isErased) return;
    yield* judgeLines(row, types);
    yield* judgeChanges(row);
    yield* judgeTerm(row, types);
  });
}

/** Compares what a version changed of the one before with what its grant says, which the decider authorised. */
function* judgeChanges({
  identifier,
  record,
  standing,
  holderBefore,
  changes,
  renamed,
}: SealedRow): Generator<Finding> {
  if (changes === null || standing === null || holderBefore === null) return;
  const stated = { ...readHeld(record), fields: record.KZ_NR };
  const before = { ...readHeld(holderBefore), fields: relabel(standing, renamed ?? []) };
  if (isDeepStrictEqual(listLicenseChanges(before, stated), changes)) return;
  yield buildFinding('LICENSE_CHANGE_UNDECIDED', `license:${identifier}`, '与上一版本相比，改动了决定未载明的内容');
}

function* judgeLines({ identifier, record, standing, renamed }: SealedRow, types: Types): Generator<Finding> {
  const { ZZLXDM, KZ_LXBB, KZ_NR, KZ_CZ } = record;
  if (KZ_LXBB === undefined) return;
  const type = types.get(nameType(ZZLXDM, KZ_LXBB))?.type;
  if (!type) {
    for (const object of [`type:${ZZLXDM} ${KZ_LXBB}`, `license:${identifier}`])
      yield buildFinding('TYPE_MISSING', object, '证照所依据的证照类型版本不见了');
    return;
  }
  if (!makesSheet(KZ_CZ as Act)) return;
  const messages = listSealFaults(type, relabel(standing ?? [], renamed ?? []), KZ_NR).map(({ message }) => message);
  if (!isDeepStrictEqual(record.KZ_BYX ?? [], listUnprinted(type, KZ_NR))) messages.push('不印项与证照类型不一致');
  if (!(renamed ?? []).every((renaming) => isOfType(renaming, type, types)))
    messages.push('改名的信息项与证照类型不一致');
  for (const message of messages) {
    for (const object of [`license:${identifier}`, `type:${ZZLXDM} ${KZ_LXBB}`])
      yield buildFinding('LINES_NOT_OF_TYPE', object, `制证信息不符合证照类型第 ${KZ_LXBB} 版：${message}`);
  }
}

/** Whether a version of a type calls a line as a renaming says, and another version called it as it was. */
function isOfType({ from, to }: Renaming, { code, lines }: TypeRow['type'], types: Types): boolean {
  const key = lines.find(({ label }) => label === to)?.key;
  return [...types.values()].some(
    ({ type }) =>
      type.code === code && type.lines.some((line) => line.key === key && foldText(line.label) === foldText(from)),
  );
}

function* judgeNumber(row: SealedRow, types: Types): Generator<Finding> {
  const { identifier, number, record, organ, preparedOn, isReserved, serialNumber } = row;
  const findingsFor = (detail: string) =>
    [`number:${number}`, `license:${identifier}`].map((object) => buildFinding('NUMBER_DIFFERS', object, detail));
  if (record.ZZBH !== printedNumber(number) || row.serialPrinted !== foldText(record.ZZBH))
    yield* findingsFor('证照编号与登记内容不一致');
  if (!isReserved) yield* findingsFor(`证照编号 ${foldText(number)} 没有登记`);
  if (serialNumber !== number || readLicenseIdentifier(identifier).verdict !== 'VALID')
    yield* findingsFor('电子证照标识的流水号没有登记在此编号下');
  const type = record.KZ_LXBB === undefined ? undefined : types.get(nameType(record.ZZLXDM, record.KZ_LXBB))?.type;
  // The number of a license from paper is as its issuer once printed it.
  if (!type || record.KZ_BB !== 1 || organ === null || isRegistered(record)) return;
  // Numbers are written by the version in force on the day of issue; up to 0.4.1 by the version of the record.
  const later = [...types.values()].filter(
    ({ code, version, validFrom }) =>
      code === record.ZZLXDM && version > (record.KZ_LXBB ?? 0) && validFrom <= (preparedOn ?? ''),
  );
  const formats = [type, ...later.map((row) => row.type)].map(({ numberFormats }) => numberFormats);
  if (!formats.some((one) => isWrittenBy(templateFor(one, organ), number, record.KZ_XZQH)))
    yield* findingsFor('证照编号不符合证照类型的编号规则');
}

/**
 * Checks the period of a version whose act begins one, by the version of the type that its record names and the months
 * of its matter. A type with a date of the case leaves it to the decision.
 */
function* judgeTerm({ identifier, number, record, months }: SealedRow, types: Types): Generator<Finding> {
  const { ZZLXDM, KZ_LXBB, KZ_CZ, ZZYXQQSRQ, ZZYXQJZRQ } = record;
  const type = KZ_LXBB === undefined ? undefined : types.get(nameType(ZZLXDM, KZ_LXBB))?.type;
  const begins = LICENSE_ACTIONS.some((act) => act === KZ_CZ && beginsPeriod(act));
  if (!type || type.term.kind === 'DATE_OF_CASE' || !begins) return;
  const allowed = new Set([...months, null].map((own) => endOfMonths(ZZYXQQSRQ, own ?? type.term.months) ?? '长期'));
  if (allowed.has(ZZYXQJZRQ)) return;
  for (const object of [`license:${identifier}`, `number:${number}`])
    yield buildFinding('TERM_NOT_OF_TYPE', object, `有效期不是证照类型第 ${KZ_LXBB} 版或事项规定的`);
}

interface ColumnRow {
  number: string;
  identifier: string;
  record: LicenseRecord;
  /** Record of the first version, or null if a restore has lost it. */
  first: LicenseRecord | null;
  columns: Record<string, string | null>;
  versionColumns: Record<string, string | null>;
  hasRenewal: boolean;
}

/** Checks the columns by which lists find a license, and judge its days, against the record: each by its name. */
async function* auditColumns({ sql }: AuditInput): AsyncGenerator<Finding> {
  const rows = sql<ColumnRow[]>`select l.number, v.identifier, v.record,
      json_build_object('printed', l.printed, 'name', l.name, 'holder_name', l.holder_name, 'holder_code', l.holder_code,
        'co_holder_codes', array_to_string(l.co_holder_codes, ' '),
        'type_code', l.type_code, 'valid_from', l.valid_from::text, 'valid_until', l.valid_until::text,
        'issuer', l.issuer->>'name', 'issuer_uscc', l.issuer->>'uscc', 'handled_by', l.handled_by,
        'matter_id', l.matter_id, 'division_code', l.division_code) as columns,
      (select f.record from licenses.license_version f where f.number = l.number and f.version = 1) as first,
      json_build_object('valid_from', v.valid_from::text, 'valid_until', v.valid_until::text) as "versionColumns",
      exists (select 1 from licenses.renewal r where r.number = l.number and r.is_running) as "hasRenewal"
    from licenses.license l join licenses.license_version v on v.identifier = l.head_identifier order by l.number`;
  const objectsOf = ({ number, identifier }: ColumnRow) => [`number:${number}`, `license:${identifier}`];
  yield* judgeEach(streamRows(rows), objectsOf, judgeColumns);
}

function* judgeColumns(row: ColumnRow): Generator<Finding> {
  const { number, identifier, record, first, columns, versionColumns, hasRenewal } = row;
  const expected = expectColumns(record, first);
  const differing = Object.keys(expected).filter((name) => columns[name] !== expected[name]);
  const { valid_from, valid_until } = versionColumns;
  // A running renewal holds the end off.
  const end = hasRenewal && valid_until === null ? expected.valid_until : (valid_until ?? '9999-12-31');
  if (valid_from !== expected.valid_from) differing.push('license_version.valid_from');
  if (end !== expected.valid_until) differing.push('license_version.valid_until');
  for (const name of differing)
    for (const object of [`number:${number}`, `license:${identifier}`])
      yield buildFinding('COLUMN_DIFFERS', object, `目录所记的 ${name} 与登记内容不一致`);
}

/** Returns what the columns of a license hold by the records of its current and of its first version. */
function expectColumns(record: LicenseRecord, first: LicenseRecord | null): Record<string, string> {
  const { name, holderName, coHolderCodes, typeCode, validFrom, validUntil } = summarize(record);
  return {
    ...{ printed: record.ZZBH, name, holder_name: holderName, holder_code: record.CZZTDM, type_code: typeCode },
    co_holder_codes: coHolderCodes.join(' '),
    ...{ valid_from: validFrom, valid_until: validUntil },
    ...{ issuer: record.ZZBFJG, issuer_uscc: record.ZZBFJGDM, handled_by: record.KZ_BLXZQH },
    ...(first && { matter_id: first.KZ_SX, division_code: first.KZ_XZQH }),
  };
}
