DROP INDEX "licenses"."sheet_one_standing";--> statement-breakpoint
ALTER TABLE "licenses"."act" ADD COLUMN "duplicate_blanks" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."sheet" ADD COLUMN "kind" text DEFAULT 'ORIGINAL' NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."sheet" ADD COLUMN "place" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "sheet_one_standing" ON "licenses"."sheet" USING btree ("identifier","kind","place") WHERE "licenses"."sheet"."state" <> 'SPOILED';