CREATE TABLE "licenses"."proposal" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "licenses"."proposal_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"organ" text,
	"content" text NOT NULL,
	"proposed_by_id" text NOT NULL,
	"proposed_by" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "proposal_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "licenses"."proposal_license" (
	"proposal_id" uuid PRIMARY KEY NOT NULL,
	"number" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "licenses"."proposal_outcome" (
	"proposal_id" uuid PRIMARY KEY NOT NULL,
	"outcome" text NOT NULL,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"reason" text,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "licenses"."act" ADD COLUMN "proposal_id" uuid;--> statement-breakpoint
ALTER TABLE "licenses"."proposal_license" ADD CONSTRAINT "proposal_license_proposal_id_proposal_id_fk" FOREIGN KEY ("proposal_id") REFERENCES "licenses"."proposal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "licenses"."proposal_outcome" ADD CONSTRAINT "proposal_outcome_proposal_id_proposal_id_fk" FOREIGN KEY ("proposal_id") REFERENCES "licenses"."proposal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "proposal_organ_serial_index" ON "licenses"."proposal" USING btree ("organ","serial");--> statement-breakpoint
CREATE INDEX "proposal_license_number_index" ON "licenses"."proposal_license" USING btree ("number");--> statement-breakpoint
ALTER TABLE "licenses"."act" ADD CONSTRAINT "act_proposalId_unique" UNIQUE("proposal_id");