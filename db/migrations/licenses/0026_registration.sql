CREATE TABLE "licenses"."matter_fact" (
	"matter_id" text PRIMARY KEY NOT NULL,
	"fact" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "licenses"."registration_file" (
	"proposal_id" uuid PRIMARY KEY NOT NULL,
	"digest" text NOT NULL,
	"bytes" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "licenses"."registration_line" (
	"proposal_id" uuid NOT NULL,
	"place" integer NOT NULL,
	"act_id" uuid NOT NULL,
	"number" text NOT NULL,
	"identifier" text NOT NULL,
	"record" jsonb NOT NULL,
	"record_digest" text NOT NULL,
	CONSTRAINT "registration_line_proposal_id_place_pk" PRIMARY KEY("proposal_id","place"),
	CONSTRAINT "registration_line_actId_unique" UNIQUE("act_id"),
	CONSTRAINT "registration_line_number_unique" UNIQUE("number")
);
--> statement-breakpoint
CREATE TABLE "licenses"."registration_progress" (
	"proposal_id" uuid PRIMARY KEY NOT NULL,
	"approved_at" timestamp with time zone NOT NULL,
	"organs" jsonb NOT NULL,
	"total" bigint NOT NULL,
	"entered" bigint NOT NULL,
	"done_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "licenses"."license_version" ALTER COLUMN "case_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."license_version" ALTER COLUMN "signature_digest" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."license_version" ALTER COLUMN "seal_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."registration_file" ADD CONSTRAINT "registration_file_proposal_id_proposal_id_fk" FOREIGN KEY ("proposal_id") REFERENCES "licenses"."proposal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "licenses"."registration_line" ADD CONSTRAINT "registration_line_proposal_id_proposal_id_fk" FOREIGN KEY ("proposal_id") REFERENCES "licenses"."proposal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "licenses"."registration_progress" ADD CONSTRAINT "registration_progress_proposal_id_proposal_id_fk" FOREIGN KEY ("proposal_id") REFERENCES "licenses"."proposal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "registration_file_digest_index" ON "licenses"."registration_file" USING btree ("digest");--> statement-breakpoint
ALTER TABLE "licenses"."license_version" ADD CONSTRAINT "license_version_sealed" CHECK (num_nulls("licenses"."license_version"."case_id", "licenses"."license_version"."signature_digest", "licenses"."license_version"."seal_id") in (0, 3));