CREATE TABLE "seals"."authority" (
	"id" text PRIMARY KEY NOT NULL,
	"certificate_pem" text NOT NULL,
	"public_key_pem" text NOT NULL,
	"encrypted_key" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "seals"."inbox" (
	"producer" text NOT NULL,
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	CONSTRAINT "inbox_producer_stream_pk" PRIMARY KEY("producer","stream")
);
--> statement-breakpoint
CREATE TABLE "seals"."outbox_delivery" (
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
CREATE TABLE "seals"."outbox_event" (
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	"type" text NOT NULL,
	"payload" jsonb NOT NULL,
	"occurred_at" timestamp with time zone NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "outbox_event_stream_revision_pk" PRIMARY KEY("stream","revision")
);
--> statement-breakpoint
CREATE TABLE "seals"."outbox_receipt" (
	"consumer" text NOT NULL,
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	"delivered_at" timestamp with time zone NOT NULL,
	"receipt" text,
	CONSTRAINT "outbox_receipt_consumer_stream_revision_pk" PRIMARY KEY("consumer","stream","revision")
);
--> statement-breakpoint
CREATE TABLE "seals"."outbox_stream" (
	"stream" text PRIMARY KEY NOT NULL,
	"head" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "seals"."seal" (
	"id" text PRIMARY KEY NOT NULL,
	"organ" text NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"state" text NOT NULL,
	"suite" text NOT NULL,
	"valid_from" timestamp with time zone NOT NULL,
	"valid_until" timestamp with time zone NOT NULL,
	"certificate_pem" text NOT NULL,
	"encrypted_key" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "seals"."seal_event" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "seals"."seal_event_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"seal_id" text NOT NULL,
	"event" text NOT NULL,
	"matter_id" text,
	"actor" text NOT NULL,
	"reason" text,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "seals"."seal_grant" (
	"seal_id" text NOT NULL,
	"matter_id" text NOT NULL,
	CONSTRAINT "seal_grant_seal_id_matter_id_pk" PRIMARY KEY("seal_id","matter_id")
);
--> statement-breakpoint
CREATE TABLE "seals"."seal_use" (
	"issuance_id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "seals"."seal_use_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"seal_id" text NOT NULL,
	"suite" text NOT NULL,
	"authorised_by_id" text NOT NULL,
	"authorised_by" text NOT NULL,
	"authorisation" text NOT NULL,
	"organ" text NOT NULL,
	"matter_id" text NOT NULL,
	"case_id" uuid,
	"act" text NOT NULL,
	"identifier" text NOT NULL,
	"document_digest" text NOT NULL,
	"content_digest" text NOT NULL,
	"signature" "bytea" NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "seal_use_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
ALTER TABLE "seals"."seal_grant" ADD CONSTRAINT "seal_grant_seal_id_seal_id_fk" FOREIGN KEY ("seal_id") REFERENCES "seals"."seal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "seals"."seal_use" ADD CONSTRAINT "seal_use_seal_id_seal_id_fk" FOREIGN KEY ("seal_id") REFERENCES "seals"."seal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "outbox_event_xid_index" ON "seals"."outbox_event" USING btree ("xid");--> statement-breakpoint
CREATE INDEX "seal_organ_index" ON "seals"."seal" USING btree ("organ");--> statement-breakpoint
CREATE INDEX "seal_use_organ_serial_index" ON "seals"."seal_use" USING btree ("organ","serial");--> statement-breakpoint
CREATE INDEX "seal_use_seal_id_serial_index" ON "seals"."seal_use" USING btree ("seal_id","serial");--> statement-breakpoint
CREATE INDEX "seal_use_identifier_index" ON "seals"."seal_use" USING btree ("identifier");