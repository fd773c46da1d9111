-- The first day of a renewal that takes the place of this version then, YYYY-MM-DD. Null: none waits.
alter table certificate add column superseded_from text;
