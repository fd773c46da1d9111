import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkpoint, readCheckpoint } from '../../subgraphs/kernel/tlog/checkpoint.ts';
import { LogFault } from '../../subgraphs/kernel/tlog/fault.ts';
import { type Note, type NoteKey, provenOf, rawKeyOf, readNote, writeKey } from '../../subgraphs/kernel/tlog/note.ts';
import { EMPTY_ROOT, isSame, leafHash } from '../../subgraphs/kernel/tlog/tree.ts';
import { TILE_WIDTH, tilePath } from '../../subgraphs/seals/log/tile.ts';
import { type AuditedLog, type Finding, found, type House, type LeafSeen, leafName, rowsOf } from './finding.ts';
import { entriesOf, TileReader, Tree, wholeTiles } from './tiles.ts';

/**
 * Walks the log from its first leaf. Compares the entries of the published files with those of the database, and
 * recomputes every hash and every root. A witness's signature decides if the log's own key contradicts it.
 */
export async function* auditLog(house: House, log: AuditedLog): AsyncGenerator<Finding> {
  const published = readPublished(house);
  yield* published.findings;
  const checkpoints = await house.sql<
    StoredCheckpoint[]
  >`select size::int as size, root, note from seals.log_checkpoint order by size`;
  const wanted = new Map<number, Uint8Array | null>();
  for (const { size } of checkpoints) wanted.set(size, null);
  const words = house.witnesses.map((one) => ({
    ...one,
    said: one.checkpoint === null ? null : saidBy(one, house.logKey),
  }));
  for (const { said } of words) if (said) wanted.set(said.size, null);
  if (published.checkpoint) wanted.set(published.checkpoint.size, null);
  yield* walk(house, log, published.checkpoint, wanted);
  yield* judgeRoots(house, published, checkpoints, words, wanted);
  yield* judgeHead(house, log, wanted);
  yield* judgeCosignatures(house);
}

interface StoredCheckpoint {
  size: number;
  root: Buffer;
  note: string;
}

interface Published {
  checkpoint: Checkpoint | null;
  note: Note | null;
  findings: Finding[];
}

function readPublished({ logFolder, logKey, witnesses }: House): Published {
  const path = join(logFolder, 'checkpoint');
  if (!existsSync(path))
    return { checkpoint: null, note: null, findings: [found('CHECKPOINT_MISSING', 'log', `没有 ${path}`)] };
  try {
    const note = readNote(readFileSync(path));
    const checkpoint = readCheckpoint(note.text);
    const findings: Finding[] = [];
    const by = (keys: readonly NoteKey[]) => provenOf(note, keys);
    if (checkpoint.origin !== logKey.name || by([logKey]).length === 0) {
      findings.push(
        found('CHECKPOINT_NOT_BY_LOG', 'log', '已公布的检查点不是日志密钥所签'),
        found('CHECKPOINT_NOT_BY_LOG', `checkpoint:${checkpoint.size}`, '同上'),
      );
    }
    by(witnesses.map((one) => one.key));
    return { checkpoint, note, findings };
  } catch (error) {
    if (!(error instanceof LogFault)) throw error;
    const size = /^[^\n]*\n(\d+)\n/.exec(readFileSync(path, 'utf8'))?.[1];
    const objects = ['log', ...(size === undefined ? [] : [`checkpoint:${size}`])];
    return {
      checkpoint: null,
      note: null,
      findings: objects.map((one) => found('CHECKPOINT_UNREADABLE', one, `检查点不成立：${error.code}`)),
    };
  }
}

/** Reads the checkpoint of this log that a witness signed. Throws if another key signed it or it is of another log. */
function saidBy({ key, checkpoint }: { key: NoteKey; checkpoint: string | null }, logKey: NoteKey): Checkpoint | null {
  const note = readNote(checkpoint ?? '');
  const read = readCheckpoint(note.text);
  if (read.origin !== logKey.name || provenOf(note, [key]).length === 0) {
    throw new Error(`the checkpoint of witness ${key.name} is not by its key, or of another log`);
  }
  return read;
}

interface StoredLeaf {
  index: number;
  entry: string;
  hash: Buffer;
  kind: string;
  subject: string;
}

/**
 * Compares files and database leaf by leaf. Fills `rootsBySize` with the root at each size that a checkpoint names.
 * Published leaves count with the entry of the files.
 */
async function* walk(
  { sql, logFolder, onProgress }: House,
  log: AuditedLog,
  checkpoint: Checkpoint | null,
  wanted: Map<number, Uint8Array | null>,
): AsyncGenerator<Finding> {
  const [count] = await sql<
    { size: number }[]
  >`select coalesce(max(index) + 1, 0)::int as size from seals.log_sequence`;
  const stored = count?.size ?? 0;
  const size = checkpoint?.size ?? 0;
  const tree = new Tree();
  const files = entriesOf(logFolder, size);
  const rows = rowsOf(
    sql<StoredLeaf[]>`select s.index::int as index, l.entry, l.hash, l.kind, l.subject from seals.log_sequence s
    join seals.log_leaf l on l.serial = s.serial order by s.index`,
    2_000,
  );
  let row = (await rows.next()).value as StoredLeaf | undefined;
  const tiles = new TileReader(logFolder, size, await wholeTiles(sql));
  const most = Math.max(size, stored);
  for (let index = 0; index < most; index++) {
    const published = index < size ? await files.next() : null;
    yield* published?.findings ?? [];
    const said = published?.entry ?? null;
    const kept = row?.index === index ? row : null;
    if (kept) row = (await rows.next()).value as StoredLeaf | undefined;
    const entry = said ?? kept?.entry ?? null;
    const at = `leaf:${index}`;
    if (!kept && index < stored) yield found('LEAF_MISSING_IN_DATABASE', at, '数据库中没有这一条');
    if (!kept && index >= stored) yield found('LEAF_ONLY_PUBLISHED', at, '已公布的日志中有，数据库中没有');
    if (said === null && index < size) yield found('LEAF_MISSING_IN_FILES', at, '已公布的日志中没有这一条');
    if (said !== null && kept && said !== kept.entry) {
      yield found('LEAF_DIFFERS', at, '数据库与已公布的日志不一致');
      yield found('LEAF_DIFFERS', `tile:${entriesTile(index, size)}`, `第 ${index} 条与数据库不一致`);
      yield* bothSubjects(said, kept.entry, at);
    }
    const hash = entry === null ? null : leafHash(Buffer.from(entry));
    if (kept && !isSame(kept.hash, leafHash(Buffer.from(kept.entry))))
      yield found('LEAF_HASH_WRONG', at, '数据库中的散列值不是这一条的');
    if (hash) tree.add(hash);
    else tree.add(kept?.hash ?? new Uint8Array(32));
    if (hash) yield* tiles.compare(index, hash);
    if (wanted.has(tree.size)) wanted.set(tree.size, tree.root);
    if (entry !== null) yield* note(log, index, entry, kept);
    if (index % 5_000 === 0) onProgress?.(index, most);
  }
  if (wanted.has(0)) wanted.set(0, EMPTY_ROOT);
  yield* tiles.findings;
  yield* tiles.left();
  log.size = most;
  onProgress?.(most, most);
}

/** Returns the path of the file in which an entry is published. */
function entriesTile(index: number, size: number): string {
  const n = Math.floor(index / TILE_WIDTH);
  return tilePath({ level: 'entries', n, width: Math.min(TILE_WIDTH, size - n * TILE_WIDTH) });
}

/** Yields a finding for the object of each of two versions of one leaf. */
function* bothSubjects(one: string, other: string, at: string): Generator<Finding> {
  for (const text of [one, other]) {
    const object = objectOf(text);
    if (object) yield found('LEAF_DIFFERS', object, `${at} 的两个文本不一致`);
  }
}

const OBJECTS: Record<string, (entry: Record<string, unknown>) => string> = {
  SEAL_USE: (entry) => `use:${entry.issuanceId}`,
  CODE_USE: (entry) => `code:${entry.issuanceId}`,
  SEAL_EVENT: (entry) => `event:${entry.serial}`,
  REVOCATION_LIST: (entry) => `list:${entry.authority} ${entry.number}`,
  CERTIFICATE: (entry) => `certificate:${entry.digest}`,
};

function objectOf(text: string): string | null {
  try {
    const entry = JSON.parse(text) as Record<string, unknown>;
    return OBJECTS[String(entry.kind)]?.(entry) ?? null;
  } catch {
    return null;
  }
}

const SUBJECTS: Record<string, (entry: Record<string, unknown>) => unknown> = {
  SEAL_USE: (entry) => entry.issuanceId,
  CODE_USE: (entry) => entry.issuanceId,
  ATTESTATION: (entry) => entry.digest,
  TIMESTAMP: (entry) => entry.tokenDigest,
  REVOCATION_LIST: (entry) => `${entry.authority} ${entry.number}`,
  SEAL_EVENT: (entry) => entry.serial,
  CERTIFICATE: (entry) => entry.digest,
  RECEIPT: (entry) => `${entry.from} ${entry.subject}`,
};

/** Adds a leaf to the audited log under its kind and subject. */
function* note(log: AuditedLog, index: number, text: string, kept: StoredLeaf | null): Generator<Finding> {
  const at = `leaf:${index}`;
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(text);
  } catch {
    yield found('LEAF_UNREADABLE', at, '不是 JSON');
    return;
  }
  const kind = String(entry.kind);
  const subject = SUBJECTS[kind]?.(entry);
  if (subject === undefined) {
    yield found('LEAF_UNREADABLE', at, `不认识的种类 ${kind}`);
    return;
  }
  const name = leafName(kind, String(subject));
  if (kept && (kept.kind !== kind || kept.subject !== String(subject))) {
    yield found('LEAF_MISNAMED', at, `数据库记为 ${kept.kind} ${kept.subject}，内容是 ${name}`);
  }
  const before = log.leaves.get(name);
  if (before) yield found('LEAF_TWICE', at, `与第 ${before.index} 条重复：${name}`);
  else log.leaves.set(name, { index, entry: text } satisfies LeafSeen);
}

async function* judgeRoots(
  { logKey }: House,
  published: Published,
  checkpoints: readonly StoredCheckpoint[],
  words: readonly { key: NoteKey; said: Checkpoint | null }[],
  roots: ReadonlyMap<number, Uint8Array | null>,
): AsyncGenerator<Finding> {
  const agrees = (size: number, root: Uint8Array) => {
    const reckoned = roots.get(size);
    return reckoned ? isSame(reckoned, root) : false;
  };
  const { checkpoint } = published;
  if (checkpoint && !agrees(checkpoint.size, checkpoint.root)) {
    for (const object of ['log', `checkpoint:${checkpoint.size}`])
      yield found('ROOT_WRONG', object, '已公布的树根与各条不符');
  }
  for (const { size, root, note } of checkpoints) {
    const object = `checkpoint:${size}`;
    if (!agrees(size, root)) yield found('ROOT_WRONG', object, '数据库中的树根与各条不符');
    yield* judgeNote(object, note, { size, root }, logKey);
  }
  for (const { key, said } of words) {
    if (!said) continue;
    const object = `checkpoint:${said.size}`;
    if (agrees(said.size, said.root)) {
      if (!checkpoints.some((one) => one.size === said.size))
        yield found('CHECKPOINT_MISSING', object, `见证人 ${key.name} 见过这一检查点，数据库中没有`);
      continue;
    }
    const shorter = roots.get(said.size) === null;
    for (const one of ['log', object]) {
      yield found(
        shorter ? 'LOG_TRUNCATED' : 'LOG_FORKED',
        one,
        shorter
          ? `见证人 ${key.name} 见过 ${said.size} 条，现在没有这么多`
          : `见证人 ${key.name} 见过的前 ${said.size} 条与现在的不同：日志被改写`,
      );
    }
  }
}

function* judgeNote(
  object: string,
  text: string,
  head: { size: number; root: Uint8Array },
  logKey: NoteKey,
): Generator<Finding> {
  try {
    const note = readNote(text);
    const read = readCheckpoint(note.text);
    if (provenOf(note, [logKey]).length === 0) yield found('CHECKPOINT_NOT_BY_LOG', object, '不是日志密钥所签');
    if (read.size !== head.size || !isSame(read.root, head.root) || read.origin !== logKey.name) {
      yield found('CHECKPOINT_DIFFERS', object, '签名文本与登记的大小或树根不一致');
    }
  } catch (error) {
    if (!(error instanceof LogFault)) throw error;
    yield found('CHECKPOINT_UNREADABLE', object, error.code);
  }
}

/** Checks the log's key, its head, and that each leaf is either sequenced or pending. */
async function* judgeHead(
  { sql, logKey }: House,
  log: AuditedLog,
  roots: ReadonlyMap<number, Uint8Array | null>,
): AsyncGenerator<Finding> {
  const keys = await sql<{ origin: string; pem: string }[]>`select origin, public_key_pem as pem from seals.log_key`;
  const own =
    keys.length === 1 && keys[0]?.origin === logKey.name && isSame(rawKeyOf(keys[0]?.pem ?? ''), logKey.publicKey);
  if (!own) yield found('LOG_KEY_REPLACED', 'log', '数据库中的日志密钥不是审计人所知的');
  const [head] = await sql<{ size: number; root: Buffer }[]>`select size::int as size, root from seals.log_head`;
  const reckoned = head ? roots.get(head.size) : undefined;
  if (!head || head.size !== log.size || (reckoned && !isSame(reckoned, head.root))) {
    yield found('HEAD_WRONG', 'log', `日志头是 ${head?.size ?? '无'} 条，实有 ${log.size} 条`);
  }
  const lost = await sql<{ serial: number; kind: string; subject: string; entry: string }[]>`
    select l.serial::int as serial, l.kind, l.subject, l.entry from seals.log_leaf l
    where ((exists (select 1 from seals.log_sequence s where s.serial = l.serial))::int
      + (exists (select 1 from seals.log_pending p where p.serial = l.serial))::int) <> 1`;
  for (const { kind, subject, entry } of lost) {
    yield found('LEAF_LOST', objectOf(entry) ?? `leaf:${kind} ${subject}`, '既没有排入日志，也不在等待，或重复排入');
  }
}

const ON_ITS_WAY_MS = 60_000;

async function* judgeCosignatures({ sql, witnesses, now }: House): AsyncGenerator<Finding> {
  const rows = sql<{ witness: string; size: number; line: string; note: string | null }[]>`
    select c.witness, c.size::int as size, c.line, p.note from seals.log_cosignature c
    left join seals.log_checkpoint p on p.size = c.size order by c.witness, c.size`;
  const newest = new Map<string, number>();
  const keys = new Map(witnesses.map(({ key }) => [writeKey(key), key]));
  for await (const { witness, size, line, note } of rowsOf(rows)) {
    const key = keys.get(witness);
    if (!key) continue;
    newest.set(witness, size);
    if (!isCosigned(note, line, key))
      yield found('COSIGNATURE_WRONG', `checkpoint:${size}`, `见证人 ${key.name} 的签名不成立`);
  }
  for (const { key, checkpoint } of witnesses) {
    if (checkpoint === null) continue;
    const { size } = readCheckpoint(readNote(checkpoint).text);
    // A cosignature that a witness made a moment ago may not have arrived yet.
    const has = await sql`select 1 from seals.log_cosignature where witness = ${writeKey(key)} and size = ${size}
      union all select 1 from seals.log_checkpoint where size = ${size} and at > ${new Date(now.getTime() - ON_ITS_WAY_MS)}`;
    if (has.length === 0 && size > 0)
      yield found('COSIGNATURE_MISSING', `checkpoint:${size}`, `见证人 ${key.name} 签过，数据库中没有`);
  }
}

function isCosigned(note: string | null, line: string, key: NoteKey): boolean {
  try {
    return note !== null && provenOf(readNote(`${note}${line}`), [key]).length === 1;
  } catch (error) {
    if (error instanceof LogFault) return false;
    throw error;
  }
}
