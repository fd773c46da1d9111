CREATE TABLE "matters"."import_file" (
	"proposal_id" uuid PRIMARY KEY NOT NULL,
	"file" text NOT NULL,
	"differences" text[] NOT NULL
);
--> statement-breakpoint
CREATE TABLE "matters"."proposal" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "matters"."proposal_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"organ" text,
	"content" text NOT NULL,
	"proposed_by_id" text NOT NULL,
	"proposed_by" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "proposal_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "matters"."proposal_outcome" (
	"proposal_id" uuid PRIMARY KEY NOT NULL,
	"outcome" text NOT NULL,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"reason" text,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "matters"."import_file" ADD CONSTRAINT "import_file_proposal_id_proposal_id_fk" FOREIGN KEY ("proposal_id") REFERENCES "matters"."proposal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matters"."proposal_outcome" ADD CONSTRAINT "proposal_outcome_proposal_id_proposal_id_fk" FOREIGN KEY ("proposal_id") REFERENCES "matters"."proposal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "proposal_organ_serial_index" ON "matters"."proposal" USING btree ("organ","serial");
