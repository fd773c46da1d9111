DROP INDEX "seals"."seal_use_case_id_index";--> statement-breakpoint
CREATE UNIQUE INDEX "seal_use_case_act" ON "seals"."seal_use" USING btree ("case_id") WHERE act <> 'DECISION';--> statement-breakpoint
CREATE UNIQUE INDEX "seal_use_case_decision" ON "seals"."seal_use" USING btree ("case_id") WHERE act = 'DECISION';