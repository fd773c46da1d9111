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
CREATE INDEX "duty_opened_at_index" ON "cases"."duty" USING btree ("opened_at") WHERE closed_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "finding_organ_request_key_index" ON "cases"."finding" USING btree ("organ","request_key");--> statement-breakpoint
CREATE INDEX "finding_case_id_serial_index" ON "cases"."finding" USING btree ("case_id","serial");--> statement-breakpoint
CREATE INDEX "finding_organ_serial_index" ON "cases"."finding" USING btree ("organ","serial");--> statement-breakpoint
CREATE UNIQUE INDEX "push_case_id_level_index" ON "cases"."push" USING btree ("case_id","level");--> statement-breakpoint
CREATE INDEX "push_organ_serial_index" ON "cases"."push" USING btree ("organ","serial");--> statement-breakpoint
CREATE INDEX "push_due_on_index" ON "cases"."push" USING btree ("due_on") WHERE reached_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "webhook_organ_index" ON "cases"."webhook" USING btree ("organ") WHERE ended_at is null;