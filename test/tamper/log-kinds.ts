import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toCanonicalJson } from '../../subgraphs/kernel/events.ts';
import { readKey, writeSignature } from '../../subgraphs/kernel/tlog/note.ts';
import { hashLeaf } from '../../subgraphs/kernel/tlog/tree.ts';
import type { Chance } from './chance.ts';
import { flipped, type Inside, type Tamper } from './inside.ts';
import {
  filesOf,
  type HeldLeaf,
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
type Edit = (leaves: HeldLeaf[], chance: Chance) => { leaves: HeldLeaf[]; objects: string[]; said: string };

const alter: Edit = (leaves, chance) => {
  const index = chance.below(leaves.length);
  const leaf = leaves[index] as HeldLeaf;
  const entry = toCanonicalJson({
    ...JSON.parse(leaf.entry),
    at: new Date(leaf.at.getTime() - 86_400_000).toISOString(),
  });
  const objects = [...namesOfLeaf(leaf, index), ...tilesOf(index, leaves.length).map((path) => `tile:${path}`)];
  return { leaves: leaves.with(index, { ...leaf, entry }), objects, said: `leaf ${index} says another day` };
};

const remove: Edit = (leaves, chance) => {
  const index = chance.below(leaves.length - 1);
  const leaf = leaves[index] as HeldLeaf;
  const objects = [...namesOfLeaf(leaf, index), ...tilesOf(index, leaves.length).map((path) => `tile:${path}`)];
  return { leaves: leaves.toSpliced(index, 1), objects, said: `leaf ${index} is gone` };
};

const swap: Edit = (leaves, chance) => {
  const index = chance.below(leaves.length - 1);
  const [one, other] = [leaves[index], leaves[index + 1]] as [HeldLeaf, HeldLeaf];
  const objects = [...namesOfLeaf(one, index), ...namesOfLeaf(other, index + 1)];
  const more = tilesOf(index, leaves.length).map((path) => `tile:${path}`);
  const swapped = leaves.with(index, other).with(index + 1, one);
  return { leaves: swapped, objects: [...objects, ...more], said: `leaves ${index} and ${index + 1} changed places` };
};

const insert: Edit = (leaves, chance) => {
  const uses = leaves.flatMap((leaf, index) => (leaf.kind === 'SEAL_USE' ? [{ leaf, index }] : []));
  const { leaf, index } = chance.pick(uses);
  const subject = chance.uuid();
  const entry = toCanonicalJson({ ...JSON.parse(leaf.entry), issuanceId: subject });
  const serial = Math.max(...leaves.map((one) => one.serial)) + 1;
  const made = { ...leaf, serial, subject, entry };
  const tiles = tilesOf(index + 1, leaves.length).map((path) => `tile:${path}`);
  const objects = [`leaf:${index + 1}`, `use:${subject}`, ...tiles];
  return { leaves: leaves.toSpliced(index + 1, 0, made), objects, said: `a use that never was stands at ${index + 1}` };
};

const edits = { altered: alter, removed: remove, swapped: swap, inserted: insert };

/** Edits only the leaves in the database. Checkpoints and head stay. */
const inDatabase =
  (edit: Edit): Tamper =>
  async (inside, chance) => {
    const before = await readLeaves(inside);
    const { leaves, objects, said } = edit(before, chance);
    const { sql } = inside;
    await sql`delete from seals.log_sequence`;
    await sql`delete from seals.log_leaf where serial <> all(${leaves.map(({ serial }) => serial)})`;
    const known = new Map(before.map((leaf) => [leaf.serial, leaf.entry]));
    for (const { serial, kind, subject, entry, at } of leaves.filter((leaf) => known.get(leaf.serial) !== leaf.entry)) {
      const hash = Buffer.from(hashLeaf(Buffer.from(entry)));
      await sql`insert into seals.log_leaf (serial, kind, subject, entry, hash, at) overriding system value
        values (${serial}, ${kind}, ${subject}, ${entry}, ${hash}, ${at})
        on conflict (serial) do update set entry = excluded.entry, hash = excluded.hash`;
    }
    await sql`insert into seals.log_sequence ${sql(leaves.map(({ serial }, index) => ({ index, serial })))}`;
    return { description: `in the database ${said}`, objects: [...objects, ...(await namesOfRewriting(inside))] };
  };

/** Edits only the files. Every tile is rebuilt; the checkpoint stays as it was, or is signed again. */
const inFiles =
  (edit: Edit, signed: boolean): Tamper =>
  async (inside, chance) => {
    const { leaves, objects, said } = edit(await readLeaves(inside), chance);
    await rewriteFiles(inside, leaves, signed ? undefined : readPublished(inside));
    const names = await namesOfRewriting(inside);
    const size = `checkpoint:${leaves.length}`;
    return {
      description: `in the files${signed ? ', signed again,' : ''} ${said}`,
      objects: [...objects, size, ...names],
    };
  };

/** Rewrites database and files, so that everything the hub holds agrees. */
const inBoth =
  (edit: Edit): Tamper =>
  async (inside, chance) => {
    const { leaves, objects, said } = edit(await readLeaves(inside), chance);
    await rewriteBoth(inside, leaves);
    const size = `checkpoint:${leaves.length}`;
    return {
      description: `in a rewritten log ${said}`,
      objects: [...objects, size, ...(await namesOfRewriting(inside))],
    };
  };

const databaseSplit: Tamper = async (inside, chance) => {
  const { leaves, objects, said } = alter(await readLeaves(inside), chance);
  await rewriteDatabase(inside, leaves);
  return {
    description: `in a rewritten database ${said}; files stay`,
    objects: [...objects, ...(await namesOfRewriting(inside))],
  };
};

/** Deletes the ledger rows of removed leaves. */
async function forgetLedgers({ sql }: Inside, gone: readonly HeldLeaf[]): Promise<void> {
  const of = (kind: string) => gone.filter((leaf) => leaf.kind === kind).map((leaf) => leaf.subject);
  await sql`delete from seals.seal_use where issuance_id::text = any(${of('SEAL_USE')})`;
  await sql`delete from seals.seal_code where issuance_id::text = any(${of('CODE_USE')})`;
  await sql`delete from seals.seal_event where serial::text = any(${of('SEAL_EVENT')})`;
}

const truncate =
  (ledgersToo: boolean): Tamper =>
  async (inside, chance) => {
    const leaves = await readLeaves(inside);
    const size = leaves.length - 1 - chance.below(20);
    const gone = leaves.slice(size);
    if (ledgersToo) await forgetLedgers(inside, gone);
    await rewriteBoth(inside, leaves.slice(0, size));
    const objects = [...gone.flatMap((leaf, i) => namesOfLeaf(leaf, size + i)), `checkpoint:${size}`];
    return {
      description: `the log was cut back to ${size} leaves${ledgersToo ? ', and the ledgers with it' : ''}`,
      objects: [...(await namesOfRewriting(inside)), ...objects],
    };
  };

const fork: Tamper = async (inside, chance) => {
  const leaves = await readLeaves(inside);
  const from = 200 + chance.below(leaves.length - 210);
  const forked = leaves.map((leaf, index) => {
    if (index < from) return leaf;
    const said = { ...JSON.parse(leaf.entry), at: new Date(leaf.at.getTime() + 1_000).toISOString() };
    return { ...leaf, entry: toCanonicalJson(said) };
  });
  await rewriteBoth(inside, forked);
  const objects = [`leaf:${from}`, ...(await namesOfRewriting(inside))];
  return { description: `after ${from} leaves the log grew otherwise`, objects };
};

const newestSize = async ({ sql }: Inside) => Number((await sql`select size::int from seals.log_head`)[0]?.size);

const otherKey: Tamper = async (inside) => {
  const { house } = inside;
  const [text = '', ...rest] = readPublished(inside).split('\n\n');
  const { privateKey } = generateKeyPairSync('ed25519');
  const line = writeSignature(readKey(house.logKey), sign(null, Buffer.from(`${text}\n`), privateKey));
  const cosignatures = rest.join('\n\n').split('\n').slice(1).join('\n');
  writeFileSync(join(house.logFolder, 'checkpoint'), `${text}\n\n${line}${cosignatures}`);
  const objects = [`checkpoint:${await newestSize(inside)}`, 'log'];
  return { description: 'the published checkpoint is signed by another key', objects };
};

const keyReplaced: Tamper = async (inside) => {
  const { sql, keys } = inside;
  const { publicKeyPem, encrypted } = await keys.generate('log', 'Ed25519');
  await inside.change(
    sql`update seals.log_key set public_key_pem = ${publicKeyPem}, encrypted_key = ${Buffer.from(encrypted)}`,
  );
  return {
    description: 'the log has another key in the database',
    objects: ['log', `checkpoint:${await newestSize(inside)}`],
  };
};

/** Changes the witness's line in the published checkpoint, and its cosignature of the newest size in the database. */
const cosignature =
  (said: string, make: (line: string, chance: Chance, inside: Inside) => string): Tamper =>
  async (inside, chance) => {
    const { house, sql } = inside;
    const size = await newestSize(inside);
    const [row] = await sql`select witness, line from seals.log_cosignature where size = ${size}`;
    if (!row) throw new Error('nobody cosigned');
    const line = make(row.line, chance, inside);
    await inside.change(
      line === ''
        ? sql`delete from seals.log_cosignature where size = ${size}`
        : sql`update seals.log_cosignature set line = ${line} where size = ${size}`,
    );
    const path = join(house.logFolder, 'checkpoint');
    writeFileSync(
      path,
      readPublished(inside).replace(row.line, () => line),
    );
    return { description: said, objects: [`checkpoint:${size}`, 'log'] };
  };

function withSignature(line: string, make: (bytes: Buffer) => Uint8Array): string {
  const [mark, name, encoded = ''] = line.trim().split(' ');
  return `${mark} ${name} ${Buffer.from(make(Buffer.from(encoded, 'base64'))).toString('base64')}\n`;
}

const cosignatureTime = (line: string) =>
  withSignature(line, (bytes) => {
    bytes.writeBigUInt64BE(bytes.readBigUInt64BE(4) - 86_400n, 4);
    return bytes;
  });

const cosignatureForged = (line: string, _chance: Chance, inside: Inside) =>
  withSignature(line, (bytes) => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const text = `${readPublished(inside).split('\n\n')[0]}\n`;
    const said = `cosignature/v1\ntime ${bytes.readBigUInt64BE(4)}\n${text}`;
    return Buffer.concat([bytes.subarray(0, 12), sign(null, Buffer.from(said), privateKey)]);
  });

const olderCheckpoint: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const head = await newestSize(inside);
  const { size } = await inside.victim(chance, sql`select size::int from seals.log_checkpoint where size < ${head}`);
  const root = chance.bytes(32);
  const note = await signCheckpoint(inside, size, root);
  await inside.change(sql`update seals.log_checkpoint set root = ${root}, note = ${note} where size = ${size}`);
  return {
    description: `the checkpoint of ${size} leaves has another root, signed`,
    objects: [`checkpoint:${size}`, 'log'],
  };
};

const headMoved: Tamper = async (inside, chance) => {
  const size = await newestSize(inside);
  await inside.change(inside.sql`update seals.log_head set root = ${chance.bytes(32)}`);
  return { description: 'the head has another root', objects: ['log', `checkpoint:${size}`] };
};

/** Returns the tiles that a reader of the newest tree needs. Partial tiles of older trees are not needed. */
async function neededTiles(inside: Inside): Promise<string[]> {
  const size = await newestSize(inside);
  const part = size % 256;
  return filesOf(inside.house.logFolder).filter(
    (path) =>
      path.startsWith('tile/') && (!path.includes('.p/') || path.endsWith(`.p/${part}`) || path.startsWith('tile/1/')),
  );
}

const tileRemoved: Tamper = async (inside, chance) => {
  const path = chance.pick(await neededTiles(inside));
  rmSync(join(inside.house.logFolder, path));
  return { description: `${path} is gone`, objects: [`tile:${path}`] };
};

const tileFlipped: Tamper = async (inside, chance) => {
  const path = chance.pick(await neededTiles(inside));
  const file = join(inside.house.logFolder, path);
  writeFileSync(file, flipped(readFileSync(file), chance));
  return { description: `one bit of ${path} is another`, objects: [`tile:${path}`] };
};

const tileHash: Tamper = async (inside, chance) => {
  await inside.change(inside.sql`update seals.log_tile set hash = ${chance.bytes(32)} where level = 1 and index = 0`);
  const size = await newestSize(inside);
  const path = `tile/1/000.p/${Math.floor(size / 256)}`;
  return {
    description: 'a whole tile has another hash in the database',
    objects: [`tile:${path}`, 'tile:tile/0/000', 'log'],
  };
};

const hashAltered: Tamper = async (inside, chance) => {
  const leaves = await readLeaves(inside);
  const index = chance.below(leaves.length);
  const leaf = leaves[index] as HeldLeaf;
  await inside.change(inside.sql`update seals.log_leaf set hash = ${chance.bytes(32)} where serial = ${leaf.serial}`);
  return {
    description: `leaf ${index} has another hash in the database`,
    objects: [...namesOfLeaf(leaf, index), 'log'],
  };
};

export const LOG_KINDS: Record<string, Tamper> = {
  ...Object.fromEntries(Object.entries(edits).map(([name, edit]) => [`leaf-${name}-in-database`, inDatabase(edit)])),
  ...Object.fromEntries(Object.entries(edits).map(([name, edit]) => [`leaf-${name}-in-files`, inFiles(edit, false)])),
  ...Object.fromEntries(Object.entries(edits).map(([name, edit]) => [`leaf-${name}-in-rewritten-log`, inBoth(edit)])),
  'split-view-files-signed-again': inFiles(alter, true),
  'split-view-database-signed-again': databaseSplit,
  'log-truncated': truncate(false),
  'log-and-ledgers-truncated': truncate(true),
  'log-forked': fork,
  'checkpoint-by-another-key': otherKey,
  'log-key-replaced': keyReplaced,
  'cosignature-removed': cosignature('the witness’s signature is gone', () => ''),
  'cosignature-altered': cosignature('the witness’s signature tells another day', cosignatureTime),
  'cosignature-forged': cosignature('somebody else signed as the witness', cosignatureForged),
  'older-checkpoint-altered': olderCheckpoint,
  'head-altered': headMoved,
  'tile-removed': tileRemoved,
  'tile-flipped': tileFlipped,
  'tile-hash-altered-in-database': tileHash,
  'leaf-hash-altered-in-database': hashAltered,
};
