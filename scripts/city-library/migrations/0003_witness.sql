-- A receipt is signed text.
alter table act alter column receipt type text;

-- The library's own private keys: made at its first start, never changed.
create table own_key (
  purpose text primary key,
  private_key_pem text not null
);

-- The newest tree of each log that the library signed as its witness.
create table witnessed (
  origin text primary key,
  size bigint,
  root text,
  note text
);

-- How far the comparison with the hub has got: nothing before this was found to differ.
create table reconciled (
  origin text primary key,
  size bigint not null,
  root text not null,
  cursor text,
  at timestamptz not null
);

-- The comparison that last found this act at the hub too.
alter table act add column reconciliation uuid;
create index act_unreconciled on act (number, revision) where reconciliation is null;
