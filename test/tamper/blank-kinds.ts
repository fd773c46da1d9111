import type postgres from 'postgres';
import type { Insider, Row, Tamper } from './insider.ts';

/** Tamperings with what leaves a stock of blanks other than onto paper. */

/** Changes something about a blank that `find` picks at random. */
const alterBlank =
  (
    description: string,
    find: (sql: postgres.Sql) => PromiseLike<readonly Row[]>,
    alter: (sql: postgres.Sql, number: string) => postgres.PendingQuery<postgres.Row[]>,
  ): Tamper =>
  async (insider: Insider, random) => {
    const { number } = await insider.pickRow(random, find(insider.sql));
    await insider.change(alter(insider.sql, number));
    return { description, objects: [`blank:${number}`] };
  };

const listInState = (state: string) => (sql: postgres.Sql) =>
  sql`select number from licenses.blank where state = ${state} order by number`;

/** SQL: voids a blank with an entry that holds what `entry` says. */
const voidBlank = (sql: postgres.Sql, number: string, proposal: string | null, reason: string | null) =>
  sql`with b as (update licenses.blank set state = 'VOIDED' where number = ${number} returning number)
    insert into licenses.blank_entry (number, seq, state, proposal_id, reason, actor, at)
    select number, 2, 'VOIDED', ${proposal}, ${reason}, '某人', now() from b`;

/** A blank that somebody took for himself, called written off by others. */
const joinWriteOff: Tamper = async (insider, random) => {
  const { sql } = insider;
  const [writeOff] = await sql`select proposal_id from licenses.blank_write_off`;
  const tamper = alterBlank(
    'a blank was written off by two persons who wrote off others',
    listInState('IN_STOCK'),
    (_, number) => voidBlank(sql, number, writeOff?.proposal_id, null),
  );
  return tamper(insider, random);
};

/** Finds the act of the reissue, and the sheet that it ended, of that kind. */
async function findReissued({ sql }: Insider, kind: 'ORIGINAL' | 'DUPLICATE'): Promise<Row> {
  const [row] = await sql`select s.*, a.id as act_id, a.actor, p.at from licenses.sheet s
    join licenses.paper_entry p on p.identifier = s.identifier and p.act = 'REISSUE'
    join licenses.act a on a.id = p.act_id and a.identifier <> s.identifier where s.kind = ${kind}`;
  if (!row) throw new Error(`no ${kind} that a reissue ended`);
  return row;
}

const namesOf = ({ blank_number, identifier }: Row) => [
  `blank:${blank_number}`,
  `sheet:${blank_number}`,
  `license:${identifier}`,
];

/** The original in the holder's hand is called lost, everywhere, as if the reissue had declared it. */
const declareInHand: Tamper = async (insider) => {
  const { sql } = insider;
  const sheet = await findReissued(insider, 'ORIGINAL');
  const { blank_number: blank, at } = sheet;
  await insider.change(sql`update licenses.sheet set state = 'LOST', lost_at = ${at} where blank_number = ${blank}`);
  await sql`update licenses.blank set state = 'LOST' where number = ${blank}`;
  await sql`insert into licenses.blank_entry (number, seq, state, identifier, act_id, actor, at)
    select number, max(seq) + 1, 'LOST', ${sheet.identifier}, ${sheet.act_id}, ${sheet.actor}, ${at}
    from licenses.blank_entry where number = ${blank} group by number`;
  return { description: 'a sheet in hand was declared lost', objects: namesOf(sheet) };
};

/** The lost duplicate is called a sheet at the holder again, everywhere. */
const undeclareLost: Tamper = async (insider) => {
  const { sql } = insider;
  const sheet = await findReissued(insider, 'DUPLICATE');
  const { blank_number: blank } = sheet;
  await insider.change(
    sql`update licenses.sheet set state = 'DELIVERED', lost_at = null where blank_number = ${blank}`,
  );
  await sql`update licenses.blank set state = 'DELIVERED' where number = ${blank}`;
  await sql`delete from licenses.blank_entry where number = ${blank} and state = 'LOST'`;
  return { description: 'the loss of a sheet was not declared', objects: namesOf(sheet) };
};

export const BLANK_KINDS: Record<string, Tamper> = {
  'sheet-in-hand-declared-lost': declareInHand,
  'loss-not-declared': undeclareLost,
  'blank-written-off-with-others': joinWriteOff,
  'blank-voided-by-nobody': alterBlank(
    'a blank was voided as if by the operator, without a take-over',
    listInState('IN_STOCK'),
    (sql, number) => voidBlank(sql, number, null, '作废'),
  ),
  'blank-written-off-back-in-stock': alterBlank(
    'a blank that was written off is in stock again',
    listInState('VOIDED'),
    (sql, number) => sql`with b as (update licenses.blank set state = 'IN_STOCK' where number = ${number})
      delete from licenses.blank_entry where number = ${number} and state = 'VOIDED'`,
  ),
  'write-off-of-more': alterBlank(
    'more blanks are said to have been written off',
    (sql) => sql`select prefix || lpad(first::text, digits, '0') as number from licenses.blank_write_off`,
    (sql, number) => sql`update licenses.blank_write_off set last = last + 1
      where prefix || lpad(first::text, digits, '0') = ${number}`,
  ),
  'blank-of-another-organ-by-hand': alterBlank(
    'a blank in stock is another organ’s, and its ledger says so',
    listInState('IN_STOCK'),
    (sql, number) => sql`with b as (update licenses.blank set organ = 'yudu-fgw' where number = ${number})
      insert into licenses.blank_entry (number, seq, state, organ, actor, at)
      select number, max(seq) + 1, 'IN_STOCK', 'yudu-fgw', '某人', now() from licenses.blank_entry
      where number = ${number} group by number`,
  ),
  'blank-kept-by-the-sender': alterBlank(
    'a blank that another organ confirmed is with the sender again',
    (sql) => sql`select number from licenses.blank_entry where organ is not null order by number`,
    (sql, number) => sql`with b as (update licenses.blank set organ = 'yudu-slj' where number = ${number})
      update licenses.blank_entry set organ = null where number = ${number} and organ is not null`,
  ),
  'transfer-of-another-receiver': alterBlank(
    'a transfer went to another organ',
    (sql) => sql`select prefix || lpad(first::text, digits, '0') as number from licenses.blank_transfer`,
    (sql, number) => sql`update licenses.blank_transfer set receiver = 'yudu-fgw'
      where prefix || lpad(first::text, digits, '0') = ${number}`,
  ),
  'transfer-nobody-confirmed': alterBlank(
    'a transfer that was given back is called confirmed',
    (sql) => sql`select t.prefix || lpad(t.first::text, t.digits, '0') as number from licenses.blank_transfer t
      join licenses.proposal_outcome o on o.proposal_id = t.proposal_id and o.outcome = 'REJECTED'`,
    (sql, number) => sql`with e as (update licenses.blank_entry e set organ = t.receiver from licenses.blank_transfer t
        where e.proposal_id = t.proposal_id and e.state = 'IN_STOCK'
          and t.prefix || lpad(t.first::text, t.digits, '0') = ${number} returning e.number, e.organ)
      update licenses.blank b set organ = e.organ from e where b.number = e.number`,
  ),
};
