CREATE TABLE "licenses"."proposal_subject" (
	"proposal_id" uuid PRIMARY KEY NOT NULL,
	"subject" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "licenses"."proposal_subject" ADD CONSTRAINT "proposal_subject_proposal_id_proposal_id_fk" FOREIGN KEY ("proposal_id") REFERENCES "licenses"."proposal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "proposal_subject_subject_index" ON "licenses"."proposal_subject" USING btree ("subject");