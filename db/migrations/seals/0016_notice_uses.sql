DROP INDEX "seals"."seal_use_case_act";--> statement-breakpoint
CREATE UNIQUE INDEX "seal_use_case_act" ON "seals"."seal_use" USING btree ("case_id") WHERE act not in ('DECISION', 'NOTICE');