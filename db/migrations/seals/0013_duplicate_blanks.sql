ALTER TABLE "seals"."seal_code" ADD COLUMN "duplicate_blanks" text[];--> statement-breakpoint
ALTER TABLE "seals"."seal_use" ADD COLUMN "duplicate_blanks" text[];