CREATE TABLE "seals"."revocation" (
	"serial" text PRIMARY KEY NOT NULL,
	"authority" text NOT NULL,
	"seal_id" text NOT NULL,
	"reason" text NOT NULL,
	"revoked_at" timestamp with time zone NOT NULL,
	"compromised_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "seals"."revocation_list" (
	"authority" text NOT NULL,
	"number" integer NOT NULL,
	"this_update" timestamp with time zone NOT NULL,
	"bytes" "bytea" NOT NULL,
	CONSTRAINT "revocation_list_authority_number_pk" PRIMARY KEY("authority","number")
);
--> statement-breakpoint
CREATE TABLE "seals"."seal_code" (
	"issuance_id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "seals"."seal_code_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"seal_id" text NOT NULL,
	"authorised_by_id" text NOT NULL,
	"authorised_by" text NOT NULL,
	"authorisation" text NOT NULL,
	"organ" text NOT NULL,
	"matter_id" text NOT NULL,
	"case_id" uuid,
	"act" text NOT NULL,
	"identifier" text NOT NULL,
	"content_digest" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"payload" text NOT NULL,
	"code" text NOT NULL,
	CONSTRAINT "seal_code_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "seals"."seal_code_key" (
	"seal_id" text PRIMARY KEY NOT NULL,
	"certificate_pem" text NOT NULL,
	"encrypted_key" "bytea" NOT NULL
);
--> statement-breakpoint
ALTER TABLE "seals"."authority" DROP CONSTRAINT "authority_pkey";--> statement-breakpoint
ALTER TABLE "seals"."authority" ADD COLUMN "generation" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "seals"."authority" ADD CONSTRAINT "authority_id_generation_pk" PRIMARY KEY("id","generation");--> statement-breakpoint
ALTER TABLE "seals"."revocation" ADD CONSTRAINT "revocation_seal_id_seal_id_fk" FOREIGN KEY ("seal_id") REFERENCES "seals"."seal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "seals"."seal_code" ADD CONSTRAINT "seal_code_seal_id_seal_id_fk" FOREIGN KEY ("seal_id") REFERENCES "seals"."seal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "seals"."seal_code_key" ADD CONSTRAINT "seal_code_key_seal_id_seal_id_fk" FOREIGN KEY ("seal_id") REFERENCES "seals"."seal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "seal_code_case_id_index" ON "seals"."seal_code" USING btree ("case_id");