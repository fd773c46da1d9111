-- A document may carry its signature itself.
alter table certificate alter column signature drop not null;
alter table act alter column signature drop not null;
