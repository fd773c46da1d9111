-- The key of every license of earlier releases is its printed number.
ALTER TABLE "cases"."license_fact" ADD COLUMN "printed" text;--> statement-breakpoint
UPDATE "cases"."license_fact" SET "printed" = "number";--> statement-breakpoint
ALTER TABLE "cases"."license_fact" ALTER COLUMN "printed" SET NOT NULL;--> statement-breakpoint
CREATE INDEX "license_fact_printed_index" ON "cases"."license_fact" USING btree ("printed");