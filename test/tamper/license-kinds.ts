import type { LicenseRecord } from '../../subgraphs/licenses/record.ts';
import type { Chance } from './chance.ts';
import { flipped, type Inside, type Row, type Tamper } from './inside.ts';
import { fileOf, HOLDER, heads, keepFile, namesOf, setDocument, setRecord } from './version.ts';

/** Tamperings with licenses: versions, records, documents, states and acts. */

const versions = ({ sql }: Inside) => sql`select * from licenses.license_version order by identifier`;

const recordChanged =
  (said: string, change: (record: LicenseRecord) => Partial<LicenseRecord>): Tamper =>
  async (inside, chance) => {
    const version = await inside.victim(chance, versions(inside));
    await setRecord(inside, version, { ...version.record, ...change(version.record) });
    return { description: said, objects: namesOf(version) };
  };

const versionDeleted: Tamper = async (inside, chance) => {
  const version = await inside.victim(chance, versions(inside));
  await inside.change(inside.sql`delete from licenses.license_version where identifier = ${version.identifier}`);
  return { description: 'a version is gone', objects: namesOf(version) };
};

/** Deletes everything of a version except its act, whose state is DONE. */
const actLeft: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const version = await inside.victim(
    chance,
    sql`select v.* from licenses.license_version v
    join licenses.license l on l.head_identifier = v.identifier and l.head_version = 1
    where not exists (select 1 from licenses.act a where a.identifier = v.identifier and a.act <> 'ISSUE') order by 1`,
  );
  const { identifier, number } = version;
  const [act] = await sql`select id from licenses.act where identifier = ${identifier}`;
  const [sheet] = await sql`select blank_number from licenses.sheet where identifier = ${identifier}`;
  await inside.change(sql`delete from licenses.license_version where identifier = ${identifier}`);
  await sql`delete from licenses.license where number = ${number}`;
  await sql`delete from licenses.license_entry where number = ${number}`;
  await sql`delete from licenses.paper_entry where number = ${number}`;
  await sql`delete from licenses.sheet where identifier = ${identifier}`;
  await sql`delete from licenses.document where number = ${number}`;
  await sql`update licenses.blank set state = 'IN_STOCK', identifier = null where number = ${sheet?.blank_number}`;
  await sql`delete from licenses.blank_entry where number = ${sheet?.blank_number} and seq > 1`;
  const more = [`act:${act?.id}`, `use:${act?.id}`, `code:${act?.id}`];
  return { description: 'an act is done and its license is not there', objects: [...namesOf(version), ...more] };
};

/** Restores the state of a version, its sheet and its license. `ledger` says what happens to the ledgers. */
const restored =
  (from: string[], ledger: 'left' | 'forged' | 'forgotten'): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const version = await inside.victim(chance, heads(inside, ...from));
    const { identifier, number } = version;
    await inside.change(sql`update licenses.license_version set state = 'VALID' where identifier = ${identifier}`);
    await sql`update licenses.license set head_state = 'VALID' where number = ${number}`;
    await sql`update licenses.sheet set validity = 'VALID' where identifier = ${identifier} and state <> 'SPOILED'`;
    const [act] =
      await sql`select id from licenses.act where identifier = ${identifier} and act <> 'SPOIL' order by serial desc limit 1`;
    const objects = [...namesOf(version), `act:${act?.id}`];
    if (ledger === 'forgotten') objects.push(...(await forget(inside, act?.id)));
    if (ledger === 'forged') {
      const id = chance.uuid();
      for (const table of ['license_entry', 'paper_entry']) {
        const [last] =
          await sql`select * from licenses.${sql(table)} where number = ${number} order by seq desc limit 1`;
        const entry = { ...last, seq: last?.seq + 1, act: 'RESTORE', state_after: 'VALID', act_id: id };
        await sql`insert into licenses.${sql(table)} ${sql(entry)}`;
      }
      objects.push(`act:${id}`);
    }
    return { description: `a license was quietly put back into force; its ledgers are ${ledger}`, objects };
  };

/** Removes an act with its ledger entries and its statement. Only its seal use remains. */
async function forget({ sql }: Inside, id: string): Promise<string[]> {
  const [act] = await sql`select * from licenses.act where id = ${id}`;
  await sql`delete from licenses.license_entry where act_id = ${id}`;
  await sql`delete from licenses.paper_entry where act_id = ${id}`;
  await sql`delete from licenses.document where digest in (${act?.document_digest}, ${act?.signature_digest})`;
  await sql`delete from licenses.act where id = ${id}`;
  return [`use:${id}`, `document:${act?.document_digest}`];
}

const stateChanged: Tamper = async (inside, chance) => {
  const version = await inside.victim(chance, versions(inside));
  const state = version.state === 'VALID' ? 'CANCELLED' : 'VALID';
  await inside.change(
    inside.sql`update licenses.license_version set state = ${state} where identifier = ${version.identifier}`,
  );
  return { description: `a version is ${state} on the document alone`, objects: namesOf(version) };
};

const genuineInstead: Tamper = async (inside, chance) => {
  const version = await inside.victim(chance, versions(inside));
  const others = (await versions(inside)).filter((row) => row.identifier !== version.identifier);
  const other = chance.pick(others);
  await setDocument(inside, version, other.document_digest, other.signature_digest);
  const objects = [...namesOf(version), ...namesOf(other)];
  return { description: 'a version shows the document of another license', objects };
};

const bytesFlipped =
  (careful: boolean): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const version = await inside.victim(chance, versions(inside));
    const file = await fileOf(inside, version.document_digest);
    const bytes = flipped(file.bytes, chance);
    if (!careful) {
      await inside.change(sql`update licenses.document set bytes = ${bytes} where digest = ${file.digest}`);
      return { description: 'one bit of a document is another', objects: namesOf(version) };
    }
    const digest = await keepFile(inside, bytes, file, file.name);
    await sql`delete from licenses.document where digest = ${file.digest}`;
    await setDocument(inside, version, digest, version.signature_digest);
    const objects = [...namesOf(version), `document:${digest}`];
    return { description: 'one bit of a document is another, and every digest of it', objects };
  };

const fileRemoved =
  (statement: boolean): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const file = await inside.victim(
      chance,
      sql`select d.digest, a.identifier, a.id from licenses.document d
      join licenses.act a on d.digest in (a.document_digest, a.signature_digest)
      where (d.media_type = 'application/pdf') <> ${statement} order by d.digest`,
    );
    await inside.change(sql`delete from licenses.document where digest = ${file.digest}`);
    const objects = [`document:${file.digest}`, `license:${file.identifier}`, `act:${file.id}`];
    return { description: `a ${statement ? 'statement or its signature' : 'document'} is gone`, objects };
  };

const headAltered =
  (column: 'head_state' | 'holder_code' | 'head_identifier'): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const row = await inside.victim(chance, sql`select * from licenses.license order by number`);
    const others =
      await sql`select distinct ${sql(column)} as value from licenses.license where ${sql(column)} <> ${row[column]} order by 1`;
    const { value } = chance.pick(others as readonly Row[]);
    await inside.change(sql`update licenses.license set ${sql(column)} = ${value} where number = ${row.number}`);
    const objects = [`number:${row.number}`, `license:${row.head_identifier}`];
    return { description: `${column} of a license is another`, objects };
  };

const actAltered =
  (said: string, change: (act: Row, chance: Chance) => Row): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const act = await inside.victim(
      chance,
      sql`select * from licenses.act where state = 'DONE' and case_id is null order by serial`,
    );
    const changes = change(act, chance);
    await inside.change(sql`update licenses.act set ${sql(changes)} where id = ${act.id}`);
    return { description: said, objects: [`act:${act.id}`, `license:${act.identifier}`, `use:${act.id}`] };
  };

const codeOfVersion: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const version = await inside.victim(chance, versions(inside));
  const other = chance.pick((await versions(inside)).filter((row) => row.code !== version.code) as Row[]);
  await inside.change(
    sql`update licenses.license_version set code = ${other.code} where identifier = ${version.identifier}`,
  );
  const [act] = await sql`select id from licenses.act where code = ${version.code}`;
  return {
    description: 'a version has the code of another',
    objects: [...namesOf(version), `code:${act?.id}`, `act:${act?.id}`],
  };
};

const taskAltered: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const task = await inside.victim(
    chance,
    sql`select t.*, a.id, a.identifier from licenses.certificate_task t
    join licenses.act a on a.case_id = t.case_id where a.state = 'DONE' order by t.serial`,
  );
  const content = sql.json({ ...task.content, holder: { ...task.content.holder, name: HOLDER } });
  await inside.change(sql`update licenses.certificate_task set content = ${content} where case_id = ${task.case_id}`);
  const objects = [`act:${task.id}`, `license:${task.identifier}`, `use:${task.id}`];
  return { description: 'what was granted names another holder', objects };
};

export const LICENSE_KINDS: Record<string, Tamper> = {
  'version-deleted': versionDeleted,
  'act-done-without-version': actLeft,
  'state-changed-on-document-alone': stateChanged,
  'suspended-quietly-restored': restored(['SUSPENDED'], 'left'),
  'suspended-restored-by-forged-entries': restored(['SUSPENDED'], 'forged'),
  'suspension-forgotten': restored(['SUSPENDED'], 'forgotten'),
  'ended-quietly-restored': restored(['REVOKED', 'RESCINDED', 'WITHDRAWN', 'CANCELLED'], 'left'),
  'ending-forgotten': restored(['REVOKED', 'RESCINDED', 'WITHDRAWN'], 'forgotten'),
  'validity-changed-document-kept': recordChanged('a license holds for longer', () => ({ ZZYXQJZRQ: '2099-12-31' })),
  'holder-changed-document-kept': recordChanged('a license is somebody else’s', () => ({ CZZT: HOLDER })),
  'content-changed-document-kept': recordChanged('a license allows something else', () => ({
    KZ_NR: [{ label: '经营范围', text: '一切' }],
  })),
  'document-replaced-by-genuine': genuineInstead,
  'document-flipped': bytesFlipped(false),
  'document-flipped-with-digests': bytesFlipped(true),
  'document-removed': fileRemoved(false),
  'statement-removed': fileRemoved(true),
  'head-state-altered': headAltered('head_state'),
  'holder-code-altered': headAltered('holder_code'),
  'head-of-another-license': headAltered('head_identifier'),
  'act-reason-altered': actAltered('the reason of an act is another', () => ({ reason: '依申请' })),
  'act-put-on-somebody-else': actAltered('an act is somebody else’s', () => ({
    actor_id: 'yudu-zrzyj.approver',
    actor: '赵无名',
  })),
  'act-outcome-altered': actAltered('an act came to another state', ({ state_after }) => ({
    state_after: state_after === 'CANCELLED' ? 'REVOKED' : 'CANCELLED',
  })),
  'code-of-another-license': codeOfVersion,
  'grant-altered': taskAltered,
};
