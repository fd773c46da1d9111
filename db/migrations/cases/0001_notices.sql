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
ALTER TABLE "cases"."decision_seal" ADD CONSTRAINT "decision_seal_notice_id_notice_id_fk" FOREIGN KEY ("notice_id") REFERENCES "cases"."notice"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "decision_seal_state_leased_until_index" ON "cases"."decision_seal" USING btree ("state","leased_until");--> statement-breakpoint
CREATE INDEX "notice_case_id_serial_index" ON "cases"."notice" USING btree ("case_id","serial");