DROP INDEX "cases"."push_case_id_level_index";--> statement-breakpoint
CREATE UNIQUE INDEX "push_case_id_level_decision_index" ON "cases"."push" USING btree ("case_id","level","decision");