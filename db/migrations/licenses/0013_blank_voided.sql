ALTER TABLE "licenses"."blank" DROP CONSTRAINT "blank_carries";--> statement-breakpoint
ALTER TABLE "licenses"."blank_entry" ADD COLUMN "reason" text;--> statement-breakpoint
ALTER TABLE "licenses"."blank" ADD CONSTRAINT "blank_carries" CHECK (("licenses"."blank"."state" in ('IN_STOCK', 'VOIDED')) = ("licenses"."blank"."identifier" is null));