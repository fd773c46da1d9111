CREATE TABLE "matters"."delegation" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "matters"."delegation_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"matter_id" text NOT NULL,
	"mode" text NOT NULL,
	"city_organ" text NOT NULL,
	"county_organ" text NOT NULL,
	"valid_from" date,
	"valid_to" date
);
--> statement-breakpoint
CREATE TABLE "matters"."inbox" (
	"producer" text NOT NULL,
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	CONSTRAINT "inbox_producer_stream_pk" PRIMARY KEY("producer","stream")
);
--> statement-breakpoint
CREATE TABLE "matters"."industry_organ" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "matters"."industry_organ_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"matter_id" text NOT NULL,
	"level" text NOT NULL,
	"organ" text,
	"valid_from" date,
	"valid_to" date
);
--> statement-breakpoint
CREATE TABLE "matters"."matter" (
	"id" text PRIMARY KEY NOT NULL,
	"annex" integer NOT NULL,
	"row" integer NOT NULL,
	"main_item" text NOT NULL,
	"sub_item" text,
	"name" text NOT NULL,
	"power_type" text NOT NULL,
	"city_organ" text NOT NULL,
	"county_organ" text NOT NULL,
	"license_action" text,
	"outcome" jsonb NOT NULL,
	"printed" jsonb NOT NULL,
	"corrections" jsonb NOT NULL,
	"flags" jsonb NOT NULL,
	"row_digest" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "matters"."organ" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"level" text NOT NULL,
	"division_code" text NOT NULL,
	"uscc" text NOT NULL,
	CONSTRAINT "organ_uscc_unique" UNIQUE("uscc")
);
--> statement-breakpoint
CREATE TABLE "matters"."outbox_delivery" (
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
CREATE TABLE "matters"."outbox_event" (
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	"type" text NOT NULL,
	"payload" jsonb NOT NULL,
	"occurred_at" timestamp with time zone NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "outbox_event_stream_revision_pk" PRIMARY KEY("stream","revision")
);
--> statement-breakpoint
CREATE TABLE "matters"."outbox_receipt" (
	"consumer" text NOT NULL,
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	"delivered_at" timestamp with time zone NOT NULL,
	"receipt" text,
	CONSTRAINT "outbox_receipt_consumer_stream_revision_pk" PRIMARY KEY("consumer","stream","revision")
);
--> statement-breakpoint
CREATE TABLE "matters"."outbox_stream" (
	"stream" text PRIMARY KEY NOT NULL,
	"head" integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE "matters"."delegation" ADD CONSTRAINT "delegation_matter_id_matter_id_fk" FOREIGN KEY ("matter_id") REFERENCES "matters"."matter"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matters"."delegation" ADD CONSTRAINT "delegation_city_organ_organ_id_fk" FOREIGN KEY ("city_organ") REFERENCES "matters"."organ"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matters"."delegation" ADD CONSTRAINT "delegation_county_organ_organ_id_fk" FOREIGN KEY ("county_organ") REFERENCES "matters"."organ"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matters"."industry_organ" ADD CONSTRAINT "industry_organ_matter_id_matter_id_fk" FOREIGN KEY ("matter_id") REFERENCES "matters"."matter"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matters"."industry_organ" ADD CONSTRAINT "industry_organ_organ_organ_id_fk" FOREIGN KEY ("organ") REFERENCES "matters"."organ"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matters"."matter" ADD CONSTRAINT "matter_city_organ_organ_id_fk" FOREIGN KEY ("city_organ") REFERENCES "matters"."organ"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matters"."matter" ADD CONSTRAINT "matter_county_organ_organ_id_fk" FOREIGN KEY ("county_organ") REFERENCES "matters"."organ"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "delegation_matter_id_index" ON "matters"."delegation" USING btree ("matter_id");--> statement-breakpoint
CREATE INDEX "industry_organ_matter_id_index" ON "matters"."industry_organ" USING btree ("matter_id");--> statement-breakpoint
CREATE UNIQUE INDEX "matter_annex_row_index" ON "matters"."matter" USING btree ("annex","row");--> statement-breakpoint
CREATE INDEX "outbox_event_xid_index" ON "matters"."outbox_event" USING btree ("xid");