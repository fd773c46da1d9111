import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkpoint, readCheckpoint } from '../../../subgraphs/kernel/tlog/checkpoint.ts';
import { LogFault } from '../../../subgraphs/kernel/tlog/fault.ts';
import {
  type Note,
  type NoteKey,
  readNote,
  readRawKey,
  verifySignatures,
  writeKey,
} from '../../../subgraphs/kernel/tlog/note.ts';
import { EMPTY_ROOT, hashLeaf, isSame } from '../../../subgraphs/kernel/tlog/tree.ts';
import { TILE_WIDTH, tilePath } from '../../../subgraphs/seals/log/tile.ts';
import {
  type AuditedLeaf,
  type AuditedLog,
  type AuditInput,
  buildFinding,
  type Finding,
  leafKey,
  streamRows,
} from '../finding.ts';
import { readEntries, readTileHashes, TileReader, Tree } from './tiles.ts';

/**
 * Walks the log from its first leaf. Compares the entries of the published files with those of the database, and
 * recomputes every hash and every root. A witness's signature decides if the log's own key contradicts it.
 */
export async function* auditLog(input: AuditInput, log: AuditedLog): AsyncGenerator<Finding> {
  const published = readPublished(input);
  yield* published.findings;
  const checkpoints = await input.sql<
    StoredCheckpoint[]
  >`select size::int as size, root, note from seals.log_checkpoint order by size`;
  const rootsBySize = new Map<number, Uint8Array | null>();
  for (const { size } of checkpoints) rootsBySize.set(size, null);
  const witnessCheckpoints = input.witnesses.map((witness) => ({
    ...witness,
    signedCheckpoint: witness.checkpoint === null ? null : readWitnessCheckpoint(witness, input.logKey),
  }));
  for (const { signedCheckpoint } of witnessCheckpoints)
    if (signedCheckpoint) rootsBySize.set(signedCheckpoint.size, null);
  if (published.checkpoint) rootsBySize.set(published.checkpoint.size, null);
  yield* compareLeaves(input, log, published.checkpoint, rootsBySize);
  yield* judgeRoots(input, published, checkpoints, witnessCheckpoints, rootsBySize);
  yield* judgeHead(input, log, rootsBySize);
  yield* judgeCosignatures(input);
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

function readPublished({ logFolder, logKey, witnesses }: AuditInput): Published {
  const path = join(logFolder, 'checkpoint');
  if (!existsSync(path))
    return { checkpoint: null, note: null, findings: [buildFinding('CHECKPOINT_MISSING', 'log', `没有 ${path}`)] };
  try {
    const note = readNote(readFileSync(path));
    const checkpoint = readCheckpoint(note.text);
    const findings: Finding[] = [];
    const signedBy = (keys: readonly NoteKey[]) => verifySignatures(note, keys);
    if (checkpoint.origin !== logKey.name || signedBy([logKey]).length === 0) {
      findings.push(
        buildFinding('CHECKPOINT_NOT_BY_LOG', 'log', '已公布的检查点不是日志密钥所签'),
        buildFinding('CHECKPOINT_NOT_BY_LOG', `checkpoint:${checkpoint.size}`, '同上'),
      );
    }
    signedBy(witnesses.map((item) => item.key));
    return { checkpoint, note, findings };
  } catch (error) {
    if (!(error instanceof LogFault)) throw error;
    const size = /^[^\n]*\n(\d+)\n/.exec(readFileSync(path, 'utf8'))?.[1];
    const objects = ['log', ...(size === undefined ? [] : [`checkpoint:${size}`])];
    return {
      checkpoint: null,
      note: null,
      findings: objects.map((item) => buildFinding('CHECKPOINT_UNREADABLE', item, `检查点不成立：${error.code}`)),
    };
  }
}

/** Reads the checkpoint of this log that a witness signed. Throws if another key signed it or it is of another log. */
function readWitnessCheckpoint(
  { key, checkpoint }: { key: NoteKey; checkpoint: string | null },
  logKey: NoteKey,
): Checkpoint | null {
  const note = readNote(checkpoint ?? '');
  const witnessCheckpoint = readCheckpoint(note.text);
  if (witnessCheckpoint.origin !== logKey.name || verifySignatures(note, [key]).length === 0) {
    throw new Error(`the checkpoint of witness ${key.name} is not by its key, or of another log`);
  }
  return witnessCheckpoint;
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
async function* compareLeaves(
  { sql, logFolder, onProgress }: AuditInput,
  log: AuditedLog,
  checkpoint: Checkpoint | null,
  rootsBySize: Map<number, Uint8Array | null>,
): AsyncGenerator<Finding> {
  const [count] = await sql<
    { size: number }[]
  >`select coalesce(max(index) + 1, 0)::int as size from seals.log_sequence`;
  const storedSize = count?.size ?? 0;
  const size = checkpoint?.size ?? 0;
  const tree = new Tree();
  const files = readEntries(logFolder, size);
  const rows = streamRows(
    sql<StoredLeaf[]>`select s.index::int as index, l.entry, l.hash, l.kind, l.subject from seals.log_sequence s
    join seals.log_leaf l on l.serial = s.serial order by s.index`,
    2_000,
  );
  let row = (await rows.next()).value as StoredLeaf | undefined;
  const tiles = new TileReader(logFolder, size, await readTileHashes(sql));
  const leafCount = Math.max(size, storedSize);
  for (let index = 0; index < leafCount; index++) {
    const published = index < size ? await files.next() : null;
    yield* published?.findings ?? [];
    const publishedEntry = published?.entry ?? null;
    const storedLeaf = row?.index === index ? row : null;
    if (storedLeaf) row = (await rows.next()).value as StoredLeaf | undefined;
    const entry = publishedEntry ?? storedLeaf?.entry ?? null;
    const leafObject = `leaf:${index}`;
    if (!storedLeaf && index < storedSize)
      yield buildFinding('LEAF_MISSING_IN_DATABASE', leafObject, '数据库中没有这一条');
    if (!storedLeaf && index >= storedSize)
      yield buildFinding('LEAF_ONLY_PUBLISHED', leafObject, '已公布的日志中有，数据库中没有');
    if (publishedEntry === null && index < size)
      yield buildFinding('LEAF_MISSING_IN_FILES', leafObject, '已公布的日志中没有这一条');
    if (publishedEntry !== null && storedLeaf && publishedEntry !== storedLeaf.entry) {
      yield buildFinding('LEAF_DIFFERS', leafObject, '数据库与已公布的日志不一致');
      yield buildFinding('LEAF_DIFFERS', `tile:${entriesTile(index, size)}`, `第 ${index} 条与数据库不一致`);
      yield* findingsForSubjects(publishedEntry, storedLeaf.entry, leafObject);
    }
    const hash = entry === null ? null : hashLeaf(Buffer.from(entry));
    if (storedLeaf && !isSame(storedLeaf.hash, hashLeaf(Buffer.from(storedLeaf.entry))))
      yield buildFinding('LEAF_HASH_WRONG', leafObject, '数据库中的散列值不是这一条的');
    if (hash) tree.add(hash);
    else tree.add(storedLeaf?.hash ?? new Uint8Array(32));
    if (hash) yield* tiles.compare(index, hash);
    if (rootsBySize.has(tree.size)) rootsBySize.set(tree.size, tree.root);
    if (entry !== null) yield* note(log, index, entry, storedLeaf);
    if (index % 5_000 === 0) onProgress?.(index, leafCount);
  }
  if (rootsBySize.has(0)) rootsBySize.set(0, EMPTY_ROOT);
  yield* tiles.findings;
  yield* tiles.left();
  log.size = leafCount;
  onProgress?.(leafCount, leafCount);
}

/** Returns the path of the file in which an entry is published. */
function entriesTile(index: number, size: number): string {
  const n = Math.floor(index / TILE_WIDTH);
  return tilePath({ level: 'entries', n, width: Math.min(TILE_WIDTH, size - n * TILE_WIDTH) });
}

/** Yields a finding for the object of each of two versions of one leaf. */
function* findingsForSubjects(publishedText: string, storedText: string, leafObject: string): Generator<Finding> {
  for (const text of [publishedText, storedText]) {
    const object = describeObject(text);
    if (object) yield buildFinding('LEAF_DIFFERS', object, `${leafObject} 的两个文本不一致`);
  }
}

const OBJECTS: Record<string, (entry: Record<string, unknown>) => string | null> = {
  SEAL_USE: (entry) => `use:${entry.issuanceId}`,
  CODE_USE: (entry) => `code:${entry.issuanceId}`,
  SEAL_EVENT: (entry) => `event:${entry.serial}`,
  REVOCATION_LIST: (entry) => `list:${entry.authority} ${entry.number}`,
  CERTIFICATE: (entry) => `certificate:${entry.digest}`,
  ERASURE: (entry) => `erasure:${entry.issuanceId}`,
  VERIFIER: (entry) => `verifier:${entry.digest}`,
  // Only the leaf of a register statement names its act.
  ATTESTATION: (entry) => (entry.issuanceId === undefined ? null : `statement:${entry.issuanceId}`),
};

function describeObject(text: string): string | null {
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
  ERASURE: (entry) => entry.issuanceId,
  VERIFIER: (entry) => entry.digest,
};

/** Adds a leaf to the audited log under its kind and subject. */
function* note(log: AuditedLog, index: number, text: string, storedLeaf: StoredLeaf | null): Generator<Finding> {
  const leafObject = `leaf:${index}`;
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(text);
  } catch {
    yield buildFinding('LEAF_UNREADABLE', leafObject, '不是 JSON');
    return;
  }
  const kind = String(entry.kind);
  const subject = SUBJECTS[kind]?.(entry);
  if (subject === undefined) {
    yield buildFinding('LEAF_UNREADABLE', leafObject, `不认识的种类 ${kind}`);
    return;
  }
  const key = leafKey(kind, String(subject));
  if (storedLeaf && (storedLeaf.kind !== kind || storedLeaf.subject !== String(subject))) {
    yield buildFinding(
      'LEAF_MISNAMED',
      leafObject,
      `数据库记为 ${storedLeaf.kind} ${storedLeaf.subject}，内容是 ${key}`,
    );
  }
  const earlierLeaf = log.leaves.get(key);
  if (earlierLeaf) yield buildFinding('LEAF_TWICE', leafObject, `与第 ${earlierLeaf.index} 条重复：${key}`);
  else log.leaves.set(key, { index, entry: text } satisfies AuditedLeaf);
}

async function* judgeRoots(
  { logKey }: AuditInput,
  published: Published,
  checkpoints: readonly StoredCheckpoint[],
  witnessCheckpoints: readonly { key: NoteKey; signedCheckpoint: Checkpoint | null }[],
  roots: ReadonlyMap<number, Uint8Array | null>,
): AsyncGenerator<Finding> {
  const matchesLog = (size: number, root: Uint8Array) => {
    const computedRoot = roots.get(size);
    return computedRoot ? isSame(computedRoot, root) : false;
  };
  const { checkpoint } = published;
  if (checkpoint && !matchesLog(checkpoint.size, checkpoint.root)) {
    for (const object of ['log', `checkpoint:${checkpoint.size}`])
      yield buildFinding('ROOT_WRONG', object, '已公布的树根与各条不符');
  }
  for (const { size, root, note } of checkpoints) {
    const object = `checkpoint:${size}`;
    if (!matchesLog(size, root)) yield buildFinding('ROOT_WRONG', object, '数据库中的树根与各条不符');
    yield* judgeNote(object, note, { size, root }, logKey);
  }
  for (const { key, signedCheckpoint } of witnessCheckpoints) {
    if (!signedCheckpoint) continue;
    const object = `checkpoint:${signedCheckpoint.size}`;
    if (matchesLog(signedCheckpoint.size, signedCheckpoint.root)) {
      if (!checkpoints.some((item) => item.size === signedCheckpoint.size))
        yield buildFinding('CHECKPOINT_MISSING', object, `见证人 ${key.name} 见过这一检查点，数据库中没有`);
      continue;
    }
    const isTruncated = roots.get(signedCheckpoint.size) === null;
    for (const item of ['log', object]) {
      yield buildFinding(
        isTruncated ? 'LOG_TRUNCATED' : 'LOG_FORKED',
        item,
        isTruncated
          ? `见证人 ${key.name} 见过 ${signedCheckpoint.size} 条，现在没有这么多`
          : `见证人 ${key.name} 见过的前 ${signedCheckpoint.size} 条与现在的不同：日志被改写`,
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
    const checkpoint = readCheckpoint(note.text);
    if (verifySignatures(note, [logKey]).length === 0)
      yield buildFinding('CHECKPOINT_NOT_BY_LOG', object, '不是日志密钥所签');
    if (checkpoint.size !== head.size || !isSame(checkpoint.root, head.root) || checkpoint.origin !== logKey.name) {
      yield buildFinding('CHECKPOINT_DIFFERS', object, '签名文本与登记的大小或树根不一致');
    }
  } catch (error) {
    if (!(error instanceof LogFault)) throw error;
    yield buildFinding('CHECKPOINT_UNREADABLE', object, error.code);
  }
}

/** Checks the log's key, its head, and that each leaf is either sequenced or pending. */
async function* judgeHead(
  { sql, logKey }: AuditInput,
  log: AuditedLog,
  roots: ReadonlyMap<number, Uint8Array | null>,
): AsyncGenerator<Finding> {
  const keys = await sql<{ origin: string; pem: string }[]>`select origin, public_key_pem as pem from seals.log_key`;
  const isOwnKey =
    keys.length === 1 && keys[0]?.origin === logKey.name && isSame(readRawKey(keys[0]?.pem ?? ''), logKey.publicKey);
  if (!isOwnKey) yield buildFinding('LOG_KEY_REPLACED', 'log', '数据库中的日志密钥不是审计人所知的');
  const [head] = await sql<{ size: number; root: Buffer }[]>`select size::int as size, root from seals.log_head`;
  const computedRoot = head ? roots.get(head.size) : undefined;
  if (!head || head.size !== log.size || (computedRoot && !isSame(computedRoot, head.root))) {
    yield buildFinding('HEAD_WRONG', 'log', `日志头是 ${head?.size ?? '无'} 条，实有 ${log.size} 条`);
  }
  const lostLeaves = await sql<{ serial: number; kind: string; subject: string; entry: string }[]>`
    select l.serial::int as serial, l.kind, l.subject, l.entry from seals.log_leaf l
    where ((exists (select 1 from seals.log_sequence s where s.serial = l.serial))::int
      + (exists (select 1 from seals.log_pending p where p.serial = l.serial))::int) <> 1`;
  for (const { kind, subject, entry } of lostLeaves) {
    yield buildFinding(
      'LEAF_LOST',
      describeObject(entry) ?? `leaf:${kind} ${subject}`,
      '既没有排入日志，也不在等待，或重复排入',
    );
  }
}

const COSIGNATURE_GRACE_MS = 60_000;

async function* judgeCosignatures({ sql, witnesses, now }: AuditInput): AsyncGenerator<Finding> {
  const rows = sql<{ witness: string; size: number; line: string; note: string | null }[]>`
    select c.witness, c.size::int as size, c.line, p.note from seals.log_cosignature c
    left join seals.log_checkpoint p on p.size = c.size order by c.witness, c.size`;
  const newest = new Map<string, number>();
  const keys = new Map(witnesses.map(({ key }) => [writeKey(key), key]));
  for await (const { witness, size, line, note } of streamRows(rows)) {
    const key = keys.get(witness);
    if (!key) continue;
    newest.set(witness, size);
    if (!isCosigned(note, line, key))
      yield buildFinding('COSIGNATURE_WRONG', `checkpoint:${size}`, `见证人 ${key.name} 的签名不成立`);
  }
  for (const { key, checkpoint } of witnesses) {
    if (checkpoint === null) continue;
    const { size } = readCheckpoint(readNote(checkpoint).text);
    // A cosignature that a witness made a moment ago may not have arrived yet.
    const cosignatures =
      await sql`select 1 from seals.log_cosignature where witness = ${writeKey(key)} and size = ${size}
      union all select 1 from seals.log_checkpoint where size = ${size} and at > ${new Date(now.getTime() - COSIGNATURE_GRACE_MS)}`;
    if (cosignatures.length === 0 && size > 0)
      yield buildFinding('COSIGNATURE_MISSING', `checkpoint:${size}`, `见证人 ${key.name} 签过，数据库中没有`);
  }
}

function isCosigned(note: string | null, line: string, key: NoteKey): boolean {
  try {
    return note !== null && verifySignatures(readNote(`${note}${line}`), [key]).length === 1;
  } catch (error) {
    if (error instanceof LogFault) return false;
    throw error;
  }
}
