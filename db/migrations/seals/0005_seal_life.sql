CREATE TABLE "seals"."seal_certificate" (
	"seal_id" text NOT NULL,
	"generation" integer NOT NULL,
	"certificate_pem" text NOT NULL,
	"above" text[],
	"encrypted_key" "bytea" NOT NULL,
	CONSTRAINT "seal_certificate_seal_id_generation_pk" PRIMARY KEY("seal_id","generation")
);
--> statement-breakpoint
CREATE TABLE "seals"."seal_grant_withdrawal" (
	"grant_id" uuid PRIMARY KEY NOT NULL,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "seals"."seal_application" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "seals"."seal_application_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"organ" text NOT NULL,
	"seal_id" text NOT NULL,
	"particulars" jsonb NOT NULL,
	"reason" text NOT NULL,
	"applied_by_id" text NOT NULL,
	"applied_by" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "seal_application_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "seals"."seal_application_outcome" (
	"application_id" uuid PRIMARY KEY NOT NULL,
	"outcome" text NOT NULL,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"reason" text,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "seals"."seal_grant" DROP CONSTRAINT "seal_grant_seal_id_matter_id_pk";--> statement-breakpoint
ALTER TABLE "seals"."seal_code_key" DROP CONSTRAINT "seal_code_key_pkey";--> statement-breakpoint
ALTER TABLE "seals"."seal" ADD COLUMN "filing_number" text;--> statement-breakpoint
ALTER TABLE "seals"."seal_code_key" ADD COLUMN "generation" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "seals"."seal_code_key" ADD CONSTRAINT "seal_code_key_seal_id_generation_pk" PRIMARY KEY("seal_id","generation");--> statement-breakpoint
ALTER TABLE "seals"."seal_event" ADD COLUMN "applied_by_id" text;--> statement-breakpoint
ALTER TABLE "seals"."seal_event" ADD COLUMN "applied_by" text;--> statement-breakpoint
ALTER TABLE "seals"."seal_event" ADD COLUMN "application_id" uuid;--> statement-breakpoint
ALTER TABLE "seals"."seal_grant" ADD COLUMN "id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL;--> statement-breakpoint
ALTER TABLE "seals"."seal_grant" ADD COLUMN "serial" bigint NOT NULL GENERATED ALWAYS AS IDENTITY (sequence name "seals"."seal_grant_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1);--> statement-breakpoint
ALTER TABLE "seals"."seal_grant" ADD COLUMN "person_id" text;--> statement-breakpoint
ALTER TABLE "seals"."seal_grant" ADD COLUMN "valid_from" date;--> statement-breakpoint
ALTER TABLE "seals"."seal_grant" ADD COLUMN "valid_to" date;--> statement-breakpoint
ALTER TABLE "seals"."seal_certificate" ADD CONSTRAINT "seal_certificate_seal_id_seal_id_fk" FOREIGN KEY ("seal_id") REFERENCES "seals"."seal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "seals"."seal_grant_withdrawal" ADD CONSTRAINT "seal_grant_withdrawal_grant_id_seal_grant_id_fk" FOREIGN KEY ("grant_id") REFERENCES "seals"."seal_grant"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "seals"."seal_application_outcome" ADD CONSTRAINT "seal_application_outcome_application_id_seal_application_id_fk" FOREIGN KEY ("application_id") REFERENCES "seals"."seal_application"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "seal_application_organ_serial_index" ON "seals"."seal_application" USING btree ("organ","serial");--> statement-breakpoint
CREATE INDEX "seal_application_seal_id_serial_index" ON "seals"."seal_application" USING btree ("seal_id","serial");--> statement-breakpoint
CREATE INDEX "seal_grant_seal_id_serial_index" ON "seals"."seal_grant" USING btree ("seal_id","serial");--> statement-breakpoint
INSERT INTO "seals"."seal_certificate" ("seal_id","generation","certificate_pem","encrypted_key") SELECT "id",1,"certificate_pem","encrypted_key" FROM "seals"."seal";--> statement-breakpoint
ALTER TABLE "seals"."seal" DROP COLUMN "certificate_pem";--> statement-breakpoint
ALTER TABLE "seals"."seal" DROP COLUMN "encrypted_key";