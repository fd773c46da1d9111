import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { News } from './protocol.ts';

/** What the platform keeps: one file, written whole. A reference for a desk's worth of cases, not for a city's. */

export interface KeptCase {
  news: News;
  receipt: string;
  /** When it decides by itself, RFC 3339, or null. */
  decideAt: string | null;
}

/** A message for the hub: its bytes are made once, and every attempt sends the same. */
export interface KeptMessage {
  id: string;
  caseNumber: string;
  type: string;
  body: string;
  /** Null until the hub has answered for good. */
  answer: { status: number; body: string } | null;
  lastError: string | null;
}

interface State {
  cases: Record<string, KeptCase>;
  messages: KeptMessage[];
}

export interface Store {
  readonly state: Readonly<State>;
  /** Changes what is kept; on disk before it returns. */
  change(run: (state: State) => void): void;
}

/** Opens the store of a folder; an empty one where there is none yet. */
export function openStore(folder: string): Store {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'state.json');
  let state = readState(file);
  return {
    get state() {
      return state;
    },
    change(run) {
      const next = structuredClone(state);
      run(next);
      write(file, JSON.stringify(next));
      state = next;
    },
  };
}

function readState(file: string): State {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as State;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { cases: {}, messages: [] };
    throw error;
  }
}

/** Whole or not at all: a receipt that was given must survive the power going off. */
function write(file: string, text: string): void {
  const draft = `${file}.draft`;
  const handle = openSync(draft, 'w', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
}
