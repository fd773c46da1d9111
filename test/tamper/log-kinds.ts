import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { readKey, writeSignature } from '../../subgraphs/kernel/tlog/note.ts';
import { hashLeaf } from '../../subgraphs/kernel/tlog/tree.ts';
import { flipBit, type Insider, type Tamper } from './insider.ts';
import type { RandomSource } from './random.ts';
import {
  filesOf,
  type LoggedLeaf,
  namesOfLeaf,
  namesOfRewriting,
  readLeaves,
  readPublished,
  rewriteBoth,
  rewriteDatabase,
  rewriteFiles,
  signCheckpoint,
  tilesOf,
} from './rewrite.ts';

/** Tamperings with the log itself: in the database, in its files, or in both. */

/** An edit of the list of leaves. Returns the new list and the objects that an auditor should name. */
type Edit = (
  leaves: LoggedLeaf[],
  random: RandomSource,
) => { leaves: LoggedLeaf[]; objects: string[]; summary: string };

const alterLeaf: Edit = (leaves, random) => {
  const index = random.below(leaves.length);
  const leaf = leaves[index] as LoggedLeaf;
  const entry = toCanonicalJson({
    ...JSON.parse(leaf.entry),
    at: new Date(leaf.at.getTime() - 86_400_000).toISOString(),
  });
  const objects = [...namesOfLeaf(leaf, index), ...tilesOf(index, leaves.length).map((path) => `tile:${path}`)];
  return { leaves: leaves.with(index, { ...leaf, entry }), objects, summary: `leaf ${index} says another day` };
};

const removeLeaf: Edit = (leaves, random) => {
  const index = random.below(leaves.length - 1);
  const leaf = leaves[index] as LoggedLeaf;
  const objects = [...namesOfLeaf(leaf, index), ...tilesOf(index, leaves.length).map((path) => `tile:${path}`)];
  return { leaves: leaves.toSpliced(index, 1), objects, summary: `leaf ${index} is gone` };
};

const swapLeaves: Edit = (leaves, random) => {
  const index = random.below(leaves.length - 1);
  const [one, other] = [leaves[index], leaves[index + 1]] as [LoggedLeaf, LoggedLeaf];
  const objects = [...namesOfLeaf(one, index), ...namesOfLeaf(other, index + 1)];
  const tileObjects = tilesOf(index, leaves.length).map((path) => `tile:${path}`);
  const swapped = leaves.with(index, other).with(index + 1, one);
  return {
    leaves: swapped,
    objects: [...objects, ...tileObjects],
    summary: `leaves ${index} and ${index + 1} changed places`,
  };
};

const insertLeaf: Edit = (leaves, random) => {
  const uses = leaves.flatMap((leaf, index) => (leaf.kind === 'SEAL_USE' ? [{ leaf, index }] : []));
  const { leaf, index } = random.pick(uses);
  const subject = random.uuid();
  const entry = toCanonicalJson({ ...JSON.parse(leaf.entry), issuanceId: subject });
  const serial = Math.max(...leaves.map((one) => one.serial)) + 1;
  const forgedLeaf = { ...leaf, serial, subject, entry };
  const tiles = tilesOf(index + 1, leaves.length).map((path) => `tile:${path}`);
  const objects = [`leaf:${index + 1}`, `use:${subject}`, ...tiles];
  return {
    leaves: leaves.toSpliced(index + 1, 0, forgedLeaf),
    objects,
    summary: `a use that never was stands at ${index + 1}`,
  };
};

const edits = { altered: alterLeaf, removed: removeLeaf, swapped: swapLeaves, inserted: insertLeaf };

/** Edits only the leaves in the database. Checkpoints and head stay. */
const editDatabase =
  (edit: Edit): Tamper =>
  async (insider, random) => {
    const leavesBefore = await readLeaves(insider);
    const { leaves, objects, summary } = edit(leavesBefore, random);
    const { sql } = insider;
    await sql`delete from seals.log_sequence`;
    await sql`delete from seals.log_leaf where serial <> all(${leaves.map(({ serial }) => serial)})`;
    const entriesBefore = new Map(leavesBefore.map((leaf) => [leaf.serial, leaf.entry]));
    for (const { serial, kind, subject, entry, at } of leaves.filter(
      (leaf) => entriesBefore.get(leaf.serial) !== leaf.entry,
    )) {
      const hash = Buffer.from(hashLeaf(Buffer.from(entry)));
      await sql`insert into seals.log_leaf (serial, kind, subject, entry, hash, at) overriding system value
        values (${serial}, ${kind}, ${subject}, ${entry}, ${hash}, ${at})
        on conflict (serial) do update set entry = excluded.entry, hash = excluded.hash`;
    }
    await sql`insert into seals.log_sequence ${sql(leaves.map(({ serial }, index) => ({ index, serial })))}`;
    return { description: `in the database ${summary}`, objects: [...objects, ...(await namesOfRewriting(insider))] };
  };

/** Edits only the files. Every tile is rebuilt; the checkpoint stays as it was, or is signed again. */
const editFiles =
  (edit: Edit, isSignedAgain: boolean): Tamper =>
  async (insider, random) => {
    const { leaves, objects, summary } = edit(await readLeaves(insider), random);
    await rewriteFiles(insider, leaves, isSignedAgain ? undefined : readPublished(insider));
    const names = await namesOfRewriting(insider);
    const size = `checkpoint:${leaves.length}`;
    return {
      description: `in the files${isSignedAgain ? ', signed again,' : ''} ${summary}`,
      objects: [...objects, size, ...names],
    };
  };

/** Rewrites database and files, so that everything the hub holds agrees. */
const editBoth =
  (edit: Edit): Tamper =>
  async (insider, random) => {
    const { leaves, objects, summary } = edit(await readLeaves(insider), random);
    await rewriteBoth(insider, leaves);
    const size = `checkpoint:${leaves.length}`;
    return {
      description: `in a rewritten log ${summary}`,
      objects: [...objects, size, ...(await namesOfRewriting(insider))],
    };
  };

const splitDatabase: Tamper = async (insider, random) => {
  const { leaves, objects, summary } = alterLeaf(await readLeaves(insider), random);
  await rewriteDatabase(insider, leaves);
  return {
    description: `in a rewritten database ${summary}; files stay`,
    objects: [...objects, ...(await namesOfRewriting(insider))],
  };
};

/** Deletes the ledger rows of removed leaves. */
async function forgetLedgers({ sql }: Insider, removedLeaves: readonly LoggedLeaf[]): Promise<void> {
  const listSubjects = (kind: string) => removedLeaves.filter((leaf) => leaf.kind === kind).map((leaf) => leaf.subject);
  await sql`delete from seals.seal_use where issuance_id::text = any(${listSubjects('SEAL_USE')})`;
  await sql`delete from seals.seal_code where issuance_id::text = any(${listSubjects('CODE_USE')})`;
  await sql`delete from seals.seal_event where serial::text = any(${listSubjects('SEAL_EVENT')})`;
}

const truncateLog =
  (includesLedgers: boolean): Tamper =>
  async (insider, random) => {
    const leaves = await readLeaves(insider);
    const size = leaves.length - 1 - random.below(20);
    const removedLeaves = leaves.slice(size);
    if (includesLedgers) await forgetLedgers(insider, removedLeaves);
    await rewriteBoth(insider, leaves.slice(0, size));
    const objects = [...removedLeaves.flatMap((leaf, i) => namesOfLeaf(leaf, size + i)), `checkpoint:${size}`];
    return {
      description: `the log was cut back to ${size} leaves${includesLedgers ? ', and the ledgers with it' : ''}`,
      objects: [...(await namesOfRewriting(insider)), ...objects],
    };
  };

const forkLog: Tamper = async (insider, random) => {
  const leaves = await readLeaves(insider);
  const from = 200 + random.below(leaves.length - 210);
  const forked = leaves.map((leaf, index) => {
    if (index < from) return leaf;
    const entryFields = { ...JSON.parse(leaf.entry), at: new Date(leaf.at.getTime() + 1_000).toISOString() };
    return { ...leaf, entry: toCanonicalJson(entryFields) };
  });
  await rewriteBoth(insider, forked);
  const objects = [`leaf:${from}`, ...(await namesOfRewriting(insider))];
  return { description: `after ${from} leaves the log grew otherwise`, objects };
};

const newestSize = async ({ sql }: Insider) => Number((await sql`select size::int from seals.log_head`)[0]?.size);

const signWithOtherKey: Tamper = async (insider) => {
  const { hubClone } = insider;
  const [text = '', ...rest] = readPublished(insider).split('\n\n');
  const { privateKey } = generateKeyPairSync('ed25519');
  const line = writeSignature(readKey(hubClone.logKey), sign(null, Buffer.from(`${text}\n`), privateKey));
  const cosignatures = rest.join('\n\n').split('\n').slice(1).join('\n');
  writeFileSync(join(hubClone.logFolder, 'checkpoint'), `${text}\n\n${line}${cosignatures}`);
  const objects = [`checkpoint:${await newestSize(insider)}`, 'log'];
  return { description: 'the published checkpoint is signed by another key', objects };
};

const replaceLogKey: Tamper = async (insider) => {
  const { sql, keys } = insider;
  const { publicKeyPem, encrypted } = await keys.generate('log', 'Ed25519');
  await insider.change(
    sql`update seals.log_key set public_key_pem = ${publicKeyPem}, encrypted_key = ${Buffer.from(encrypted)}`,
  );
  return {
    description: 'the log has another key in the database',
    objects: ['log', `checkpoint:${await newestSize(insider)}`],
  };
};

/** Changes the witness's line in the published checkpoint, and its cosignature of the newest size in the database. */
const changeCosignature =
  (summary: string, make: (line: string, random: RandomSource, insider: Insider) => string): Tamper =>
  async (insider, random) => {
    const { hubClone, sql } = insider;
    const size = await newestSize(insider);
    const [row] = await sql`select witness, line from seals.log_cosignature where size = ${size}`;
    if (!row) throw new Error('nobody cosigned');
    const line = make(row.line, random, insider);
    await insider.change(
      line === ''
        ? sql`delete from seals.log_cosignature where size = ${size}`
        : sql`update seals.log_cosignature set line = ${line} where size = ${size}`,
    );
    const path = join(hubClone.logFolder, 'checkpoint');
    writeFileSync(
      path,
      readPublished(insider).replace(row.line, () => line),
    );
    return { description: summary, objects: [`checkpoint:${size}`, 'log'] };
  };

function withSignature(line: string, make: (bytes: Buffer) => Uint8Array): string {
  const [mark, name, encoded = ''] = line.trim().split(' ');
  return `${mark} ${name} ${Buffer.from(make(Buffer.from(encoded, 'base64'))).toString('base64')}\n`;
}

const changeCosignatureTime = (line: string) =>
  withSignature(line, (bytes) => {
    bytes.writeBigUInt64BE(bytes.readBigUInt64BE(4) - 86_400n, 4);
    return bytes;
  });

const forgeCosignature = (line: string, _chance: RandomSource, insider: Insider) =>
  withSignature(line, (bytes) => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const text = `${readPublished(insider).split('\n\n')[0]}\n`;
    const signedText = `cosignature/v1\ntime ${bytes.readBigUInt64BE(4)}\n${text}`;
    return Buffer.concat([bytes.subarray(0, 12), sign(null, Buffer.from(signedText), privateKey)]);
  });

const alterOlderCheckpoint: Tamper = async (insider, random) => {
  const { sql } = insider;
  const head = await newestSize(insider);
  const { size } = await insider.pickRow(random, sql`select size::int from seals.log_checkpoint where size < ${head}`);
  const root = random.bytes(32);
  const note = await signCheckpoint(insider, size, root);
  await insider.change(sql`update seals.log_checkpoint set root = ${root}, note = ${note} where size = ${size}`);
  return {
    description: `the checkpoint of ${size} leaves has another root, signed`,
    objects: [`checkpoint:${size}`, 'log'],
  };
};

const alterHead: Tamper = async (insider, random) => {
  const size = await newestSize(insider);
  await insider.change(insider.sql`update seals.log_head set root = ${random.bytes(32)}`);
  return { description: 'the head has another root', objects: ['log', `checkpoint:${size}`] };
};

/** Returns the tiles that a reader of the newest tree needs. Partial tiles of older trees are not needed. */
async function neededTiles(insider: Insider): Promise<string[]> {
  const size = await newestSize(insider);
  const part = size % 256;
  return filesOf(insider.hubClone.logFolder).filter(
    (path) =>
      path.startsWith('tile/') && (!path.includes('.p/') || path.endsWith(`.p/${part}`) || path.startsWith('tile/1/')),
  );
}

const removeTile: Tamper = async (insider, random) => {
  const path = random.pick(await neededTiles(insider));
  rmSync(join(insider.hubClone.logFolder, path));
  return { description: `${path} is gone`, objects: [`tile:${path}`] };
};

const flipTileBit: Tamper = async (insider, random) => {
  const path = random.pick(await neededTiles(insider));
  const file = join(insider.hubClone.logFolder, path);
  writeFileSync(file, flipBit(readFileSync(file), random));
  return { description: `one bit of ${path} is another`, objects: [`tile:${path}`] };
};

const alterTileHash: Tamper = async (insider, random) => {
  await insider.change(insider.sql`update seals.log_tile set hash = ${random.bytes(32)} where level = 1 and index = 0`);
  const size = await newestSize(insider);
  const path = `tile/1/000.p/${Math.floor(size / 256)}`;
  return {
    description: 'a whole tile has another hash in the database',
    objects: [`tile:${path}`, 'tile:tile/0/000', 'log'],
  };
};

const alterLeafHash: Tamper = async (insider, random) => {
  const leaves = await readLeaves(insider);
  const index = random.below(leaves.length);
  const leaf = leaves[index] as LoggedLeaf;
  await insider.change(insider.sql`update seals.log_leaf set hash = ${random.bytes(32)} where serial = ${leaf.serial}`);
  return {
    description: `leaf ${index} has another hash in the database`,
    objects: [...namesOfLeaf(leaf, index), 'log'],
  };
};

export const LOG_KINDS: Record<string, Tamper> = {
  ...Object.fromEntries(Object.entries(edits).map(([name, edit]) => [`leaf-${name}-in-database`, editDatabase(edit)])),
  ...Object.fromEntries(Object.entries(edits).map(([name, edit]) => [`leaf-${name}-in-files`, editFiles(edit, false)])),
  ...Object.fromEntries(Object.entries(edits).map(([name, edit]) => [`leaf-${name}-in-rewritten-log`, editBoth(edit)])),
  'split-view-files-signed-again': editFiles(alterLeaf, true),
  'split-view-database-signed-again': splitDatabase,
  'log-truncated': truncateLog(false),
  'log-and-ledgers-truncated': truncateLog(true),
  'log-forked': forkLog,
  'checkpoint-by-another-key': signWithOtherKey,
  'log-key-replaced': replaceLogKey,
  'cosignature-removed': changeCosignature('the witness’s signature is gone', () => ''),
  'cosignature-altered': changeCosignature('the witness’s signature tells another day', changeCosignatureTime),
  'cosignature-forged': changeCosignature('somebody else signed as the witness', forgeCosignature),
  'older-checkpoint-altered': alterOlderCheckpoint,
  'head-altered': alterHead,
  'tile-removed': removeTile,
  'tile-flipped': flipTileBit,
  'tile-hash-altered-in-database': alterTileHash,
  'leaf-hash-altered-in-database': alterLeafHash,
};
