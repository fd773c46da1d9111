import type { Chance } from './chance.ts';
import type { Inside, Row, Tamper } from './inside.ts';

/** Tamperings with paper: the two ledgers, sheets, blanks and receipts. */

const LEDGERS = ['license_entry', 'paper_entry'] as const;
type Ledger = (typeof LEDGERS)[number];

const namesOfEntry = ({ number, identifier, act_id }: Row) => [
  `number:${number}`,
  `license:${identifier}`,
  `act:${act_id}`,
];

const entries = ({ sql }: Inside) => sql`select * from licenses.license_entry order by number, seq`;

const entryRemoved =
  (of: readonly Ledger[]): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const entry = await inside.victim(chance, entries(inside));
    for (const ledger of of) {
      await inside.change(
        sql`delete from licenses.${sql(ledger)} where number = ${entry.number} and seq = ${entry.seq}`,
      );
      // Close the gap: later entries move up.
      const later =
        await sql`select seq from licenses.${sql(ledger)} where number = ${entry.number} and seq > ${entry.seq} order by seq`;
      for (const { seq } of later)
        await sql`update licenses.${sql(ledger)} set seq = ${seq - 1} where number = ${entry.number} and seq = ${seq}`;
    }
    return { description: `an entry is gone from ${of.join(' and ')}`, objects: namesOfEntry(entry) };
  };

/** Returns a different value for one column of an entry. */
function changed(entry: Row, chance: Chance): Row {
  return chance.pick<Row>([
    { state_after: entry.state_after === 'VALID' ? 'SUSPENDED' : 'VALID' },
    { content_digest: chance.bytes(32).toString('hex') },
    { act_id: chance.uuid() },
    { at: new Date(entry.at.getTime() - 86_400_000) },
    { act: entry.act === 'ISSUE' ? 'RENEW' : 'ISSUE' },
  ]);
}

const entryAltered =
  (of: readonly Ledger[]): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const entry = await inside.victim(chance, entries(inside));
    const changes = changed(entry, chance);
    for (const ledger of of) {
      const where = sql`number = ${entry.number} and seq = ${entry.seq}`;
      await inside.change(sql`update licenses.${sql(ledger)} set ${sql(changes)} where ${where}`);
    }
    const said = `${Object.keys(changes)} of an entry is another in ${of.join(' and ')}`;
    return { description: said, objects: namesOfEntry(entry) };
  };

const entriesReordered =
  (of: readonly Ledger[]): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const entry = await inside.victim(
      chance,
      sql`select * from licenses.license_entry where seq > 1 order by number, seq`,
    );
    for (const ledger of of) {
      for (const [from, to] of [
        [entry.seq, -1],
        [entry.seq - 1, entry.seq],
        [-1, entry.seq - 1],
      ] as const)
        await inside.change(
          sql`update licenses.${sql(ledger)} set seq = ${to} where number = ${entry.number} and seq = ${from}`,
        );
    }
    return { description: `two entries changed places in ${of.join(' and ')}`, objects: namesOfEntry(entry) };
  };

const sheets = ({ sql }: Inside) => sql`select * from licenses.sheet where state <> 'SPOILED' order by blank_number`;
const namesOfSheet = ({ blank_number, identifier, number }: Row) => [
  `sheet:${blank_number}`,
  `blank:${blank_number}`,
  `license:${identifier}`,
  `number:${number}`,
];

const sheetDeleted: Tamper = async (inside, chance) => {
  const sheet = await inside.victim(chance, sheets(inside));
  await inside.change(inside.sql`delete from licenses.sheet where blank_number = ${sheet.blank_number}`);
  return { description: 'a license has no paper', objects: namesOfSheet(sheet) };
};

/** Picks another blank of the same organ that is in stock. */
async function stock({ sql }: Inside, blank: string, chance: Chance): Promise<string> {
  const rows = await sql`select number from licenses.blank where state = 'IN_STOCK'
    and organ = (select organ from licenses.blank where number = ${blank}) order by number`;
  return chance.pick(rows as readonly Row[]).number;
}

/** Moves a sheet to another blank. With `movesLedger` it moves the entries of the blank too. */
const sheetMoved =
  (ledger: boolean): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const sheet = await inside.victim(chance, sheets(inside));
    const { blank_number: from, identifier } = sheet;
    const to = await stock(inside, from, chance);
    await inside.change(sql`update licenses.sheet set blank_number = ${to} where blank_number = ${from}`);
    const [blank] = await sql`select state from licenses.blank where number = ${from}`;
    await sql`update licenses.blank set state = ${blank?.state}, identifier = ${identifier} where number = ${to}`;
    await sql`update licenses.blank set state = 'IN_STOCK', identifier = null where number = ${from}`;
    if (ledger) {
      await sql`update licenses.blank_entry set number = ${to} where number = ${from} and seq > 1`;
      await sql`update licenses.act set blank_number = ${to} where blank_number = ${from}`;
    }
    const objects = [...namesOfSheet(sheet), `sheet:${to}`, `blank:${to}`];
    return { description: `a sheet is on another blank${ledger ? ', and its movements with it' : ''}`, objects };
  };

const sheetAltered =
  (said: string, change: (sheet: Row, chance: Chance) => Row): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const sheet = await inside.victim(chance, sheets(inside));
    const changes = change(sheet, chance);
    await inside.change(sql`update licenses.sheet set ${sql(changes)} where blank_number = ${sheet.blank_number}`);
    return { description: said, objects: namesOfSheet(sheet) };
  };

/** Records a delivery as the hub would, without anybody having delivered the sheet. No event reports it. */
const deliveryForged: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const sheet = await inside.victim(
    chance,
    sql`select s.* from licenses.sheet s
    join licenses.license_version v using (identifier) where s.state = 'PRINTED' and v.state = 'VALID' order by 1`,
  );
  const { blank_number: blank } = sheet;
  const at = new Date(sheet.printed_at.getTime() + 60_000);
  await inside.change(
    sql`update licenses.sheet set state = 'DELIVERED', delivered_at = ${at} where blank_number = ${blank}`,
  );
  await sql`update licenses.blank set state = 'DELIVERED' where number = ${blank}`;
  const [last] = await sql`select * from licenses.blank_entry where number = ${blank} order by seq desc limit 1`;
  const entry = { ...last, seq: last?.seq + 1, state: 'DELIVERED', act_id: null, at };
  await sql`insert into licenses.blank_entry ${sql(entry)}`;
  return { description: 'a sheet was handed over by nobody', objects: namesOfSheet(sheet) };
};

/** Prints a version a second time: as a second valid sheet, or after marking the first as spoiled without an act. */
const printedTwice =
  (spoiled: boolean): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const sheet = await inside.victim(chance, sheets(inside));
    const { blank_number: from, identifier } = sheet;
    const to = await stock(inside, from, chance);
    const printed = { ...sheet, blank_number: to, state: 'PRINTED', delivered_at: null, recalled_at: null };
    if (spoiled) {
      await sql`update licenses.sheet set state = 'SPOILED' where blank_number = ${from}`;
      await sql`update licenses.blank set state = 'SPOILED' where number = ${from}`;
      const [last] = await sql`select * from licenses.blank_entry where number = ${from} order by seq desc limit 1`;
      await sql`insert into licenses.blank_entry ${sql({ ...last, seq: last?.seq + 1, state: 'SPOILED' })}`;
    } else await sql`drop index licenses.sheet_one_standing`;
    await sql`insert into licenses.sheet ${sql(printed)}`;
    await sql`update licenses.blank set state = 'PRINTED', identifier = ${identifier} where number = ${to}`;
    const [entry] = await sql`select * from licenses.blank_entry where number = ${from} and state = 'PRINTED'`;
    for (const [i, state] of ['ASSIGNED', 'PRINTED'].entries())
      await sql`insert into licenses.blank_entry ${sql({ ...entry, number: to, seq: i + 2, state })}`;
    const said = spoiled
      ? 'a sheet was called spoiled and another printed, without an act'
      : 'a version was printed twice';
    return { description: said, objects: [...namesOfSheet(sheet), `sheet:${to}`, `blank:${to}`] };
  };

const unspoiled: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const sheet = await inside.victim(chance, sql`select * from licenses.sheet where state = 'SPOILED' order by 1`);
  const { blank_number: blank } = sheet;
  await inside.change(sql`delete from licenses.sheet where blank_number = ${blank}`);
  await sql`update licenses.blank set state = 'IN_STOCK', identifier = null where number = ${blank}`;
  await sql`delete from licenses.blank_entry where number = ${blank} and seq > 1`;
  return { description: 'a spoiled blank is back in stock', objects: namesOfSheet(sheet) };
};

const blankAltered: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const blank = await inside.victim(
    chance,
    sql`select * from licenses.blank where state <> 'IN_STOCK' order by number`,
  );
  const state = chance.pick(['PRINTED', 'DELIVERED', 'RECALLED', 'SPOILED'].filter((one) => one !== blank.state));
  await inside.change(sql`update licenses.blank set state = ${state} where number = ${blank.number}`);
  return { description: `a blank is ${state}`, objects: [`blank:${blank.number}`, `sheet:${blank.number}`] };
};

const blankEntry =
  (which: 'first' | 'last' | 'middle'): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const of = await inside.victim(
      chance,
      sql`select number, max(seq) as last from licenses.blank_entry
      group by number having max(seq) > 2 order by number`,
    );
    const seq = { first: 1, last: of.last, middle: 2 }[which];
    await inside.change(sql`delete from licenses.blank_entry where number = ${of.number} and seq = ${seq}`);
    const objects = [`blank:${of.number}`, `sheet:${of.number}`];
    return { description: `the ${which} movement of a blank is gone`, objects };
  };

const blankOrgan: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const blank = await inside.victim(
    chance,
    sql`select * from licenses.blank where state <> 'IN_STOCK' order by number`,
  );
  await inside.change(sql`update licenses.blank set organ = 'yudu-fgw' where number = ${blank.number}`);
  return {
    description: 'a used blank is another organ’s',
    objects: [`blank:${blank.number}`, `sheet:${blank.number}`],
  };
};

const blankVanished: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const blank = await inside.victim(
    chance,
    sql`select * from licenses.blank where state = 'IN_STOCK'
    and right(number, 8)::int between 50 and 150 order by number`,
  );
  await inside.change(sql`delete from licenses.blank where number = ${blank.number}`);
  await sql`delete from licenses.blank_entry where number = ${blank.number}`;
  return { description: 'a blank vanished from the stock', objects: [`blank:${blank.number}`] };
};

const blankInserted =
  (entered: boolean): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const like = await inside.victim(
      chance,
      sql`select e.* from licenses.blank_entry e
      where right(number, 8) = '00000200' and seq = 1 order by number`,
    );
    const number = `${like.number.slice(0, -3)}201`;
    await inside.change(sql`insert into licenses.blank select ${number}, organ, 'IN_STOCK', null
      from licenses.blank where number = ${like.number}`);
    if (entered) await sql`insert into licenses.blank_entry ${sql({ ...like, number })}`;
    const said = entered ? 'one blank more was received than was' : 'a blank came from nowhere';
    return { description: said, objects: [`blank:${number}`] };
  };

const receipts = ({ sql }: Inside) =>
  sql`select * from licenses.outbox_receipt where consumer = 'library' order by stream, revision`;

const receiptAltered: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const { stream, revision } = await inside.victim(chance, receipts(inside));
  const where = sql`consumer = 'library' and stream = ${stream} and revision = ${revision}`;
  await inside.change(sql`update licenses.outbox_receipt set receipt = ${chance.uuid()} where ${where}`);
  return { description: 'a receipt of the library is another', objects: [`receipt:${stream} ${revision}`] };
};

const receiptDeleted: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const { stream, revision } = await inside.victim(chance, receipts(inside));
  const where = sql`consumer = 'library' and stream = ${stream} and revision = ${revision}`;
  await inside.change(sql`delete from licenses.outbox_receipt where ${where}`);
  return { description: 'a receipt of the library is gone', objects: [`receipt:${stream} ${revision}`] };
};

const receiptAdded: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const due = await inside.victim(
    chance,
    sql`select * from licenses.outbox_delivery
    where consumer = 'library' and delivered < head order by stream`,
  );
  const { stream, head, delivered } = due;
  const added = Array.from({ length: head - delivered }, (_, i) => delivered + 1 + i);
  for (const revision of added) {
    const row = { consumer: 'library', stream, revision, delivered_at: new Date(), receipt: chance.uuid() };
    await sql`insert into licenses.outbox_receipt ${sql(row)}`;
  }
  await inside.change(sql`update licenses.outbox_delivery set delivered = ${head}, attempts = 0, last_error = null
    where consumer = 'library' and stream = ${stream}`);
  const objects = added.map((revision) => `receipt:${stream} ${revision}`);
  return { description: 'receipts of a delivery that never was', objects: [...objects, `number:${stream.slice(8)}`] };
};

const eventAltered: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const event = await inside.victim(
    chance,
    sql`select * from licenses.outbox_event where type = 'LicenseChanged' order by stream, revision`,
  );
  const { stream, revision, payload } = event;
  const state = payload.state === 'VALID' ? 'SUSPENDED' : 'VALID';
  await inside.change(sql`update licenses.outbox_event set payload = payload || ${sql.json({ state })}
    where stream = ${stream} and revision = ${revision}`);
  const objects = [`receipt:${stream} ${revision}`, `number:${payload.number}`, `license:${payload.identifier}`];
  return { description: 'what was told of a license is another', objects };
};

const combos: [string, readonly Ledger[]][] = [
  ['license', ['license_entry']],
  ['paper', ['paper_entry']],
  ['both', LEDGERS],
];

export const PAPER_KINDS: Record<string, Tamper> = {
  ...Object.fromEntries(combos.map(([name, of]) => [`entry-removed-${name}`, entryRemoved(of)])),
  ...Object.fromEntries(combos.map(([name, of]) => [`entry-altered-${name}`, entryAltered(of)])),
  ...Object.fromEntries(combos.map(([name, of]) => [`entries-reordered-${name}`, entriesReordered(of)])),
  'sheet-deleted': sheetDeleted,
  'sheet-on-another-blank': sheetMoved(false),
  'sheet-on-another-blank-with-movements': sheetMoved(true),
  'sheet-validity-altered': sheetAltered('the paper alone is in another state', ({ validity }) => ({
    validity: validity === 'VALID' ? 'SUSPENDED' : 'VALID',
  })),
  'sheet-digest-altered': sheetAltered('the paper carries other content', (_, chance) => ({
    content_digest: chance.bytes(32).toString('hex'),
  })),
  'sheet-printed-another-day': sheetAltered('a sheet was printed another day', ({ printed_at }) => ({
    printed_at: new Date(printed_at.getTime() - 86_400_000),
  })),
  'delivery-forged': deliveryForged,
  'printed-twice': printedTwice(false),
  'spoiled-without-act': printedTwice(true),
  'spoiled-back-in-stock': unspoiled,
  'blank-state-altered': blankAltered,
  'blank-first-entry-removed': blankEntry('first'),
  'blank-middle-entry-removed': blankEntry('middle'),
  'blank-last-entry-removed': blankEntry('last'),
  'blank-of-another-organ': blankOrgan,
  'blank-vanished': blankVanished,
  'blank-from-nowhere': blankInserted(false),
  'blank-received-too-many': blankInserted(true),
  'receipt-altered': receiptAltered,
  'receipt-deleted': receiptDeleted,
  'receipt-added': receiptAdded,
  'event-altered': eventAltered,
};
