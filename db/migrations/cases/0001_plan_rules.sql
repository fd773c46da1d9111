CREATE TABLE "cases"."guide_fact" (
	"matter_id" text PRIMARY KEY NOT NULL,
	"fact" jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "cases"."case_file" ALTER COLUMN "accepted_by" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD COLUMN "serial" integer NOT NULL GENERATED ALWAYS AS IDENTITY (sequence name "cases"."agreement_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1);--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD COLUMN "matters" text[] NOT NULL;--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD COLUMN "scan_digest" text NOT NULL;--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD COLUMN "recorded_by" text NOT NULL;--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD COLUMN "recorded_at" timestamp with time zone NOT NULL;--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD COLUMN "ended_by" text;--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD COLUMN "end_reason" text;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "guide" jsonb;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "waits_organs" text[] NOT NULL;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "waits_window" text;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "rests_since" timestamp with time zone NOT NULL;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "requested_by" text NOT NULL;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "request_key" text;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "request_digest" text NOT NULL;--> statement-breakpoint
ALTER TABLE "cases"."case_step" ADD COLUMN "data" jsonb;--> statement-breakpoint
CREATE INDEX "agreement_city_organ_county_organ_index" ON "cases"."agreement" USING btree ("city_organ","county_organ");--> statement-breakpoint
CREATE INDEX "agreement_matters_index" ON "cases"."agreement" USING gin ("matters");--> statement-breakpoint
CREATE INDEX "case_file_waits_organs_index" ON "cases"."case_file" USING gin ("waits_organs");--> statement-breakpoint
CREATE INDEX "case_file_waits_window_rests_since_index" ON "cases"."case_file" USING btree ("waits_window","rests_since");--> statement-breakpoint
CREATE UNIQUE INDEX "case_file_requested_by_request_key_index" ON "cases"."case_file" USING btree ("requested_by","request_key");--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD CONSTRAINT "agreement_serial_unique" UNIQUE("serial");