import type { DatabaseState } from './database-state.ts';
import type { FolderState } from './folder-state.ts';

/** One check of a start: what it is given, and what it says. */

/** What has been read so far. A check whose part has not been read finds nothing. */
export interface HubState {
  folder: FolderState;
  database?: DatabaseState;
  /** Ids of the private keys that the signer cannot open. */
  unopenedKeys?: readonly string[];
  /** Witnesses that have signed a larger tree than the database has. */
  aheadWitnesses?: readonly { name: string; size: number }[];
  /** Witnesses that did not say how much they have signed. */
  silentWitnesses?: readonly { name: string }[];
  /** How the hub is to run. Absent where nothing serves people, as in `npm run resume`. */
  mode?: Mode;
  now: Date;
}

/** Whether a hub serves people for real, and whether somebody says who they are. */
export interface Mode {
  isProduction: boolean;
  hasIssuer: boolean;
}

export interface StartCheck {
  code: string;
  /** What it compares. */
  compares: string;
  /** Whether `npm run resume` can bring the hub on. Otherwise only a restore or another setting can. */
  isResumable: boolean;
  /** Whether the process ends. Otherwise it stays, and says in its health why it does not act. */
  ends?: true;
  /** Returns what is wrong, in Chinese and in English, or null. */
  find(state: HubState): Wrong | null;
}

export interface Wrong {
  zh: string;
  en: string;
}
