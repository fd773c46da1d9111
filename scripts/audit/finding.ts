import type postgres from 'postgres';
import type { NoteKey } from '../../subgraphs/kernel/tlog/note.ts';

/** Something that is not as it must be. */
export interface Finding {
  /** What is wrong, stable, in capitals. */
  code: string;
  /** What it is wrong with: `<kind>:<id>`, as docs/audit.md lists the kinds; `log` for the log as a whole. */
  object: string;
  /** A sentence for a person. */
  detail: string;
}

/** What a witness has to say: its key, and the newest checkpoint that it signed (the note with its signature), if it was asked. */
export interface WitnessWord {
  key: NoteKey;
  checkpoint: string | null;
}

/** What the auditor has in hand. Everything but the database and the folder he got elsewhere, and trusts. */
export interface House {
  /** One snapshot: what is written meanwhile is not seen. */
  sql: postgres.Sql | postgres.TransactionSql;
  /** Folder of the published log. */
  logFolder: string;
  logKey: NoteKey;
  witnesses: readonly WitnessWord[];
  /** Root certificates, DER or PEM. */
  roots: readonly Uint8Array[];
  now: Date;
  /** Told how far a long check has got. */
  onProgress?: (done: number, total: number) => void;
}

export type Check = (house: House, log: AuditedLog) => AsyncGenerator<Finding>;

/** What the walk through the log found, for the checks after it. */
export interface AuditedLog {
  size: number;
  /** Leaves by kind and subject. */
  leaves: Map<string, LeafSeen>;
}

export interface LeafSeen {
  index: number;
  /** The entry itself, canonical JSON. */
  entry: string;
}

export const leafName = (kind: string, subject: string) => `${kind} ${subject}`;

export function found(code: string, object: string, detail: string): Finding {
  return { code, object, detail };
}

/** Rows of a query, some at a time: a house of years does not fit into memory. */
export async function* rowsOf<Row extends object>(
  query: postgres.PendingQuery<Row[]>,
  batch = 1_000,
): AsyncGenerator<Row> {
  for await (const rows of query.cursor(batch)) yield* rows;
}
