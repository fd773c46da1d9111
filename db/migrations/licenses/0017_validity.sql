CREATE TABLE "licenses"."renewal" (
	"case_id" uuid PRIMARY KEY NOT NULL,
	"number" text NOT NULL,
	"is_running" boolean NOT NULL
);
--> statement-breakpoint
CREATE TABLE "licenses"."sweep_clock" (
	"id" integer PRIMARY KEY NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"confirmed_by" text,
	CONSTRAINT "sweep_clock_one" CHECK ("licenses"."sweep_clock"."id" = 1)
);
--> statement-breakpoint
ALTER TABLE "licenses"."license_version" ADD COLUMN "valid_from" date;--> statement-breakpoint
ALTER TABLE "licenses"."license_version" ADD COLUMN "valid_until" date;--> statement-breakpoint
CREATE INDEX "renewal_number_index" ON "licenses"."renewal" USING btree ("number");--> statement-breakpoint
CREATE INDEX "license_entry_at_index" ON "licenses"."license_entry" USING btree ("at");--> statement-breakpoint
CREATE INDEX "license_version_valid_from_index" ON "licenses"."license_version" USING btree ("valid_from");--> statement-breakpoint
CREATE INDEX "license_version_due" ON "licenses"."license_version" USING btree ("valid_until","number") WHERE "licenses"."license_version"."state" in ('VALID', 'SUSPENDED');--> statement-breakpoint
CREATE INDEX "paper_entry_at_index" ON "licenses"."paper_entry" USING btree ("at");--> statement-breakpoint
-- The period as the record states it. A day that no month has counts on into the next month, as JavaScript reads it.
UPDATE "licenses"."license_version" SET
  "valid_from" = CASE WHEN "record"->>'ZZYXQQSRQ' ~ '^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$' AND "record"->>'ZZYXQQSRQ' !~ '^0000'
    THEN (left("record"->>'ZZYXQQSRQ', 8) || '01')::date + (right("record"->>'ZZYXQQSRQ', 2)::int - 1) END,
  "valid_until" = CASE WHEN "record"->>'ZZYXQJZRQ' ~ '^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$' AND "record"->>'ZZYXQJZRQ' !~ '^0000'
    THEN (left("record"->>'ZZYXQJZRQ', 8) || '01')::date + (right("record"->>'ZZYXQJZRQ', 2)::int - 1) END;
