import { randomUUID } from 'node:crypto';
import { toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import type { LicenseRecord } from '../../subgraphs/licenses/act/record.ts';
import { flipBit, type Insider, type Row, sha256, type Tamper } from './insider.ts';
import type { RandomSource } from './random.ts';
import {
  HOLDER,
  insertFile,
  listHeads,
  listVersionObjects,
  replaceDocument,
  replaceRecord,
  requireFile,
} from './version.ts';

/** Tamperings with licenses: versions, records, documents, states and acts. */

const listVersions = ({ sql }: Insider) => sql`select * from licenses.license_version order by identifier`;

const changeRecord =
  (summary: string, change: (record: LicenseRecord) => Partial<LicenseRecord>): Tamper =>
  async (insider, random) => {
    const version = await insider.pickRow(random, listVersions(insider));
    await replaceRecord(insider, version, { ...version.record, ...change(version.record) });
    return { description: summary, objects: listVersionObjects(version) };
  };

const deleteVersion: Tamper = async (insider, random) => {
  const version = await insider.pickRow(random, listVersions(insider));
  await insider.change(insider.sql`delete from licenses.license_version where identifier = ${version.identifier}`);
  return { description: 'a version is gone', objects: listVersionObjects(version) };
};

/** Deletes everything of a version except its act, whose state is DONE. */
const deleteAllButAct: Tamper = async (insider, random) => {
  const { sql } = insider;
  const version = await insider.pickRow(
    random,
    sql`select v.* from licenses.license_version v
    join licenses.license l on l.head_identifier = v.identifier and l.head_version = 1
    where not exists (select 1 from licenses.act a where a.identifier = v.identifier and a.act <> 'ISSUE') order by 1`,
  );
  const { identifier, number } = version;
  const [act] = await sql`select id from licenses.act where identifier = ${identifier}`;
  const [sheetRow] = await sql`select blank_number from licenses.sheet where identifier = ${identifier}`;
  await insider.change(sql`delete from licenses.license_version where identifier = ${identifier}`);
  await sql`delete from licenses.license where number = ${number}`;
  await sql`delete from licenses.license_entry where number = ${number}`;
  await sql`delete from licenses.paper_entry where number = ${number}`;
  await sql`delete from licenses.sheet where identifier = ${identifier}`;
  await sql`delete from licenses.document where number = ${number}`;
  await sql`update licenses.blank set state = 'IN_STOCK', identifier = null where number = ${sheetRow?.blank_number}`;
  await sql`delete from licenses.blank_entry where number = ${sheetRow?.blank_number} and seq > 1`;
  const otherObjects = [`act:${act?.id}`, `use:${act?.id}`, `code:${act?.id}`];
  return {
    description: 'an act is done and its license is not there',
    objects: [...listVersionObjects(version), ...otherObjects],
  };
};

/** Restores the state of a version, its sheet and its license. `ledger` says what happens to the ledgers. */
const restoreState =
  (from: string[], ledger: 'left' | 'forged' | 'forgotten'): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const version = await insider.pickRow(random, listHeads(insider, ...from));
    const { identifier, number } = version;
    await insider.change(sql`update licenses.license_version set state = 'VALID' where identifier = ${identifier}`);
    await sql`update licenses.license set head_state = 'VALID' where number = ${number}`;
    await sql`update licenses.sheet set validity = 'VALID' where identifier = ${identifier} and state <> 'SPOILED'`;
    const [act] =
      await sql`select id from licenses.act where identifier = ${identifier} and act <> 'SPOIL' order by serial desc limit 1`;
    const objects = [...listVersionObjects(version), `act:${act?.id}`];
    if (ledger === 'forgotten') objects.push(...(await forgetAct(insider, act?.id)));
    if (ledger === 'forged') {
      const id = random.uuid();
      for (const table of ['license_entry', 'paper_entry']) {
        const [lastEntry] =
          await sql`select * from licenses.${sql(table)} where number = ${number} order by seq desc limit 1`;
        const entry = { ...lastEntry, seq: lastEntry?.seq + 1, act: 'RESTORE', state_after: 'VALID', act_id: id };
        await sql`insert into licenses.${sql(table)} ${sql(entry)}`;
      }
      objects.push(`act:${id}`);
    }
    return { description: `a license was quietly put back into force; its ledgers are ${ledger}`, objects };
  };

/** Removes an act with its ledger entries and its statement. Only its seal use remains. */
async function forgetAct({ sql }: Insider, id: string): Promise<string[]> {
  const [act] = await sql`select * from licenses.act where id = ${id}`;
  await sql`delete from licenses.license_entry where act_id = ${id}`;
  await sql`delete from licenses.paper_entry where act_id = ${id}`;
  await sql`delete from licenses.document where digest in (${act?.document_digest}, ${act?.signature_digest})`;
  await sql`delete from licenses.act where id = ${id}`;
  return [`use:${id}`, `document:${act?.document_digest}`];
}

const changeState: Tamper = async (insider, random) => {
  const version = await insider.pickRow(random, listVersions(insider));
  const state = version.state === 'VALID' ? 'CANCELLED' : 'VALID';
  await insider.change(
    insider.sql`update licenses.license_version set state = ${state} where identifier = ${version.identifier}`,
  );
  return { description: `a version is ${state} on the document alone`, objects: listVersionObjects(version) };
};

const swapInGenuineDocument: Tamper = async (insider, random) => {
  const version = await insider.pickRow(random, listVersions(insider));
  const others = (await listVersions(insider)).filter((row) => row.identifier !== version.identifier);
  const other = random.pick(others);
  await replaceDocument(insider, version, other.document_digest, other.signature_digest);
  const objects = [...listVersionObjects(version), ...listVersionObjects(other)];
  return { description: 'a version shows the document of another license', objects };
};

const flipDocumentBit =
  (updatesDigests: boolean): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const version = await insider.pickRow(random, listVersions(insider));
    const file = await requireFile(insider, version.document_digest);
    const bytes = flipBit(file.bytes, random);
    if (!updatesDigests) {
      await insider.change(sql`update licenses.document set bytes = ${bytes} where digest = ${file.digest}`);
      return { description: 'one bit of a document is another', objects: listVersionObjects(version) };
    }
    const digest = await insertFile(insider, bytes, file, file.name);
    await sql`delete from licenses.document where digest = ${file.digest}`;
    await replaceDocument(insider, version, digest, version.signature_digest);
    const objects = [...listVersionObjects(version), `document:${digest}`];
    return { description: 'one bit of a document is another, and every digest of it', objects };
  };

const removeFile =
  (isStatement: boolean): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const file = await insider.pickRow(
      random,
      sql`select d.digest, a.identifier, a.id from licenses.document d
      join licenses.act a on d.digest in (a.document_digest, a.signature_digest)
      where (d.media_type = 'application/pdf') <> ${isStatement} order by d.digest`,
    );
    await insider.change(sql`delete from licenses.document where digest = ${file.digest}`);
    const objects = [`document:${file.digest}`, `license:${file.identifier}`, `act:${file.id}`];
    return { description: `a ${isStatement ? 'statement or its signature' : 'document'} is gone`, objects };
  };

const alterHead =
  (column: 'head_state' | 'holder_code' | 'head_identifier'): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const row = await insider.pickRow(random, sql`select * from licenses.license order by number`);
    const others =
      await sql`select distinct ${sql(column)} as value from licenses.license where ${sql(column)} <> ${row[column]} order by 1`;
    const { value } = random.pick(others as readonly Row[]);
    await insider.change(sql`update licenses.license set ${sql(column)} = ${value} where number = ${row.number}`);
    const objects = [`number:${row.number}`, `license:${row.head_identifier}`];
    return { description: `${column} of a license is another`, objects };
  };

/** Columns by which lists find a license, and another value for each. */
const LIST_COLUMNS: Readonly<Record<string, string>> = {
  name: '示范证',
  holder_name: HOLDER,
  type_code: '11000000000090018B999',
  valid_from: '2020-01-01',
  valid_until: '2090-12-31',
  matter_id: 'yd2022-1-01',
  division_code: '360702',
  handled_by: '360702',
};

const alterColumn: Tamper = async (insider, random) => {
  const { sql } = insider;
  const row = await insider.pickRow(random, sql`select * from licenses.license order by number`);
  const column = random.pick(Object.keys(LIST_COLUMNS).filter((name) => row[name] !== LIST_COLUMNS[name]));
  await insider.change(
    sql`update licenses.license set ${sql(column)} = ${LIST_COLUMNS[column] ?? ''} where number = ${row.number}`,
  );
  const objects = [`number:${row.number}`, `license:${row.head_identifier}`];
  return { description: `lists find a license by another ${column}`, objects };
};

const alterPeriod: Tamper = async (insider, random) => {
  const { sql } = insider;
  const version = await insider.pickRow(random, listHeads(insider, 'VALID'));
  const { identifier } = version;
  const column = random.pick(['valid_from', 'valid_until']);
  await insider.change(
    sql`update licenses.license_version set ${sql(column)} = '2090-12-31' where identifier = ${identifier}`,
  );
  return { description: `a license is judged by another ${column}`, objects: listVersionObjects(version) };
};

/** Ends a version that is not the newest one: until a renewal begins, it is the one in force. */
const alterEarlierEnd: Tamper = async (insider, random) => {
  const { sql } = insider;
  const version = await insider.pickRow(
    random,
    sql`select v.* from licenses.license_version v join licenses.license l on l.number = v.number
      where v.identifier <> l.head_identifier order by v.identifier`,
  );
  const end = random.pick(['2026-01-01', '2090-12-31']);
  await insider.change(
    sql`update licenses.license_version set valid_until = ${end} where identifier = ${version.identifier}`,
  );
  return { description: 'an earlier version ends on another day', objects: listVersionObjects(version) };
};

/** Changes what licenses know of a renewal, by which they judge the last day. */
const alterRenewal: Tamper = async (insider, random) => {
  const { sql } = insider;
  const renewal = await insider.pickRow(
    random,
    sql`select r.*, c.number as of_case from licenses.renewal r join cases.case_file c on c.id = r.case_id order by 1`,
  );
  const change = random.pick([
    { is_running: !renewal.is_running },
    { is_granted: !renewal.is_granted },
    { is_held: !renewal.is_held },
    { until: '2090-12-31' },
    { until: null },
    { settled_at: new Date('2026-01-01T00:00:00Z') },
    { case_number: '3607312026010199999' },
    { accepted_on: '2026-01-01' },
  ]);
  await insider.change(sql`update licenses.renewal set ${sql(change)} where case_id = ${renewal.case_id}`);
  const objects = [`number:${renewal.number}`, `case:${renewal.of_case}`];
  return { description: `a renewal has another ${Object.keys(change)}`, objects };
};

/** Enters a renewal that no case asked for, which keeps a license in force. */
const inventRenewal: Tamper = async (insider, random) => {
  const { sql } = insider;
  const { number, record } = await insider.pickRow(random, listHeads(insider, 'VALID'));
  const [caseId, caseNumber] = [randomUUID(), '3607312026010199999'];
  await insider.change(sql`insert into licenses.renewal (case_id, number, is_running, until, case_number, accepted_on)
    values (${caseId}, ${number}, true, ${record.ZZYXQJZRQ === '长期' ? null : record.ZZYXQJZRQ}, ${caseNumber}, '2026-01-01')`);
  return { description: 'a renewal that no case asked for', objects: [`number:${number}`, `case:${caseId}`] };
};

/** Forgets a renewal, so that its license ends on its last day. */
const forgetRenewal: Tamper = async (insider, random) => {
  const { sql } = insider;
  const renewal = await insider.pickRow(
    random,
    sql`select r.*, c.number as of_case from licenses.renewal r join cases.case_file c on c.id = r.case_id order by 1`,
  );
  await insider.change(sql`delete from licenses.renewal where case_id = ${renewal.case_id}`);
  return { description: 'a renewal is gone', objects: [`number:${renewal.number}`, `case:${renewal.of_case}`] };
};

/** Changes the copy of a type by which cases or licenses judge. */
const alterTypeCopy =
  (table: 'cases.license_type_fact' | 'licenses.license_type'): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const { code, fact } = await insider.pickRow(random, sql`select * from ${sql(table)} order by code`);
    const [first, ...others] = fact.versions;
    const changed = random.pick([
      { ...first, lines: first.lines.map((line: object) => ({ ...line, published: true, required: false })) },
      { ...first, term: { kind: 'DATE_OF_CASE', months: null }, duplicates: first.duplicates + 1 },
    ]);
    const copy = sql.json({ ...fact, versions: [changed, ...others] });
    await insider.change(sql`update ${sql(table)} set fact = ${copy} where code = ${code}`);
    return { description: `${table} has another type than published`, objects: [`type:${code} ${first.version}`] };
  };

/** Makes a line required that no license has, and everything that repeats the type with it. */
const alterType =
  (isDigestKept: boolean): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const { code, version, type } = await insider.pickRow(
      random,
      sql`select * from matters.license_type_version t where exists (select 1 from licenses.license_version v
        where v.record->>'ZZLXDM' = t.code and v.record->>'KZ_LXBB' = t.version::text) order by code, version`,
    );
    const [line] = type.lines;
    const changed = { ...type, lines: [...type.lines, { ...line, key: 'forged', label: '伪造', required: true }] };
    const digest = isDigestKept ? sql`digest` : sql`${sha256(toCanonicalJson(changed))}`;
    await insider.change(
      sql`update matters.license_type_version set type = ${sql.json(changed)}, digest = ${digest}
        where code = ${code} and version = ${version}`,
    );
    return { description: 'a license type is another', objects: [`type:${code} ${version}`] };
  };

const deleteType: Tamper = async (insider, random) => {
  const { sql } = insider;
  const version = await insider.pickRow(
    random,
    sql`select * from licenses.license_version where record ? 'KZ_LXBB' order by identifier`,
  );
  const { ZZLXDM: code, KZ_LXBB: number } = version.record;
  await insider.change(sql`delete from matters.license_type_version where code = ${code} and version = ${number}`);
  const objects = [`type:${code} ${number}`, ...listVersionObjects(version)];
  return { description: 'the type version of a license is gone', objects };
};

const forgetNumber =
  (table: 'reserved_number' | 'license_serial'): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const version = await insider.pickRow(random, listVersions(insider));
    await insider.change(
      sql`delete from licenses.${sql(table)} where number in (${version.number}, licenses.fold_text(${version.number}))`,
    );
    const objects = [`number:${version.number}`, ...listVersionObjects(version)];
    return { description: `a license number is gone from ${table}`, objects };
  };

const alterAct =
  (summary: string, change: (act: Row, random: RandomSource) => Row): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const act = await insider.pickRow(
      random,
      sql`select * from licenses.act where state = 'DONE' and case_id is null order by serial`,
    );
    const changes = change(act, random);
    await insider.change(sql`update licenses.act set ${sql(changes)} where id = ${act.id}`);
    return { description: summary, objects: [`act:${act.id}`, `license:${act.identifier}`, `use:${act.id}`] };
  };

const swapCode: Tamper = async (insider, random) => {
  const { sql } = insider;
  const version = await insider.pickRow(random, listVersions(insider));
  const other = random.pick((await listVersions(insider)).filter((row) => row.code !== version.code) as Row[]);
  await insider.change(
    sql`update licenses.license_version set code = ${other.code} where identifier = ${version.identifier}`,
  );
  const [act] = await sql`select id from licenses.act where code = ${version.code}`;
  return {
    description: 'a version has the code of another',
    objects: [...listVersionObjects(version), `code:${act?.id}`, `act:${act?.id}`],
  };
};

const alterTask: Tamper = async (insider, random) => {
  const { sql } = insider;
  const task = await insider.pickRow(
    random,
    sql`select t.*, a.id, a.identifier from licenses.certificate_task t
    join licenses.act a on a.case_id = t.case_id where a.state = 'DONE' order by t.serial`,
  );
  const content = sql.json({ ...task.content, holder: { ...task.content.holder, name: HOLDER } });
  await insider.change(sql`update licenses.certificate_task set content = ${content} where case_id = ${task.case_id}`);
  const objects = [`act:${task.id}`, `license:${task.identifier}`, `use:${task.id}`];
  return { description: 'what was granted names another holder', objects };
};

export const LICENSE_KINDS: Record<string, Tamper> = {
  'version-deleted': deleteVersion,
  'act-done-without-version': deleteAllButAct,
  'state-changed-on-document-alone': changeState,
  'suspended-quietly-restored': restoreState(['SUSPENDED'], 'left'),
  'suspended-restored-by-forged-entries': restoreState(['SUSPENDED'], 'forged'),
  'suspension-forgotten': restoreState(['SUSPENDED'], 'forgotten'),
  'ended-quietly-restored': restoreState(['REVOKED', 'RESCINDED', 'WITHDRAWN', 'CANCELLED'], 'left'),
  'ending-forgotten': restoreState(['REVOKED', 'RESCINDED', 'WITHDRAWN'], 'forgotten'),
  'validity-changed-document-kept': changeRecord('a license holds for longer', () => ({ ZZYXQJZRQ: '2099-12-31' })),
  'holder-changed-document-kept': changeRecord('a license is somebody else’s', () => ({ CZZT: HOLDER })),
  'content-changed-document-kept': changeRecord('a license allows something else', () => ({
    KZ_NR: [{ label: '经营范围', text: '一切' }],
  })),
  'document-replaced-by-genuine': swapInGenuineDocument,
  'list-column-changed': alterColumn,
  'period-of-version-changed': alterPeriod,
  'end-of-earlier-version-changed': alterEarlierEnd,
  'renewal-altered': alterRenewal,
  'renewal-invented': inventRenewal,
  'renewal-deleted': forgetRenewal,
  'type-copy-of-cases-changed': alterTypeCopy('cases.license_type_fact'),
  'type-copy-of-licenses-changed': alterTypeCopy('licenses.license_type'),
  'type-version-changed': alterType(true),
  'type-version-changed-with-digest': alterType(false),
  'type-version-deleted': deleteType,
  'number-forgotten': forgetNumber('reserved_number'),
  'serial-forgotten': forgetNumber('license_serial'),
  'document-flipped': flipDocumentBit(false),
  'document-flipped-with-digests': flipDocumentBit(true),
  'document-removed': removeFile(false),
  'statement-removed': removeFile(true),
  'head-state-altered': alterHead('head_state'),
  'holder-code-altered': alterHead('holder_code'),
  'head-of-another-license': alterHead('head_identifier'),
  'act-reason-altered': alterAct('the reason of an act is another', () => ({ reason: '依申请' })),
  'act-put-on-somebody-else': alterAct('an act is somebody else’s', () => ({
    actor_id: 'yudu-zrzyj.approver',
    actor: '赵无名',
  })),
  'act-outcome-altered': alterAct('an act came to another state', ({ state_after }) => ({
    state_after: state_after === 'CANCELLED' ? 'REVOKED' : 'CANCELLED',
  })),
  'code-of-another-license': swapCode,
  'grant-altered': alterTask,
};
