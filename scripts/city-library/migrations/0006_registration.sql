-- Licenses from paper: a statement of the register begins them, and the stream of their acts begins later.
alter table license alter column stream drop not null;
alter table statement drop constraint statement_number_follows_fkey;
