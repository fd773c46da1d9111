import { createHash } from 'node:crypto';
import type { NoteSigner } from '../seals/note-signer.ts';

const WIDTH = 256;

function hash(...parts: Uint8Array[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

/** A transparency log in memory, by the recursive definition of RFC 6962 §2.1. It shares no code with its readers. */
export class TestLog {
  name: string;
  private readonly logSigner: NoteSigner;
  private readonly leaves: Buffer[] = [];

  constructor(logSigner: NoteSigner, name = 'main') {
    this.logSigner = logSigner;
    this.name = name;
  }

  get size(): number {
    return this.leaves.length;
  }

  /** Adds leaves. From the fourth on they contain the name of the log, so that logs of two names fork there. */
  grow(count: number): void {
    for (let i = 0; i < count; i++) {
      const text = this.size < 3 ? `leaf ${this.size}` : `${this.name} ${this.size}`;
      this.leaves.push(hash(Uint8Array.of(0), Buffer.from(text)));
    }
  }

  withLeaves(count: number): this {
    this.grow(count);
    return this;
  }

  root(size = this.size): Buffer {
    return this.rootOf(this.leaves.slice(0, size));
  }

  checkpoint(): string {
    return this.logSigner.checkpoint(this.size, this.root());
  }

  /** The request to a witness that has seen `old` leaves. */
  request(old: number): string {
    const proof = old === 0 || old === this.size ? [] : this.subproof(old, this.leaves, true);
    const lines = [`old ${old}`, ...proof.map((node) => node.toString('base64'))];
    return `${lines.join('\n')}\n\n${this.checkpoint()}`;
  }

  /** Returns a tile as the log publishes it, at its current or another size. Null if there is no such tile. */
  readTile(path: string, size = this.size): Buffer | null {
    const [, level = '', n = '', width = String(WIDTH)] = /^tile\/(\d)\/(\d{3})(?:\.p\/(\d+))?$/.exec(path) ?? [];
    const span = WIDTH ** Number(level);
    const count = Math.min(WIDTH, Math.floor(size / span) - Number(n) * WIDTH);
    if (count !== Number(width)) return size > this.size ? this.tileHashes(span, Number(n)) : null;
    return this.tileHashes(span, Number(n)).subarray(0, count * 32);
  }

  private tileHashes(span: number, n: number): Buffer {
    const starts = Array.from({ length: WIDTH }, (_, i) => (n * WIDTH + i) * span);
    const completeStarts = starts.filter((start) => start + span <= this.size);
    return Buffer.concat(completeStarts.map((start) => this.rootOf(this.leaves.slice(start, start + span))));
  }

  private rootOf(leaves: readonly Buffer[]): Buffer {
    const [firstLeaf] = leaves;
    if (!firstLeaf) return createHash('sha256').digest();
    if (leaves.length === 1) return firstLeaf;
    const split = splitOf(leaves.length);
    return hash(Uint8Array.of(1), this.rootOf(leaves.slice(0, split)), this.rootOf(leaves.slice(split)));
  }

  private subproof(old: number, leaves: readonly Buffer[], isWhole: boolean): Buffer[] {
    if (old === leaves.length) return isWhole ? [] : [this.rootOf(leaves)];
    const split = splitOf(leaves.length);
    const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
    if (old <= split) return [...this.subproof(old, left, isWhole), this.rootOf(right)];
    return [...this.subproof(old - split, right, false), this.rootOf(left)];
  }
}

function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}
