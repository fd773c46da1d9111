import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { News } from './protocol.ts';

/** The platform's data: one file, rewritten at each change. Suits a small number of cases, not a whole city. */

export interface StoredCase {
  news: News;
  receipt: string;
  /** Time of the automatic decision, RFC 3339, or null. */
  decideAt: string | null;
}

/** A message for the hub. Its bytes are built once; every attempt sends the same bytes. */
export interface StoredMessage {
  id: string;
  caseNumber: string;
  type: string;
  body: string;
  /** Null until the hub has sent a final answer. */
  answer: { status: number; body: string } | null;
  lastError: string | null;
}

interface State {
  cases: Record<string, StoredCase>;
  messages: StoredMessage[];
}

export interface Store {
  readonly state: Readonly<State>;
  /** Changes the state. The new state is on disk before this returns. */
  change(run: (state: State) => void): void;
}

/** Opens the store of a folder. The store is empty if the file does not exist yet. */
export function openStore(folder: string): Store {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'state.json');
  let state = readState(file);
  return {
    get state() {
      return state;
    },
    change(update) {
      const nextState = structuredClone(state);
      update(nextState);
      writeAtomically(file, JSON.stringify(nextState));
      state = nextState;
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

/** Writes the whole file or nothing. A receipt that was sent must survive a power failure. */
function writeAtomically(file: string, text: string): void {
  const draftPath = `${file}.draft`;
  const handle = openSync(draftPath, 'w', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draftPath, file);
}
