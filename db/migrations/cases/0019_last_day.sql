ALTER TABLE "cases"."case_file" ADD COLUMN "last_day" date DEFAULT '9999-12-31' NOT NULL;--> statement-breakpoint
CREATE INDEX "case_file_last_day_serial_index" ON "cases"."case_file" USING btree ("last_day","serial");--> statement-breakpoint
UPDATE "cases"."case_file" SET "last_day" = "due_on" FROM "cases"."case_figure"
  WHERE "case_figure"."case_id" = "case_file"."id" AND "closed_on" IS NULL AND "due_on" IS NOT NULL;
