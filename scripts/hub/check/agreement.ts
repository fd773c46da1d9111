import type postgres from 'postgres';
import type { SUBGRAPHS } from '../../../db/migrate.ts';

/** Whether the four schemas are of one time: what one has recorded of another must still be there. */

export interface Agreement {
  /** Stable name: the marker of a folder keeps what was accepted under it. */
  name: string;
  /** The schema that is older if this comparison fails. */
  older: string;
  tables: readonly string[];
  /** Selects the number of records that are missing, as `count`. */
  count: string;
}

/** Events by producer and consumer: `docs/events.md`. */
export const EVENT_ROUTES = [
  ['matters', 'cases'],
  ['cases', 'licenses'],
  ['licenses', 'cases'],
  ['seals', 'licenses'],
] as const satisfies readonly (readonly [(typeof SUBGRAPHS)[number], (typeof SUBGRAPHS)[number]])[];

const EVENT_AGREEMENTS: Agreement[] = EVENT_ROUTES.flatMap(([producer, consumer]) => {
  const tables = [`${producer}.outbox_stream`, `${producer}.outbox_delivery`, `${consumer}.inbox`];
  return [
    {
      name: `${producer} sent what ${consumer} received`,
      older: producer,
      tables,
      count: `select count(*) from ${consumer}.inbox i left join ${producer}.outbox_stream s using (stream)
        where i.producer = '${producer}' and i.revision > coalesce(s.head, 0)`,
    },
    {
      name: `${consumer} received what ${producer} delivered`,
      older: consumer,
      tables,
      count: `select count(*) from ${producer}.outbox_delivery d
        left join ${consumer}.inbox i on i.producer = '${producer}' and i.stream = d.stream
        where d.consumer = '${consumer}' and d.delivered > coalesce(i.revision, 0)`,
    },
  ];
});

/** Uses of seals, against the acts and decision documents that they are for: those are stored before sealing. */
const USE_AGREEMENTS: Agreement[] = [
  {
    name: 'licenses and cases know what seals signed',
    older: 'licenses, cases',
    tables: ['seals.seal_use', 'licenses.act', 'cases.notice'],
    count: `select count(*) from seals.seal_use u left join licenses.act a on a.id = u.issuance_id
      left join cases.notice n on n.id = u.issuance_id where a.id is null and n.id is null`,
  },
  {
    name: 'seals signed what licenses entered',
    older: 'seals',
    tables: ['seals.seal_use', 'licenses.act'],
    count: `select count(*) from licenses.act a left join seals.seal_use u on u.issuance_id = a.id
      where a.state = 'DONE' and u.issuance_id is null`,
  },
  {
    name: 'seals signed what cases entered',
    older: 'seals',
    tables: ['seals.seal_use', 'cases.decision_seal'],
    count: `select count(*) from cases.decision_seal d left join seals.seal_use u on u.issuance_id = d.notice_id
      where d.state = 'DONE' and u.issuance_id is null`,
  },
];

const AGREEMENTS: readonly Agreement[] = [...EVENT_AGREEMENTS, ...USE_AGREEMENTS];

/** A comparison that failed, with the number of records that are missing. */
export interface Disagreement extends Pick<Agreement, 'name' | 'older'> {
  count: number;
}

/** Compares the schemas. Skips a comparison with a table that an earlier release does not have. Only reads. */
export async function listDisagreements(sql: postgres.Sql): Promise<Disagreement[]> {
  const disagreements: Disagreement[] = [];
  for (const { name, older, tables, count } of AGREEMENTS) {
    const [row] =
      await sql`select count(to_regclass(path)) = ${tables.length} as known from unnest(${[...tables]}::text[]) as path`;
    if (row?.known !== true) continue;
    const [result] = await sql.unsafe(count);
    const missing = Number(result?.count);
    if (missing > 0) disagreements.push({ name, older, count: missing });
  }
  return disagreements;
}
