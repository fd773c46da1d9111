import { hashLeaf, isSame } from '../../subgraphs/kernel/tlog/tree.ts';
import { LEAF_KINDS, type LeafKind } from '../../subgraphs/seals/log/leaf.ts';
import { growTree, type TileHash } from '../../subgraphs/seals/log/tile.ts';
import { readEntries } from '../audit/log/tiles.ts';
import type { PublishedLog } from '../hub/check/folder-state.ts';
import { BootError } from '../hub/folder.ts';

/** Reads what the published log has and the database has lost. The published log is a truth: its leaves come back. */

/** A leaf of the published log that the database has lost. */
export interface LostLeaf {
  index: number;
  kind: LeafKind;
  subject: string;
  entry: string;
  hash: Uint8Array;
  at: Date;
  content: Readonly<Record<string, unknown>>;
}

/** How the subject of a leaf follows from its entry. `leaf.ts` writes both. */
const SUBJECTS: Record<LeafKind, (content: Readonly<Record<string, unknown>>) => string> = {
  SEAL_USE: ({ issuanceId }) => String(issuanceId),
  CODE_USE: ({ issuanceId }) => String(issuanceId),
  ATTESTATION: ({ digest }) => String(digest),
  TIMESTAMP: ({ tokenDigest }) => String(tokenDigest),
  REVOCATION_LIST: ({ authority, number }) => `${authority} ${number}`,
  SEAL_EVENT: ({ serial }) => String(serial),
  CERTIFICATE: ({ digest }) => String(digest),
  RECEIPT: ({ from, subject }) => `${from} ${subject}`,
  ERASURE: ({ issuanceId }) => String(issuanceId),
  VERIFIER: ({ digest }) => String(digest),
};

/** The published log after its verification. */
export interface VerifiedLog {
  /** Leaves beyond the database, in order. */
  lostLeaves: LostLeaf[];
  /** The hash of every full tile of the published tree. */
  fullTiles: TileHash[];
}

/**
 * Reads a published log and verifies it: its entries have the root of its checkpoint, and go on from the tree in the
 * database. Throws BootError if a file is missing, was changed, or the trees have grown apart.
 */
export async function readVerifiedLog(
  folder: string,
  { size, root }: PublishedLog,
  stored: { size: number; root: Uint8Array },
): Promise<VerifiedLog> {
  const files = readEntries(folder, size);
  const entries: string[] = [];
  while (entries.length < size) {
    const { entry } = await files.next();
    if (entry === null) {
      throw new BootError(
        `${folder} 缺少第 ${entries.length} 条：请用 --log 指出日志的另一份完整拷贝 — the published log is not whole: name a whole copy by --log`,
      );
    }
    entries.push(entry);
  }
  const hashes = entries.map((entry) => hashLeaf(Buffer.from(entry)));
  const tree = growTree([], 0, hashes);
  if (!isSame(tree.root, root) || !isSame(growTree([], 0, hashes.slice(0, stored.size)).root, stored.root)) {
    throw new BootError(
      `${folder} 与数据库不是同一部日志，不能接续：请恢复较新的备份 — the trees have grown apart: restore the newer backup`,
    );
  }
  const lostLeaves = entries.slice(stored.size).map((entry, i) => parseLeaf(entry, stored.size + i));
  return { lostLeaves, fullTiles: tree.fullTiles };
}

function parseLeaf(entry: string, index: number): LostLeaf {
  const content = JSON.parse(entry) as Record<string, unknown>;
  const kind = LEAF_KINDS.find((candidate) => candidate === content.kind);
  if (!kind) throw new BootError(`日志第 ${index} 条属于较新的版本 — leaf ${index} is of a newer release`);
  const hash = hashLeaf(Buffer.from(entry));
  return { index, kind, subject: SUBJECTS[kind](content), entry, hash, at: new Date(String(content.at)), content };
}
