import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import type { Insider, Row, Tamper } from './insider.ts';
import type { RandomSource } from './random.ts';

/** Tamperings with paper: the two ledgers, sheets, blanks and receipts. */

const LEDGERS = ['license_entry', 'paper_entry'] as const;
type Ledger = (typeof LEDGERS)[number];

const namesOfEntry = ({ number, identifier, act_id }: Row) => [
  `number:${number}`,
  `license:${identifier}`,
  `act:${act_id}`,
];

const listEntries = ({ sql }: Insider) => sql`select * from licenses.license_entry order by number, seq`;

const removeEntry =
  (ledgers: readonly Ledger[]): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const entry = await insider.pickRow(random, listEntries(insider));
    for (const ledger of ledgers) {
      await insider.change(
        sql`delete from licenses.${sql(ledger)} where number = ${entry.number} and seq = ${entry.seq}`,
      );
      // Close the gap: later entries move up.
      const later =
        await sql`select seq from licenses.${sql(ledger)} where number = ${entry.number} and seq > ${entry.seq} order by seq`;
      for (const { seq } of later)
        await sql`update licenses.${sql(ledger)} set seq = ${seq - 1} where number = ${entry.number} and seq = ${seq}`;
    }
    return { description: `an entry is gone from ${ledgers.join(' and ')}`, objects: namesOfEntry(entry) };
  };

/** Returns a different value for one column of an entry. */
function pickChange(entry: Row, random: RandomSource): Row {
  return random.pick<Row>([
    { state_after: entry.state_after === 'VALID' ? 'SUSPENDED' : 'VALID' },
    { content_digest: random.bytes(32).toString('hex') },
    { act_id: random.uuid() },
    { at: new Date(entry.at.getTime() - 86_400_000) },
    { act: entry.act === 'ISSUE' ? 'RENEW' : 'ISSUE' },
  ]);
}

const alterEntry =
  (ledgers: readonly Ledger[]): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const entry = await insider.pickRow(random, listEntries(insider));
    const changes = pickChange(entry, random);
    for (const ledger of ledgers) {
      const where = sql`number = ${entry.number} and seq = ${entry.seq}`;
      await insider.change(sql`update licenses.${sql(ledger)} set ${sql(changes)} where ${where}`);
    }
    const summary = `${Object.keys(changes)} of an entry is another in ${ledgers.join(' and ')}`;
    return { description: summary, objects: namesOfEntry(entry) };
  };

const reorderEntries =
  (ledgers: readonly Ledger[]): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const entry = await insider.pickRow(
      random,
      sql`select * from licenses.license_entry where seq > 1 order by number, seq`,
    );
    for (const ledger of ledgers) {
      for (const [from, to] of [
        [entry.seq, -1],
        [entry.seq - 1, entry.seq],
        [-1, entry.seq - 1],
      ] as const)
        await insider.change(
          sql`update licenses.${sql(ledger)} set seq = ${to} where number = ${entry.number} and seq = ${from}`,
        );
    }
    return { description: `two entries changed places in ${ledgers.join(' and ')}`, objects: namesOfEntry(entry) };
  };

const listSheets = ({ sql }: Insider) =>
  sql`select * from licenses.sheet where state <> 'SPOILED' order by blank_number`;
const namesOfSheet = ({ blank_number, identifier, number }: Row) => [
  `sheet:${blank_number}`,
  `blank:${blank_number}`,
  `license:${identifier}`,
  `number:${number}`,
];

const deleteSheet: Tamper = async (insider, random) => {
  const sheet = await insider.pickRow(random, listSheets(insider));
  await insider.change(insider.sql`delete from licenses.sheet where blank_number = ${sheet.blank_number}`);
  return { description: 'a license has no paper', objects: namesOfSheet(sheet) };
};

/** Picks another blank of the same organ that is in stock. */
async function pickStockBlank({ sql }: Insider, blank: string, random: RandomSource): Promise<string> {
  const rows = await sql`select number from licenses.blank where state = 'IN_STOCK'
    and organ = (select organ from licenses.blank where number = ${blank}) order by number`;
  return random.pick(rows as readonly Row[]).number;
}

/** Moves a sheet to another blank. With `movesLedger` it moves the entries of the blank too. */
const moveSheet =
  (movesLedger: boolean): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const sheet = await insider.pickRow(random, listSheets(insider));
    const { blank_number: from, identifier } = sheet;
    const to = await pickStockBlank(insider, from, random);
    await insider.change(sql`update licenses.sheet set blank_number = ${to} where blank_number = ${from}`);
    const [blank] = await sql`select state from licenses.blank where number = ${from}`;
    await sql`update licenses.blank set state = ${blank?.state}, identifier = ${identifier} where number = ${to}`;
    await sql`update licenses.blank set state = 'IN_STOCK', identifier = null where number = ${from}`;
    if (movesLedger) {
      await sql`update licenses.blank_entry set number = ${to} where number = ${from} and seq > 1`;
      await sql`update licenses.act set blank_number = ${to} where blank_number = ${from}`;
    }
    const objects = [...namesOfSheet(sheet), `sheet:${to}`, `blank:${to}`];
    return { description: `a sheet is on another blank${movesLedger ? ', and its movements with it' : ''}`, objects };
  };

const alterSheet =
  (summary: string, change: (sheet: Row, random: RandomSource) => Row): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const sheet = await insider.pickRow(random, listSheets(insider));
    const changes = change(sheet, random);
    await insider.change(sql`update licenses.sheet set ${sql(changes)} where blank_number = ${sheet.blank_number}`);
    return { description: summary, objects: namesOfSheet(sheet) };
  };

/** Records a delivery as the hub would, without anybody having delivered the sheet. No event reports it. */
const forgeDelivery: Tamper = async (insider, random) => {
  const { sql } = insider;
  const sheet = await insider.pickRow(
    random,
    sql`select s.* from licenses.sheet s
    join licenses.license_version v using (identifier) where s.state = 'PRINTED' and v.state = 'VALID' order by 1`,
  );
  const { blank_number: blank } = sheet;
  const at = new Date(sheet.printed_at.getTime() + 60_000);
  await insider.change(
    sql`update licenses.sheet set state = 'DELIVERED', delivered_at = ${at} where blank_number = ${blank}`,
  );
  await sql`update licenses.blank set state = 'DELIVERED' where number = ${blank}`;
  const [last] = await sql`select * from licenses.blank_entry where number = ${blank} order by seq desc limit 1`;
  const entry = { ...last, seq: last?.seq + 1, state: 'DELIVERED', act_id: null, at };
  await sql`insert into licenses.blank_entry ${sql(entry)}`;
  return { description: 'a sheet was handed over by nobody', objects: namesOfSheet(sheet) };
};

/** Prints a version a second time: as a second valid sheet, or after marking the first as spoiled without an act. */
const printTwice =
  (marksSpoiled: boolean): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const sheet = await insider.pickRow(random, listSheets(insider));
    const { blank_number: from, identifier } = sheet;
    const to = await pickStockBlank(insider, from, random);
    const printedSheet = { ...sheet, blank_number: to, state: 'PRINTED', delivered_at: null, recalled_at: null };
    if (marksSpoiled) {
      await sql`update licenses.sheet set state = 'SPOILED' where blank_number = ${from}`;
      await sql`update licenses.blank set state = 'SPOILED' where number = ${from}`;
      const [last] = await sql`select * from licenses.blank_entry where number = ${from} order by seq desc limit 1`;
      await sql`insert into licenses.blank_entry ${sql({ ...last, seq: last?.seq + 1, state: 'SPOILED' })}`;
    } else await sql`drop index licenses.sheet_one_standing`;
    await sql`insert into licenses.sheet ${sql(printedSheet)}`;
    await sql`update licenses.blank set state = 'PRINTED', identifier = ${identifier} where number = ${to}`;
    const [entry] = await sql`select * from licenses.blank_entry where number = ${from} and state = 'PRINTED'`;
    for (const [i, state] of ['ASSIGNED', 'PRINTED'].entries())
      await sql`insert into licenses.blank_entry ${sql({ ...entry, number: to, seq: i + 2, state })}`;
    const summary = marksSpoiled
      ? 'a sheet was called spoiled and another printed, without an act'
      : 'a version was printed twice';
    return { description: summary, objects: [...namesOfSheet(sheet), `sheet:${to}`, `blank:${to}`] };
  };

const returnSpoiledToStock: Tamper = async (insider, random) => {
  const { sql } = insider;
  const sheet = await insider.pickRow(random, sql`select * from licenses.sheet where state = 'SPOILED' order by 1`);
  const { blank_number: blank } = sheet;
  await insider.change(sql`delete from licenses.sheet where blank_number = ${blank}`);
  await sql`update licenses.blank set state = 'IN_STOCK', identifier = null where number = ${blank}`;
  await sql`delete from licenses.blank_entry where number = ${blank} and seq > 1`;
  return { description: 'a spoiled blank is back in stock', objects: namesOfSheet(sheet) };
};

const alterBlank: Tamper = async (insider, random) => {
  const { sql } = insider;
  const blank = await insider.pickRow(
    random,
    sql`select * from licenses.blank where identifier is not null order by number`,
  );
  const state = random.pick(['PRINTED', 'DELIVERED', 'RECALLED', 'SPOILED'].filter((one) => one !== blank.state));
  await insider.change(sql`update licenses.blank set state = ${state} where number = ${blank.number}`);
  return { description: `a blank is ${state}`, objects: [`blank:${blank.number}`, `sheet:${blank.number}`] };
};

const removeBlankEntry =
  (which: 'first' | 'last' | 'middle'): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const blankRow = await insider.pickRow(
      random,
      sql`select number, max(seq) as last from licenses.blank_entry
      group by number having max(seq) > 2 order by number`,
    );
    const seq = { first: 1, last: blankRow.last, middle: 2 }[which];
    await insider.change(sql`delete from licenses.blank_entry where number = ${blankRow.number} and seq = ${seq}`);
    const objects = [`blank:${blankRow.number}`, `sheet:${blankRow.number}`];
    return { description: `the ${which} movement of a blank is gone`, objects };
  };

const changeBlankOrgan: Tamper = async (insider, random) => {
  const { sql } = insider;
  const blank = await insider.pickRow(
    random,
    sql`select * from licenses.blank where state <> 'IN_STOCK' order by number`,
  );
  await insider.change(sql`update licenses.blank set organ = 'yudu-fgw' where number = ${blank.number}`);
  return {
    description: 'a used blank is another organ’s',
    objects: [`blank:${blank.number}`, `sheet:${blank.number}`],
  };
};

const removeBlank: Tamper = async (insider, random) => {
  const { sql } = insider;
  const blank = await insider.pickRow(
    random,
    sql`select * from licenses.blank where state = 'IN_STOCK'
    and right(number, 8)::int between 50 and 150 order by number`,
  );
  await insider.change(sql`delete from licenses.blank where number = ${blank.number}`);
  await sql`delete from licenses.blank_entry where number = ${blank.number}`;
  return { description: 'a blank vanished from the stock', objects: [`blank:${blank.number}`] };
};

/** A blank too many: without a receipt, with an entry of its own, or within a box that has one more than it had. */
const insertBlank =
  (receipt: 'NONE' | 'ENTRY' | 'BOX'): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const templateEntry = await insider.pickRow(
      random,
      sql`select e.* from licenses.blank_entry e
      where right(number, 8) = '00000200' and seq = 1 order by number`,
    );
    const number = `${templateEntry.number.slice(0, -3)}201`;
    await insider.change(sql`insert into licenses.blank select ${number}, organ, 'IN_STOCK', null
      from licenses.blank where number = ${templateEntry.number}`);
    if (receipt !== 'NONE') await sql`insert into licenses.blank_entry ${sql({ ...templateEntry, number })}`;
    if (receipt === 'BOX')
      await sql`update licenses.blank_box set last = 201 where prefix = ${number.slice(0, -8)} and first = 1`;
    const summary = receipt === 'NONE' ? 'a blank came from nowhere' : 'one blank more was received than was';
    return { description: summary, objects: [`blank:${number}`] };
  };

const listReceipts = ({ sql }: Insider) =>
  sql`select * from licenses.outbox_receipt where consumer = 'library' order by stream, revision`;

const alterReceipt: Tamper = async (insider, random) => {
  const { sql } = insider;
  const { stream, revision } = await insider.pickRow(random, listReceipts(insider));
  const where = sql`consumer = 'library' and stream = ${stream} and revision = ${revision}`;
  await insider.change(sql`update licenses.outbox_receipt set receipt = ${random.uuid()} where ${where}`);
  return { description: 'a receipt of the library is another', objects: [`receipt:${stream} ${revision}`] };
};

const deleteReceipt: Tamper = async (insider, random) => {
  const { sql } = insider;
  const { stream, revision } = await insider.pickRow(random, listReceipts(insider));
  const where = sql`consumer = 'library' and stream = ${stream} and revision = ${revision}`;
  await insider.change(sql`delete from licenses.outbox_receipt where ${where}`);
  return { description: 'a receipt of the library is gone', objects: [`receipt:${stream} ${revision}`] };
};

const addReceipt: Tamper = async (insider, random) => {
  const { sql } = insider;
  const openDelivery = await insider.pickRow(
    random,
    sql`select * from licenses.outbox_delivery
    where consumer = 'library' and delivered < head order by stream`,
  );
  const { stream, head, delivered } = openDelivery;
  const added = Array.from({ length: head - delivered }, (_, i) => delivered + 1 + i);
  for (const revision of added) {
    const row = { consumer: 'library', stream, revision, delivered_at: new Date(), receipt: random.uuid() };
    await sql`insert into licenses.outbox_receipt ${sql(row)}`;
  }
  await insider.change(sql`update licenses.outbox_delivery set delivered = ${head}, attempts = 0, last_error = null
    where consumer = 'library' and stream = ${stream}`);
  const objects = added.map((revision) => `receipt:${stream} ${revision}`);
  return { description: 'receipts of a delivery that never was', objects: [...objects, `number:${stream.slice(8)}`] };
};

const alterEvent: Tamper = async (insider, random) => {
  const { sql } = insider;
  const event = await insider.pickRow(
    random,
    sql`select * from licenses.outbox_event where type = 'LicenseChanged' order by stream, revision`,
  );
  const { stream, revision, payload } = event;
  const state = payload.state === 'VALID' ? 'SUSPENDED' : 'VALID';
  await insider.change(sql`update licenses.outbox_event set payload = payload || ${sql.json({ state })}
    where stream = ${stream} and revision = ${revision}`);
  const objects = [`receipt:${stream} ${revision}`, `number:${payload.number}`, `license:${payload.identifier}`];
  return { description: 'what was told of a license is another', objects };
};

const listTold = ({ sql }: Insider) =>
  sql`select * from licenses.outbox_event where type = 'RegisterStated' order by stream, revision`;

/** Tells the library something else of a statement of the register, or nothing. */
const changeTold =
  (change: 'act' | 'follows' | 'deleted'): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const { stream, revision, payload } = await insider.pickRow(random, listTold(insider));
    const where = sql`stream = ${stream} and revision = ${revision}`;
    const changes = change === 'act' ? { documentDigest: sha256(random.uuid()) } : { follows: payload.follows + 1 };
    await insider.change(
      change === 'deleted'
        ? sql`delete from licenses.outbox_event where ${where}`
        : sql`update licenses.outbox_event set payload = payload || ${sql.json(changes)} where ${where}`,
    );
    const objects = [`act:${payload.actId}`, `receipt:${stream} ${revision}`, `number:${payload.number}`];
    return { description: 'what the library was told that the register stated is another', objects };
  };

/** Swaps the receipts of two statements, and the digests in the rows. */
const swapToldReceipts: Tamper = async (insider, random) => {
  const { sql } = insider;
  const rows = await sql`select * from licenses.outbox_receipt where consumer = 'library-statements'
    order by stream, revision`;
  const [first] = rows;
  const other = rows.at(-1);
  if (!first || !other || first === other) throw new Error('too few statements');
  const victim = random.pick([first, other]);
  const donor = victim === first ? other : first;
  await insider.change(sql`update licenses.outbox_receipt set receipt = ${donor.receipt}
    where consumer = 'library-statements' and stream = ${victim.stream} and revision = ${victim.revision}`);
  return { description: 'the receipt of another statement', objects: [`receipt:${victim.stream} ${victim.revision}`] };
};

const ledgerChoices: [string, readonly Ledger[]][] = [
  ['license', ['license_entry']],
  ['paper', ['paper_entry']],
  ['both', LEDGERS],
];

export const PAPER_KINDS: Record<string, Tamper> = {
  ...Object.fromEntries(ledgerChoices.map(([name, of]) => [`entry-removed-${name}`, removeEntry(of)])),
  ...Object.fromEntries(ledgerChoices.map(([name, of]) => [`entry-altered-${name}`, alterEntry(of)])),
  ...Object.fromEntries(ledgerChoices.map(([name, of]) => [`entries-reordered-${name}`, reorderEntries(of)])),
  'sheet-deleted': deleteSheet,
  'sheet-on-another-blank': moveSheet(false),
  'sheet-on-another-blank-with-movements': moveSheet(true),
  'sheet-validity-altered': alterSheet('the paper alone is in another state', ({ validity }) => ({
    validity: validity === 'VALID' ? 'SUSPENDED' : 'VALID',
  })),
  'sheet-digest-altered': alterSheet('the paper carries other content', (_, random) => ({
    content_digest: random.bytes(32).toString('hex'),
  })),
  'sheet-printed-another-day': alterSheet('a sheet was printed another day', ({ printed_at }) => ({
    printed_at: new Date(printed_at.getTime() - 86_400_000),
  })),
  'delivery-forged': forgeDelivery,
  'printed-twice': printTwice(false),
  'spoiled-without-act': printTwice(true),
  'spoiled-back-in-stock': returnSpoiledToStock,
  'blank-state-altered': alterBlank,
  'blank-first-entry-removed': removeBlankEntry('first'),
  'blank-middle-entry-removed': removeBlankEntry('middle'),
  'blank-last-entry-removed': removeBlankEntry('last'),
  'blank-of-another-organ': changeBlankOrgan,
  'blank-vanished': removeBlank,
  'blank-from-nowhere': insertBlank('NONE'),
  'blank-without-box': insertBlank('ENTRY'),
  'blank-received-too-many': insertBlank('BOX'),
  'receipt-altered': alterReceipt,
  'receipt-deleted': deleteReceipt,
  'receipt-added': addReceipt,
  'event-altered': alterEvent,
  'statement-told-otherwise': changeTold('act'),
  'statement-told-after-another-act': changeTold('follows'),
  'statement-not-told': changeTold('deleted'),
  'statement-receipt-swapped': swapToldReceipts,
};
