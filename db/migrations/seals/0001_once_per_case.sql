ALTER TABLE "seals"."seal_event" ADD COLUMN "actor_id" text;--> statement-breakpoint
CREATE UNIQUE INDEX "seal_use_case_id_index" ON "seals"."seal_use" USING btree ("case_id");