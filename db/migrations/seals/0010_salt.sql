ALTER TABLE "seals"."seal_code" ADD COLUMN "is_salted" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "seals"."seal_event" ADD COLUMN "reason_salt" text;--> statement-breakpoint
ALTER TABLE "seals"."seal_use" ADD COLUMN "is_salted" boolean DEFAULT false NOT NULL;