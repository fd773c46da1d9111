CREATE TABLE "cases"."guide_fact" (
	"matter_id" text PRIMARY KEY NOT NULL,
	"fact" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cases"."case_rest" (
	"case_id" uuid PRIMARY KEY NOT NULL,
	"touch_by" date,
	"missing_year" integer
);
--> statement-breakpoint
CREATE TABLE "cases"."calendar_notice" (
	"id" uuid PRIMARY KEY NOT NULL,
	"year" integer NOT NULL,
	"version" integer NOT NULL,
	"source" text NOT NULL,
	"holidays" jsonb NOT NULL,
	"make_up_days" jsonb NOT NULL,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"loaded_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cases"."decision_seal" (
	"notice_id" uuid PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"organ" text NOT NULL,
	"matter_id" text NOT NULL,
	"authorisation" text NOT NULL,
	"prepared_at" timestamp with time zone NOT NULL,
	"document_digest" text,
	"waiting_for" text,
	"leased_until" timestamp with time zone NOT NULL,
	"signature" "bytea",
	"seal_id" text,
	"signed_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "cases"."notice" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "cases"."notice_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"case_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"number" text NOT NULL,
	"content" jsonb NOT NULL,
	"content_digest" text NOT NULL,
	"issued_at" timestamp with time zone NOT NULL,
	"organ" text NOT NULL,
	CONSTRAINT "notice_serial_unique" UNIQUE("serial"),
	CONSTRAINT "notice_number_unique" UNIQUE("number")
);
--> statement-breakpoint
CREATE TABLE "cases"."notice_number" (
	"division_code" text NOT NULL,
	"year" text NOT NULL,
	"kind" text NOT NULL,
	"newest" integer NOT NULL,
	CONSTRAINT "notice_number_division_code_year_kind_pk" PRIMARY KEY("division_code","year","kind")
);
--> statement-breakpoint
CREATE TABLE "cases"."sealed_file" (
	"digest" text PRIMARY KEY NOT NULL,
	"bytes" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cases"."platform" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "cases"."platform_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"organ" text NOT NULL,
	"name" text NOT NULL,
	"url" text NOT NULL,
	"secret_version" integer NOT NULL,
	"registered_at" timestamp with time zone NOT NULL,
	"removed_at" timestamp with time zone,
	CONSTRAINT "platform_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "cases"."platform_case" (
	"case_id" uuid NOT NULL,
	"platform_id" uuid NOT NULL,
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	"arrived_at" timestamp with time zone NOT NULL,
	"received_at" timestamp with time zone,
	CONSTRAINT "platform_case_case_id_platform_id_pk" PRIMARY KEY("case_id","platform_id")
);
--> statement-breakpoint
CREATE TABLE "cases"."platform_key" (
	"kid" text PRIMARY KEY NOT NULL,
	"platform_id" uuid NOT NULL,
	"x" text NOT NULL,
	"valid_from" timestamp with time zone NOT NULL,
	"valid_to" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "cases"."platform_message" (
	"platform_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "cases"."platform_message_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"type" text NOT NULL,
	"case_number" text NOT NULL,
	"kid" text NOT NULL,
	"digest" text NOT NULL,
	"raw" "bytea" NOT NULL,
	"signature" text NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	"verdict" text NOT NULL,
	"step_seq" integer,
	"status" integer NOT NULL,
	"answer" text NOT NULL,
	CONSTRAINT "platform_message_platform_id_id_pk" PRIMARY KEY("platform_id","id"),
	CONSTRAINT "platform_message_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "cases"."case_figure" (
	"case_id" uuid PRIMARY KEY NOT NULL,
	"organ" text,
	"mode" text NOT NULL,
	"accepted_on" date,
	"silent_until" date,
	"closed_on" date,
	"outcome" text,
	"working_days" integer,
	"due_on" date,
	"on_time" boolean,
	"missing_year" integer
);
--> statement-breakpoint
CREATE TABLE "cases"."case_license" (
	"case_id" uuid PRIMARY KEY NOT NULL,
	"number" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cases"."duty" (
	"duty_id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"identifier" text NOT NULL,
	"name" text NOT NULL,
	"organs" text[] NOT NULL,
	"division_code" text NOT NULL,
	"reason" text,
	"opened_at" timestamp with time zone NOT NULL,
	"closed_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "cases"."finding" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "cases"."finding_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"case_id" uuid NOT NULL,
	"push_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"text" text NOT NULL,
	"papers" text[] NOT NULL,
	"due_on" date,
	"organ" text NOT NULL,
	"decided_by" text NOT NULL,
	"license_number" text,
	"state" text NOT NULL,
	"recorded_by" text NOT NULL,
	"recorded_at" timestamp with time zone NOT NULL,
	"acknowledged_by" text,
	"acknowledged_at" timestamp with time zone,
	"answer" text,
	"ended_at" timestamp with time zone,
	"request_key" text,
	"request_digest" text NOT NULL,
	CONSTRAINT "finding_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "cases"."finding_entry" (
	"finding_id" uuid NOT NULL,
	"seq" integer NOT NULL,
	"event" text NOT NULL,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"organ" text,
	"note" text,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "finding_entry_finding_id_seq_pk" PRIMARY KEY("finding_id","seq")
);
--> statement-breakpoint
CREATE TABLE "cases"."push" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "cases"."push_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"case_id" uuid NOT NULL,
	"matter_id" text NOT NULL,
	"level" text NOT NULL,
	"organ" text,
	"decision" text NOT NULL,
	"decided_by" text NOT NULL,
	"decided_at" timestamp with time zone NOT NULL,
	"due_on" date,
	"missing_year" integer,
	"state" text NOT NULL,
	"claimed_by_id" text,
	"claimed_by" text,
	"claimed_at" timestamp with time zone,
	"signed_by" text,
	"signed_at" timestamp with time zone,
	"reached_at" timestamp with time zone,
	CONSTRAINT "push_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "cases"."push_entry" (
	"push_id" uuid NOT NULL,
	"seq" integer NOT NULL,
	"event" text NOT NULL,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"organ" text,
	"receipt" text,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "push_entry_push_id_seq_pk" PRIMARY KEY("push_id","seq")
);
--> statement-breakpoint
CREATE TABLE "cases"."supervision_message" (
	"webhook_id" uuid NOT NULL,
	"message_id" text NOT NULL,
	"body_digest" text NOT NULL,
	"status" integer NOT NULL,
	"answer" jsonb NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	CONSTRAINT "supervision_message_webhook_id_message_id_pk" PRIMARY KEY("webhook_id","message_id")
);
--> statement-breakpoint
CREATE TABLE "cases"."webhook" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "cases"."webhook_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"organ" text NOT NULL,
	"url" text NOT NULL,
	"registered_by" text NOT NULL,
	"registered_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone,
	CONSTRAINT "webhook_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "cases"."case_material" (
	"case_id" uuid NOT NULL,
	"seq" integer NOT NULL,
	"code" text NOT NULL,
	"name" text NOT NULL,
	"form" text,
	"kind" text NOT NULL,
	"upload_id" uuid,
	"license_identifier" text,
	"license_version" integer,
	"license_state" text,
	"copies" integer,
	"added_at" timestamp with time zone NOT NULL,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"organ" text,
	CONSTRAINT "case_material_case_id_seq_pk" PRIMARY KEY("case_id","seq"),
	CONSTRAINT "case_material_uploadId_unique" UNIQUE("upload_id"),
	CONSTRAINT "one_source" CHECK (("cases"."case_material"."kind" = 'UPLOAD') = ("cases"."case_material"."upload_id" is not null) and ("cases"."case_material"."kind" = 'LICENSE') = ("cases"."case_material"."license_identifier" is not null)
        and ("cases"."case_material"."kind" = 'PAPER') = ("cases"."case_material"."copies" is not null))
);
--> statement-breakpoint
CREATE TABLE "cases"."material_file" (
	"digest" text PRIMARY KEY NOT NULL,
	"bytes" "bytea",
	"media_type" text NOT NULL,
	"size_bytes" integer NOT NULL,
	"state" text NOT NULL,
	"tried_at" timestamp with time zone NOT NULL,
	CONSTRAINT "bytes_unless_infected" CHECK (("cases"."material_file"."bytes" is null) = ("cases"."material_file"."state" = 'INFECTED'))
);
--> statement-breakpoint
CREATE TABLE "cases"."material_read" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "cases"."material_read_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"upload_id" uuid NOT NULL,
	"case_id" uuid NOT NULL,
	"reader_id" text NOT NULL,
	"reader" text NOT NULL,
	"organ" text,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cases"."material_upload" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "cases"."material_upload_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"digest" text NOT NULL,
	"name" text NOT NULL,
	"uploader_id" text NOT NULL,
	"holder_code" text,
	"uploaded_at" timestamp with time zone NOT NULL,
	"attached_at" timestamp with time zone,
	CONSTRAINT "material_upload_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
ALTER TABLE "cases"."case_file" ALTER COLUMN "accepted_by" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD COLUMN "serial" integer NOT NULL GENERATED ALWAYS AS IDENTITY (sequence name "cases"."agreement_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1);--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD COLUMN "matters" text[] NOT NULL DEFAULT '{}';--> statement-breakpoint
-- An agreement covered whatever its two organs handed down for substantive review.
UPDATE "cases"."agreement" a SET "matters" = coalesce((SELECT array_agg(f."matter_id" ORDER BY f."matter_id") FROM "cases"."matter_fact" f WHERE f."fact"->>'cityOrgan' = a."city_organ" AND f."fact"->>'countyOrgan' = a."county_organ" AND f."fact"->'delegations'->0->>'mode' = 'SUBSTANTIVE_REVIEW'), '{}');--> statement-breakpoint
ALTER TABLE "cases"."agreement" ALTER COLUMN "matters" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD COLUMN "scan_digest" text NOT NULL DEFAULT repeat('0', 64);--> statement-breakpoint
ALTER TABLE "cases"."agreement" ALTER COLUMN "scan_digest" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD COLUMN "recorded_by" text NOT NULL DEFAULT '升级前登记';--> statement-breakpoint
ALTER TABLE "cases"."agreement" ALTER COLUMN "recorded_by" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD COLUMN "recorded_at" timestamp with time zone NOT NULL DEFAULT now();--> statement-breakpoint
ALTER TABLE "cases"."agreement" ALTER COLUMN "recorded_at" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD COLUMN "ended_by" text;--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD COLUMN "end_reason" text;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "guide" jsonb;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "waits_organs" text[] NOT NULL DEFAULT '{}';--> statement-breakpoint
ALTER TABLE "cases"."case_file" ALTER COLUMN "waits_organs" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "waits_window" text;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "rests_since" timestamp with time zone NOT NULL DEFAULT now();--> statement-breakpoint
UPDATE "cases"."case_file" c SET "rests_since" = (SELECT max(s."at") FROM "cases"."case_step" s WHERE s."case_id" = c."id");--> statement-breakpoint
ALTER TABLE "cases"."case_file" ALTER COLUMN "rests_since" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "requested_by" text NOT NULL DEFAULT '升级前';--> statement-breakpoint
ALTER TABLE "cases"."case_file" ALTER COLUMN "requested_by" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "request_key" text;--> statement-breakpoint
ALTER TABLE "cases"."case_file" ADD COLUMN "request_digest" text NOT NULL DEFAULT '';--> statement-breakpoint
ALTER TABLE "cases"."case_file" ALTER COLUMN "request_digest" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "cases"."case_step" ADD COLUMN "data" jsonb;--> statement-breakpoint
ALTER TABLE "cases"."decision_seal" ADD CONSTRAINT "decision_seal_notice_id_notice_id_fk" FOREIGN KEY ("notice_id") REFERENCES "cases"."notice"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."platform_case" ADD CONSTRAINT "platform_case_platform_id_platform_id_fk" FOREIGN KEY ("platform_id") REFERENCES "cases"."platform"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."platform_key" ADD CONSTRAINT "platform_key_platform_id_platform_id_fk" FOREIGN KEY ("platform_id") REFERENCES "cases"."platform"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."platform_message" ADD CONSTRAINT "platform_message_platform_id_platform_id_fk" FOREIGN KEY ("platform_id") REFERENCES "cases"."platform"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."platform_message" ADD CONSTRAINT "platform_message_kid_platform_key_kid_fk" FOREIGN KEY ("kid") REFERENCES "cases"."platform_key"("kid") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."case_material" ADD CONSTRAINT "case_material_case_id_case_file_id_fk" FOREIGN KEY ("case_id") REFERENCES "cases"."case_file"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."case_material" ADD CONSTRAINT "case_material_upload_id_material_upload_id_fk" FOREIGN KEY ("upload_id") REFERENCES "cases"."material_upload"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."material_read" ADD CONSTRAINT "material_read_upload_id_material_upload_id_fk" FOREIGN KEY ("upload_id") REFERENCES "cases"."material_upload"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."material_read" ADD CONSTRAINT "material_read_case_id_case_file_id_fk" FOREIGN KEY ("case_id") REFERENCES "cases"."case_file"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."material_upload" ADD CONSTRAINT "material_upload_digest_material_file_digest_fk" FOREIGN KEY ("digest") REFERENCES "cases"."material_file"("digest") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "case_rest_touch_by_index" ON "cases"."case_rest" USING btree ("touch_by");--> statement-breakpoint
CREATE UNIQUE INDEX "calendar_notice_year_version_index" ON "cases"."calendar_notice" USING btree ("year","version");--> statement-breakpoint
CREATE INDEX "decision_seal_state_leased_until_index" ON "cases"."decision_seal" USING btree ("state","leased_until");--> statement-breakpoint
CREATE INDEX "notice_case_id_serial_index" ON "cases"."notice" USING btree ("case_id","serial");--> statement-breakpoint
CREATE UNIQUE INDEX "platform_organ_index" ON "cases"."platform" USING btree ("organ") WHERE removed_at is null;--> statement-breakpoint
CREATE INDEX "platform_key_platform_id_index" ON "cases"."platform_key" USING btree ("platform_id");--> statement-breakpoint
CREATE INDEX "platform_message_case_number_serial_index" ON "cases"."platform_message" USING btree ("case_number","serial");--> statement-breakpoint
CREATE INDEX "case_figure_accepted_on_index" ON "cases"."case_figure" USING btree ("accepted_on");--> statement-breakpoint
CREATE INDEX "case_figure_closed_on_index" ON "cases"."case_figure" USING btree ("closed_on");--> statement-breakpoint
CREATE INDEX "duty_opened_at_index" ON "cases"."duty" USING btree ("opened_at") WHERE closed_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "finding_organ_request_key_index" ON "cases"."finding" USING btree ("organ","request_key");--> statement-breakpoint
CREATE INDEX "finding_case_id_serial_index" ON "cases"."finding" USING btree ("case_id","serial");--> statement-breakpoint
CREATE INDEX "finding_organ_serial_index" ON "cases"."finding" USING btree ("organ","serial");--> statement-breakpoint
CREATE UNIQUE INDEX "push_case_id_level_index" ON "cases"."push" USING btree ("case_id","level");--> statement-breakpoint
CREATE INDEX "push_organ_serial_index" ON "cases"."push" USING btree ("organ","serial");--> statement-breakpoint
CREATE INDEX "push_due_on_index" ON "cases"."push" USING btree ("due_on") WHERE reached_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "webhook_organ_index" ON "cases"."webhook" USING btree ("organ") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "material_file_tried_at_index" ON "cases"."material_file" USING btree ("tried_at") WHERE state = 'PENDING_SCAN';--> statement-breakpoint
CREATE INDEX "material_read_case_id_serial_index" ON "cases"."material_read" USING btree ("case_id","serial");--> statement-breakpoint
CREATE INDEX "material_upload_uploader_id_serial_index" ON "cases"."material_upload" USING btree ("uploader_id","serial") WHERE attached_at is null;--> statement-breakpoint
CREATE INDEX "material_upload_uploaded_at_index" ON "cases"."material_upload" USING btree ("uploaded_at") WHERE attached_at is null;--> statement-breakpoint
CREATE INDEX "material_upload_digest_index" ON "cases"."material_upload" USING btree ("digest");--> statement-breakpoint
CREATE INDEX "agreement_city_organ_county_organ_index" ON "cases"."agreement" USING btree ("city_organ","county_organ");--> statement-breakpoint
CREATE INDEX "agreement_matters_index" ON "cases"."agreement" USING gin ("matters");--> statement-breakpoint
CREATE INDEX "case_file_waits_organs_index" ON "cases"."case_file" USING gin ("waits_organs");--> statement-breakpoint
CREATE INDEX "case_file_waits_window_rests_since_index" ON "cases"."case_file" USING btree ("waits_window","rests_since");--> statement-breakpoint
CREATE UNIQUE INDEX "case_file_requested_by_request_key_index" ON "cases"."case_file" USING btree ("requested_by","request_key");--> statement-breakpoint
ALTER TABLE "cases"."agreement" ADD CONSTRAINT "agreement_serial_unique" UNIQUE("serial");--> statement-breakpoint
-- Facts that cases keep have gained words: what an accepted case was accepted with is brought into today's shape.
UPDATE "cases"."case_file" SET "delegation" = "delegation" || jsonb_build_object(
  'cityOrgan', "matter"->'cityOrgan', 'countyOrgan', "matter"->'countyOrgan', 'runningCases', 'FOLLOW',
  'licenseAction', "matter"->'licenseAction', 'outcome', "matter"->'outcome',
  'industry', jsonb_build_object(
    'city', CASE WHEN "delegation"->>'mode' = 'DIRECT' THEN NULL ELSE "delegation"->'supervises'->'organ' END,
    'county', CASE WHEN "delegation"->>'mode' = 'DIRECT' THEN "delegation"->'supervises'->'organ' ELSE NULL END))
WHERE NOT "delegation" ? 'outcome';--> statement-breakpoint
UPDATE "cases"."case_file" c SET "matter" = c."matter" || jsonb_build_object('powerType', m."power_type", 'delegations', jsonb_build_array(c."delegation"))
FROM "matters"."matter" m WHERE m."id" = c."matter_id" AND NOT c."matter" ? 'powerType';--> statement-breakpoint
-- The rest of these are told again by matters at the next start.
DELETE FROM "cases"."matter_fact" WHERE NOT "fact" ? 'powerType';
