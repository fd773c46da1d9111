-- What the register stated of a license: version 2 of the protocol.
create table statement (
  number text not null references license,
  revision integer not null,
  stream text not null,
  -- The act on the license that it follows.
  follows integer not null,
  id uuid not null unique,
  act text not null,
  identifier text not null references certificate,
  version integer not null,
  state text not null,
  stated_at timestamptz not null,
  record json not null,
  statement text not null,
  document_digest text not null,
  content_digest text not null,
  receipt text not null,
  collected_at timestamptz not null,
  primary key (number, revision),
  foreign key (number, follows) references act (number, revision)
);

create index statement_identifier on statement (identifier, revision);
