ALTER TABLE "seals"."seal_code" ADD COLUMN "blank_number" text;--> statement-breakpoint
ALTER TABLE "seals"."seal_use" ADD COLUMN "blank_number" text;