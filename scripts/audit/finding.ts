import type postgres from 'postgres';
import type { NoteKey } from '../../subgraphs/kernel/tlog/note.ts';
import type { PersonKeys } from '../../subgraphs/seals/signer/person/credential.ts';

/** A deviation that the audit detected. */
export interface Finding {
  /** Stable code of the deviation, in capitals. */
  code: string;
  /** The affected object: `<kind>:<id>`, with the kinds of docs/audit.md; `log` for the log as a whole. */
  object: string;
  /** A sentence for people. */
  detail: string;
}

/** A witness: its key, and the newest checkpoint that it signed (note with signature), or null if not supplied. */
export interface AuditWitness {
  key: NoteKey;
  checkpoint: string | null;
}

/** Input of the audit. The auditor obtained everything but the database and the folder elsewhere, and trusts it. */
export interface AuditInput {
  /** One snapshot of the database: later writes are not visible. */
  sql: postgres.Sql | postgres.TransactionSql;
  /** Folder of the published log. */
  logFolder: string;
  logKey: NoteKey;
  witnesses: readonly AuditWitness[];
  /** Root certificates, DER or PEM. */
  roots: readonly Uint8Array[];
  now: Date;
  /** The signer's file of persons' keys, or null: then persons' own signatures are not verified. */
  personKeys?: PersonKeys | null;
  /** Called with the progress of a long check. */
  onProgress?: (done: number, total: number) => void;
  /** Called with what an auditor should know and is no deviation, a sentence each. */
  onNote?: (note: string) => void;
}

export type Check = (input: AuditInput, log: AuditedLog) => AsyncGenerator<Finding>;

/** The log as the first check read it, for the checks after it. */
export interface AuditedLog {
  size: number;
  /** Leaves by kind and subject. */
  leaves: Map<string, AuditedLeaf>;
}

export interface AuditedLeaf {
  index: number;
  /** The entry, as canonical JSON. */
  entry: string;
}

export const leafKey = (kind: string, subject: string) => `${kind} ${subject}`;

export function buildFinding(code: string, object: string, detail: string): Finding {
  return { code, object, detail };
}

/** Yields the rows of a query, read in batches: the data of several years does not fit into memory. */
export async function* streamRows<Row extends object>(
  query: postgres.PendingQuery<Row[]>,
  batchSize = 1_000,
): AsyncGenerator<Row> {
  for await (const rows of query.cursor(batchSize)) yield* rows;
}

/**
 * Yields what `judge` finds in each row. A row that cannot be read is a finding that names its objects, so that one
 * malformed value does not hide what is wrong elsewhere.
 */
export async function* judgeEach<Row>(
  rows: AsyncIterable<Row>,
  objectsOf: (row: Row) => readonly string[],
  judge: (row: Row) => Iterable<Finding>,
): AsyncGenerator<Finding> {
  for await (const row of rows) {
    try {
      yield* judge(row);
    } catch (error) {
      for (const object of objectsOf(row)) yield buildFinding('UNREADABLE', object, `登记的内容无法读取：${error}`);
    }
  }
}

/**
 * Yields what a check finds. If it fails, that is a finding. In a transaction a savepoint lets what follows go on after
 * a statement that failed.
 */
export async function* runGuarded(
  { sql }: Pick<AuditInput, 'sql'>,
  name: string,
  run: () => AsyncGenerator<Finding>,
): AsyncGenerator<Finding> {
  const isHeld = await sql`savepoint audit_check`.then(
    () => true,
    () => false,
  );
  try {
    yield* run();
  } catch (error) {
    if (isHeld) await sql`rollback to savepoint audit_check`;
    yield buildFinding('CHECK_FAILED', `check:${name}`, `此项没有做完：${error}`);
  }
  if (isHeld) await sql`release savepoint audit_check`;
}
