CREATE TABLE "licenses"."act" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "licenses"."act_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"act" text NOT NULL,
	"number" text NOT NULL,
	"version" integer NOT NULL,
	"identifier" text NOT NULL,
	"case_id" uuid,
	"state" text NOT NULL,
	"state_after" text NOT NULL,
	"record" jsonb NOT NULL,
	"content_digest" text NOT NULL,
	"authorisation" text NOT NULL,
	"organ" jsonb NOT NULL,
	"matter_id" text NOT NULL,
	"blank_number" text,
	"spoiled_blank" text,
	"reason" text,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"prepared_at" timestamp with time zone NOT NULL,
	"waiting_for" text,
	"leased_until" timestamp with time zone NOT NULL,
	"document_digest" text,
	"signature_digest" text,
	"done_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "licenses"."blank" (
	"number" text PRIMARY KEY NOT NULL,
	"organ" text NOT NULL,
	"state" text NOT NULL,
	"identifier" text,
	CONSTRAINT "blank_carries" CHECK (("licenses"."blank"."state" = 'IN_STOCK') = ("licenses"."blank"."identifier" is null))
);
--> statement-breakpoint
CREATE TABLE "licenses"."blank_entry" (
	"number" text NOT NULL,
	"seq" integer NOT NULL,
	"state" text NOT NULL,
	"identifier" text,
	"act_id" uuid,
	"actor" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "blank_entry_number_seq_pk" PRIMARY KEY("number","seq")
);
--> statement-breakpoint
CREATE TABLE "licenses"."certificate_task" (
	"case_id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "licenses"."certificate_task_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"case_number" text NOT NULL,
	"content" jsonb NOT NULL,
	"content_digest" text NOT NULL,
	"authorisation" text NOT NULL,
	"issuer" jsonb NOT NULL,
	"parties" text[] NOT NULL,
	"handled_by" text NOT NULL,
	"number" text,
	"opened_at" timestamp with time zone NOT NULL,
	"done_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "licenses"."document" (
	"digest" text PRIMARY KEY NOT NULL,
	"media_type" text NOT NULL,
	"bytes" "bytea" NOT NULL,
	"number" text NOT NULL,
	"name" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "licenses"."inbox" (
	"producer" text NOT NULL,
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	CONSTRAINT "inbox_producer_stream_pk" PRIMARY KEY("producer","stream")
);
--> statement-breakpoint
CREATE TABLE "licenses"."license" (
	"number" text PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "licenses"."license_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"division_code" text NOT NULL,
	"handled_by" text NOT NULL,
	"issuer" jsonb NOT NULL,
	"matter_id" text NOT NULL,
	"parties" text[] NOT NULL,
	"holder_code" text NOT NULL,
	"head_version" integer NOT NULL,
	"head_identifier" text NOT NULL,
	"head_state" text NOT NULL,
	CONSTRAINT "license_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "licenses"."license_entry" (
	"number" text NOT NULL,
	"seq" integer NOT NULL,
	"version" integer NOT NULL,
	"identifier" text NOT NULL,
	"act" text NOT NULL,
	"state_after" text NOT NULL,
	"content_digest" text NOT NULL,
	"act_id" uuid NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "license_entry_number_seq_pk" PRIMARY KEY("number","seq")
);
--> statement-breakpoint
CREATE TABLE "licenses"."license_number" (
	"division_code" text NOT NULL,
	"year" integer NOT NULL,
	"newest" integer NOT NULL,
	CONSTRAINT "license_number_division_code_year_pk" PRIMARY KEY("division_code","year")
);
--> statement-breakpoint
CREATE TABLE "licenses"."license_version" (
	"identifier" text PRIMARY KEY NOT NULL,
	"number" text NOT NULL,
	"version" integer NOT NULL,
	"state" text NOT NULL,
	"record" jsonb NOT NULL,
	"record_digest" text NOT NULL,
	"case_id" uuid NOT NULL,
	"document_digest" text NOT NULL,
	"signature_digest" text NOT NULL,
	"seal_id" text NOT NULL,
	"signed_at" timestamp with time zone NOT NULL,
	"revision" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "licenses"."outbox_delivery" (
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
CREATE TABLE "licenses"."outbox_event" (
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	"type" text NOT NULL,
	"payload" jsonb NOT NULL,
	"occurred_at" timestamp with time zone NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "outbox_event_stream_revision_pk" PRIMARY KEY("stream","revision")
);
--> statement-breakpoint
CREATE TABLE "licenses"."outbox_receipt" (
	"consumer" text NOT NULL,
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	"delivered_at" timestamp with time zone NOT NULL,
	"receipt" text,
	CONSTRAINT "outbox_receipt_consumer_stream_revision_pk" PRIMARY KEY("consumer","stream","revision")
);
--> statement-breakpoint
CREATE TABLE "licenses"."outbox_stream" (
	"stream" text PRIMARY KEY NOT NULL,
	"head" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "licenses"."paper_entry" (
	"number" text NOT NULL,
	"seq" integer NOT NULL,
	"version" integer NOT NULL,
	"identifier" text NOT NULL,
	"act" text NOT NULL,
	"state_after" text NOT NULL,
	"content_digest" text NOT NULL,
	"act_id" uuid NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "paper_entry_number_seq_pk" PRIMARY KEY("number","seq")
);
--> statement-breakpoint
CREATE TABLE "licenses"."seal_fact" (
	"seal_id" text PRIMARY KEY NOT NULL,
	"organ" text NOT NULL,
	"name" text NOT NULL,
	"state" text NOT NULL,
	"valid_from" timestamp with time zone NOT NULL,
	"valid_until" timestamp with time zone NOT NULL,
	"matters" text[] NOT NULL
);
--> statement-breakpoint
CREATE TABLE "licenses"."sheet" (
	"blank_number" text PRIMARY KEY NOT NULL,
	"identifier" text NOT NULL,
	"number" text NOT NULL,
	"version" integer NOT NULL,
	"state" text NOT NULL,
	"validity" text NOT NULL,
	"content_digest" text NOT NULL,
	"printed_at" timestamp with time zone NOT NULL,
	"delivered_at" timestamp with time zone,
	"recalled_at" timestamp with time zone
);
--> statement-breakpoint
CREATE UNIQUE INDEX "act_one_prepared" ON "licenses"."act" USING btree ("number") WHERE "licenses"."act"."state" = 'PREPARED';--> statement-breakpoint
CREATE UNIQUE INDEX "act_one_per_case" ON "licenses"."act" USING btree ("case_id") WHERE "licenses"."act"."case_id" is not null;--> statement-breakpoint
CREATE INDEX "act_number_serial_index" ON "licenses"."act" USING btree ("number","serial");--> statement-breakpoint
CREATE INDEX "blank_organ_number_index" ON "licenses"."blank" USING btree ("organ","number");--> statement-breakpoint
CREATE INDEX "license_holder_code_serial_index" ON "licenses"."license" USING btree ("holder_code","serial");--> statement-breakpoint
CREATE INDEX "license_parties_index" ON "licenses"."license" USING gin ("parties");--> statement-breakpoint
CREATE UNIQUE INDEX "license_version_number_version_index" ON "licenses"."license_version" USING btree ("number","version");--> statement-breakpoint
CREATE INDEX "license_version_case_id_index" ON "licenses"."license_version" USING btree ("case_id");--> statement-breakpoint
CREATE INDEX "outbox_event_xid_index" ON "licenses"."outbox_event" USING btree ("xid");--> statement-breakpoint
CREATE UNIQUE INDEX "sheet_one_standing" ON "licenses"."sheet" USING btree ("identifier") WHERE "licenses"."sheet"."state" <> 'SPOILED';--> statement-breakpoint
CREATE INDEX "sheet_number_index" ON "licenses"."sheet" USING btree ("number");