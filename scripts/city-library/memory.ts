import type postgres from 'postgres';
import type { Memory, WitnessedTree } from '../witness/memory.ts';

/** The library's memory as a witness. It is in the database of the keys, so one cannot be lost without the other. */
export function openDatabaseMemory(sql: postgres.Sql): Memory {
  return {
    of: (origin) => readWitnessedTree(sql, origin),
    change: (origin, decide) =>
      sql.begin(async (tx) => {
        await tx`insert into witnessed (origin) values (${origin}) on conflict do nothing`;
        await tx`select from witnessed where origin = ${origin} for update`;
        const decision = decide(await readWitnessedTree(tx, origin));
        if (decision.keep) await tx`update witnessed set ${tx({ ...decision.keep })} where origin = ${origin}`;
        return decision;
      }) as Promise<never>,
  };
}

async function readWitnessedTree(sql: postgres.ISql, origin: string): Promise<WitnessedTree | null> {
  const [row] = await sql<{ size: string; root: string; note: string }[]>`
    select size, root, note from witnessed where origin = ${origin} and note is not null`;
  return row ? { ...row, size: Number(row.size) } : null;
}
