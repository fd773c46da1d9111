ALTER TABLE "cases"."case_file" ADD COLUMN "agent" jsonb;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "contact" jsonb;