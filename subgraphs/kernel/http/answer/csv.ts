import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Actor, Person } from '../../actor.ts';
import { type CsvCell, writeCsv } from '../../list/csv-text.ts';
import { isRehearsal } from '../../privacy/purpose-header.ts';
import { identifyCaller } from '../context.ts';
import { buildContentDisposition } from '../http.ts';
import type { ServeOptions } from '../serve.ts';

/** Tables of offices as CSV: the numbers of a query, for the caller's token or by a link to the file. */

/** Most rows of one file. A question with more is refused, so a file is always complete. */
const MAX_CSV_ROWS = 10_000;
/** Fewer for strangers: the file is made for each of them. */
const MAX_PUBLIC_CSV_ROWS = 2_000;

/** A table: the name of its file without ending, its lines with the heading, and whether rows were left out. */
export interface CsvTable {
  name: string;
  lines: readonly (readonly CsvCell[])[];
  isCut: boolean;
}

/** A table that everybody may read. */
export interface PublicCsvDoor<Query> {
  query: z.ZodType<Query>;
  read: (query: Query, maxRows: number) => Promise<CsvTable>;
}

/** Who may read a table, by which parameters, and where it comes from. */
export interface CsvDoor<Query> {
  query: z.ZodType<Query>;
  /** The sentence for people who may not read it. */
  forbidden: string;
  mayRead: (query: Query, person: Person) => boolean;
  /** Returns the table, or a sentence that says what is wrong with the parameters together. */
  read: (query: Query, person: Person, maxRows: number) => Promise<CsvTable | { fault: string }>;
}

const UNAUTHENTICATED = { code: 'UNAUTHENTICATED', message: '请先登录：此查询需要令牌。' };

/** Answers a request for a table. A rehearsal, by which a link is made, answers 204. */
export async function sendCsv<Query>(
  request: FastifyRequest,
  reply: FastifyReply,
  { door, options }: { door: CsvDoor<Query>; options: ServeOptions },
): Promise<FastifyReply> {
  const context = await identifyCaller(request, reply, options);
  if (!context) return reply;
  const actor: Actor = context.actor;
  if (actor.kind === 'public') return reply.code(401).send(UNAUTHENTICATED);
  const parsed = door.query.safeParse(request.query);
  if (!parsed.success) return sendFault(reply, describeFault(parsed.error));
  if (!door.mayRead(parsed.data, actor)) return reply.code(403).send({ code: 'FORBIDDEN', message: door.forbidden });
  const table = await door.read(parsed.data, actor, MAX_CSV_ROWS);
  if ('fault' in table) return sendFault(reply, table.fault);
  if (isRehearsal(request) && !table.isCut) return reply.code(204).send();
  return sendTable(reply, table, MAX_CSV_ROWS);
}

/** Answers a request for a table that everybody may read. */
export async function sendPublicCsv<Query>(
  request: FastifyRequest,
  reply: FastifyReply,
  door: PublicCsvDoor<Query>,
): Promise<FastifyReply> {
  const parsed = door.query.safeParse(request.query);
  if (!parsed.success) return sendFault(reply, describeFault(parsed.error));
  return sendTable(reply, await door.read(parsed.data, MAX_PUBLIC_CSV_ROWS), MAX_PUBLIC_CSV_ROWS);
}

function sendTable(reply: FastifyReply, table: CsvTable, maxRows: number): FastifyReply {
  if (table.isCut) return sendFault(reply, `多于 ${maxRows} 行，请缩小范围。`);
  return reply
    .header('content-disposition', buildContentDisposition(`${table.name}.csv`))
    .type('text/csv; charset=utf-8')
    .send(writeCsv(table.lines));
}

const sendFault = (reply: FastifyReply, message: string) => reply.code(400).send({ code: 'BAD_USER_INPUT', message });

/** Returns what is wrong with the query in a sentence, with the name of the parameter. */
function describeFault({ issues: [issue] }: z.ZodError): string {
  const isUnknown = issue?.code === 'unrecognized_keys';
  const name = isUnknown ? issue.keys[0] : issue?.path[0];
  if (isUnknown) return `没有参数 ${String(name)}。`;
  return `参数 ${String(name)} 不符合要求${issue?.code === 'custom' ? `：${issue.message}` : ''}。`;
}
