import { sha256 as hex } from '../../subgraphs/kernel/events/events.ts';
import { buildUseLeaf } from '../../subgraphs/seals/log/leaf.ts';
import { flipBit, forgeAuthorisation, type Insider, type Row, signOffLedger, type Tamper } from './insider.ts';
import type { RandomSource } from './random.ts';
import { type LoggedLeaf, namesOfLeaf, namesOfRewriting, readLeaves, rewriteBoth } from './rewrite.ts';

/** Tamperings with uses of seals (用印) and of their QR code keys. */

const COLUMNS = [
  'organ',
  'matter_id',
  'authorised_by_id',
  'at',
  'content_digest',
  'document_digest',
  'signature',
] as const;
type Column = (typeof COLUMNS)[number];

const listUses = ({ sql }: Insider) => sql`select * from seals.seal_use order by serial`;

/** Returns a plausible other value for a column: one that another use has, if the column allows it. */
async function otherValue(insider: Insider, random: RandomSource, use: Row, column: Column): Promise<unknown> {
  if (column === 'at') return new Date(use.at.getTime() - (1 + random.below(40)) * 86_400_000);
  if (column === 'content_digest' || column === 'document_digest') return random.bytes(32).toString('hex');
  if (column === 'signature') return flipBit(use.signature, random);
  const values = [...new Set((await listUses(insider)).map((row) => row[column]))].filter(
    (value) => value !== use[column],
  );
  return random.pick(values);
}

function leafOfUse(row: Row) {
  return buildUseLeaf({
    issuanceId: row.issuance_id,
    sealId: row.seal_id,
    organ: row.organ,
    matterId: row.matter_id,
    caseId: row.case_id,
    act: row.act,
    identifier: row.identifier,
    blankNumber: row.blank_number,
    duplicateBlanks: row.duplicate_blanks,
    contentDigest: row.content_digest,
    authorisedById: row.authorised_by_id,
    authorisation: row.authorisation,
    isSalted: row.is_salted,
    suite: row.suite,
    documentDigest: row.document_digest,
    signature: row.signature,
    at: row.at,
  });
}

/** Replaces the leaf of a changed use and rewrites the log. */
export async function replaceLeaf(insider: Insider, row: Row): Promise<string[]> {
  const leaves = await readLeaves(insider);
  const index = leaves.findIndex((leaf) => leaf.kind === 'SEAL_USE' && leaf.subject === row.issuance_id);
  const { entry, at } = leafOfUse(row);
  await rewriteBoth(insider, leaves.with(index, { ...(leaves[index] as LoggedLeaf), entry, at }));
  return [`leaf:${index}`, ...(await namesOfRewriting(insider))];
}

async function leafNames(insider: Insider, kind: string, subject: string): Promise<string[]> {
  const leaves = await readLeaves(insider);
  const index = leaves.findIndex((leaf) => leaf.kind === kind && leaf.subject === subject);
  const leaf = leaves[index];
  return leaf ? namesOfLeaf(leaf, index) : [];
}

const alterUse =
  (column: Column, rewritesLog: boolean): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const use = await insider.pickRow(random, listUses(insider));
    const value = await otherValue(insider, random, use, column);
    const row = { ...use, [column]: value };
    await insider.change(sql`update seals.seal_use set ${sql(row, column)} where issuance_id = ${use.issuance_id}`);
    const names = rewritesLog ? await replaceLeaf(insider, row) : await leafNames(insider, 'SEAL_USE', use.issuance_id);
    const summary = `${column} of a use is another${rewritesLog ? ', and the log was rewritten' : ''}`;
    return { description: summary, objects: [`use:${use.issuance_id}`, `act:${use.issuance_id}`, ...names] };
  };

/** Attributes a use to another person, with a statement authenticated by the hub's own key. */
const attributeUse =
  (rewritesLog: boolean): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const use = await insider.pickRow(random, listUses(insider));
    const other = await insider.pickRow(
      random,
      sql`select authorised_by_id, authorised_by from seals.seal_use
      where authorised_by_id <> ${use.authorised_by_id} order by serial`,
    );
    const claims = { actor: other.authorised_by_id, actorName: other.authorised_by };
    const row: Row = { ...use, ...other, authorisation: await forgeAuthorisation(insider, use.authorisation, claims) };
    const columns = ['authorised_by_id', 'authorised_by', 'authorisation'];
    await insider.change(sql`update seals.seal_use set ${sql(row, ...columns)} where issuance_id = ${use.issuance_id}`);
    const { authorisation } = row;
    await sql`update licenses.act set authorisation = ${authorisation} where id = ${use.issuance_id}`;
    await sql`update cases.decision_seal set authorisation = ${authorisation} where notice_id = ${use.issuance_id}`;
    if (use.case_id !== null)
      await sql`update licenses.certificate_task set authorisation = ${authorisation} where case_id = ${use.case_id}`;
    const names = rewritesLog ? await replaceLeaf(insider, row) : await leafNames(insider, 'SEAL_USE', use.issuance_id);
    return {
      description: `a use was put on ${other.authorised_by_id}${rewritesLog ? ', and the log was rewritten' : ''}`,
      objects: [`use:${use.issuance_id}`, `act:${use.issuance_id}`, `notice:${use.issuance_id}`, ...names],
    };
  };

/** Changes only the person's name. The log contains no names. */
const renamePerson: Tamper = async (insider, random) => {
  const use = await insider.pickRow(random, listUses(insider));
  const { sql } = insider;
  await insider.change(sql`update seals.seal_use set authorised_by = '赵无名' where issuance_id = ${use.issuance_id}`);
  return { description: 'a use names another person', objects: [`use:${use.issuance_id}`] };
};

/** Adds a use with a genuine signature by the seal's key: to the ledger only, or to ledger and log. */
const addUse =
  (isLogged: boolean): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const use = await insider.pickRow(random, sql`select * from seals.seal_use where case_id is null order by serial`);
    const digest = random.bytes(32);
    const signature = await signOffLedger(insider, { sealId: use.seal_id, profile: 'CADES', digest, at: use.at });
    const contentDigest = random.bytes(32).toString('hex');
    const authorisation = await forgeAuthorisation(insider, use.authorisation, { contentDigest });
    const { serial: _serial, ...rest } = use;
    const id = random.uuid();
    const row = { ...rest, issuance_id: id, content_digest: contentDigest, document_digest: digest.toString('hex') };
    const forgedUse: Row = { ...row, authorisation, signature };
    await sql`insert into seals.seal_use ${sql(forgedUse)}`;
    if (!isLogged) return { description: 'a use stands in the ledger and not in the log', objects: [`use:${id}`] };
    const leaves = await readLeaves(insider);
    const { entry, at } = leafOfUse(forgedUse);
    const serial = Math.max(...leaves.map((leaf) => leaf.serial)) + 1;
    await rewriteBoth(insider, [...leaves, { serial, kind: 'SEAL_USE', subject: id, entry, at }]);
    const names = [`leaf:${leaves.length}`, `checkpoint:${leaves.length + 1}`];
    return {
      description: 'a use of nothing stands in ledger and log, as the newest leaf',
      objects: [`use:${id}`, ...names],
    };
  };

const removeRow =
  (table: 'seal_use' | 'seal_code', kind: string, prefix: string): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const row = await insider.pickRow(random, sql`select * from seals.${sql(table)} order by serial`);
    await insider.change(sql`delete from seals.${sql(table)} where issuance_id = ${row.issuance_id}`);
    const names = await leafNames(insider, kind, row.issuance_id);
    return {
      description: `a row of ${table} is gone, its leaf is not`,
      objects: [`${prefix}:${row.issuance_id}`, ...names],
    };
  };

/** Removes a use and its leaf, and rewrites the log. */
const removeUse: Tamper = async (insider, random) => {
  const { sql } = insider;
  const use = await insider.pickRow(random, listUses(insider));
  await insider.change(sql`delete from seals.seal_use where issuance_id = ${use.issuance_id}`);
  const leaves = await readLeaves(insider);
  const index = leaves.findIndex((leaf) => leaf.subject === use.issuance_id && leaf.kind === 'SEAL_USE');
  await rewriteBoth(insider, leaves.toSpliced(index, 1));
  const objects = [`use:${use.issuance_id}`, `act:${use.issuance_id}`, `notice:${use.issuance_id}`, `leaf:${index}`];
  return {
    description: 'a use is gone from ledger and log',
    objects: [...objects, ...(await namesOfRewriting(insider))],
  };
};

const listCodes = ({ sql }: Insider) => sql`select * from seals.seal_code order by serial`;

const alterCode =
  (rewritesLog: boolean): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const row = await insider.pickRow(random, listCodes(insider));
    const payload = JSON.stringify({ ...JSON.parse(row.payload), t: '2099-12-31' });
    const [head, , tail] = row.code.split('.');
    const code = `${head}.${Buffer.from(payload).toString('base64url')}.${tail}`;
    await insider.change(
      sql`update seals.seal_code set code = ${code}, payload = ${payload} where issuance_id = ${row.issuance_id}`,
    );
    const objects = [
      `code:${row.issuance_id}`,
      `license:${row.identifier}`,
      ...(await leafNames(insider, 'CODE_USE', row.issuance_id)),
    ];
    if (!rewritesLog) return { description: 'a code says that it holds for longer', objects };
    const leaves = await readLeaves(insider);
    const index = leaves.findIndex((leaf) => leaf.kind === 'CODE_USE' && leaf.subject === row.issuance_id);
    const leaf = leaves[index] as LoggedLeaf;
    const entryFields = { ...JSON.parse(leaf.entry), codeDigest: hex(code) };
    const entry = toCodeEntry(entryFields);
    await rewriteBoth(insider, leaves.with(index, { ...leaf, entry }));
    return {
      description: 'a code says that it holds for longer, and the log was rewritten',
      objects: [...objects, ...(await namesOfRewriting(insider))],
    };
  };

/** Serialises an entry. Its members are in canonical order already. */
const toCodeEntry = (entryFields: object) => JSON.stringify(entryFields);

const alterCodePayload: Tamper = async (insider, random) => {
  const { sql } = insider;
  const row = await insider.pickRow(random, listCodes(insider));
  const payload = JSON.stringify({ ...JSON.parse(row.payload), h: '某某****公司' });
  await insider.change(sql`update seals.seal_code set payload = ${payload} where issuance_id = ${row.issuance_id}`);
  return { description: 'the ledger of codes says another holder than the code', objects: [`code:${row.issuance_id}`] };
};

export const USE_KINDS: Record<string, Tamper> = {
  ...Object.fromEntries(COLUMNS.map((column) => [`use-${column}-altered`, alterUse(column, false)])),
  ...Object.fromEntries(COLUMNS.map((column) => [`use-${column}-altered-and-log-rewritten`, alterUse(column, true)])),
  'use-put-on-somebody-else': attributeUse(false),
  'use-put-on-somebody-else-and-log-rewritten': attributeUse(true),
  'use-names-somebody-else': renamePerson,
  'use-without-leaf': addUse(false),
  'use-of-nothing-with-leaf': addUse(true),
  'leaf-without-use': removeRow('seal_use', 'SEAL_USE', 'use'),
  'leaf-without-code': removeRow('seal_code', 'CODE_USE', 'code'),
  'use-gone-and-log-rewritten': removeUse,
  'code-altered': alterCode(false),
  'code-altered-and-log-rewritten': alterCode(true),
  'code-payload-altered': alterCodePayload,
};
