-- Licenses know the organs of matters from now on: they get every event of each matter.
insert into "matters"."outbox_delivery" (consumer, stream, head)
  select 'licenses', stream, head from "matters"."outbox_stream" where stream like 'matter:%'
  on conflict do nothing;
