CREATE TABLE "cases"."agreement" (
	"number" text PRIMARY KEY NOT NULL,
	"city_organ" text NOT NULL,
	"county_organ" text NOT NULL,
	"valid_from" date NOT NULL,
	"valid_to" date
);
--> statement-breakpoint
CREATE TABLE "cases"."case_file" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "cases"."case_file_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"number" text NOT NULL,
	"matter_id" text NOT NULL,
	"division_code" text NOT NULL,
	"matter" jsonb NOT NULL,
	"delegation" jsonb NOT NULL,
	"applicant_name" text NOT NULL,
	"applicant_code_kind" text NOT NULL,
	"applicant_code" text NOT NULL,
	"fields" jsonb NOT NULL,
	"license_number" text,
	"accepted_by" text NOT NULL,
	"window" text,
	"parties" text[] NOT NULL,
	"step" text NOT NULL,
	"closed" boolean NOT NULL,
	CONSTRAINT "case_file_serial_unique" UNIQUE("serial"),
	CONSTRAINT "case_file_number_unique" UNIQUE("number")
);
--> statement-breakpoint
CREATE TABLE "cases"."case_number" (
	"division_code" text NOT NULL,
	"day" date NOT NULL,
	"newest" integer NOT NULL,
	CONSTRAINT "case_number_division_code_day_pk" PRIMARY KEY("division_code","day")
);
--> statement-breakpoint
CREATE TABLE "cases"."case_step" (
	"case_id" uuid NOT NULL,
	"seq" integer NOT NULL,
	"step" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"organ" text,
	"note" text,
	"finding" text,
	CONSTRAINT "case_step_case_id_seq_pk" PRIMARY KEY("case_id","seq")
);
--> statement-breakpoint
CREATE TABLE "cases"."inbox" (
	"producer" text NOT NULL,
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	CONSTRAINT "inbox_producer_stream_pk" PRIMARY KEY("producer","stream")
);
--> statement-breakpoint
CREATE TABLE "cases"."license_fact" (
	"number" text PRIMARY KEY NOT NULL,
	"fact" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cases"."matter_fact" (
	"matter_id" text PRIMARY KEY NOT NULL,
	"fact" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cases"."outbox_delivery" (
	"consumer" text NOT NULL,
	"stream" text NOT NULL,
	"head" integer NOT NULL,
	"delivered" integer DEFAULT 0 NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp with time zone DEFAULT now() NOT NULL,
	"leased_until" timestamp with time zone,
	"lease" uuid,
	"rejected_at" timestamp with time zone,
	"last_error" text,
	CONSTRAINT "outbox_delivery_consumer_stream_pk" PRIMARY KEY("consumer","stream")
);
--> statement-breakpoint
CREATE TABLE "cases"."outbox_event" (
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	"type" text NOT NULL,
	"payload" jsonb NOT NULL,
	"occurred_at" timestamp with time zone NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "outbox_event_stream_revision_pk" PRIMARY KEY("stream","revision")
);
--> statement-breakpoint
CREATE TABLE "cases"."outbox_receipt" (
	"consumer" text NOT NULL,
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	"delivered_at" timestamp with time zone NOT NULL,
	"receipt" text,
	CONSTRAINT "outbox_receipt_consumer_stream_revision_pk" PRIMARY KEY("consumer","stream","revision")
);
--> statement-breakpoint
CREATE TABLE "cases"."outbox_stream" (
	"stream" text PRIMARY KEY NOT NULL,
	"head" integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE "cases"."case_step" ADD CONSTRAINT "case_step_case_id_case_file_id_fk" FOREIGN KEY ("case_id") REFERENCES "cases"."case_file"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "case_file_applicant_code_serial_index" ON "cases"."case_file" USING btree ("applicant_code","serial");--> statement-breakpoint
CREATE INDEX "case_file_parties_index" ON "cases"."case_file" USING gin ("parties");--> statement-breakpoint
CREATE INDEX "case_file_matter_id_serial_index" ON "cases"."case_file" USING btree ("matter_id","serial");--> statement-breakpoint
CREATE INDEX "outbox_event_xid_index" ON "cases"."outbox_event" USING btree ("xid");