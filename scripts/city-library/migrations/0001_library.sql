create table license (
  number text primary key,
  stream text not null unique,
  revision integer not null,
  identifier text,
  version integer,
  state text
);

create table file (
  digest text primary key,
  media_type text not null,
  bytes bytea not null
);

create table certificate (
  identifier text primary key,
  number text not null references license,
  version integer not null,
  state text not null,
  record json not null,
  document_digest text not null references file,
  signature bytea not null,
  unique (number, version)
);

create table act (
  number text not null references license,
  revision integer not null,
  act text not null,
  identifier text not null references certificate,
  version integer not null,
  state text not null,
  changed_at timestamptz not null,
  record json not null,
  document_digest text not null references file,
  signature bytea not null,
  content_digest text not null,
  receipt uuid not null unique,
  collected_at timestamptz not null,
  primary key (number, revision)
);

create index act_identifier on act (identifier, revision);
