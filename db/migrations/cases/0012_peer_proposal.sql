CREATE TABLE "cases"."peer_proposal" (
	"proposal_id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"organ" text,
	"roles" text[] NOT NULL,
	"proposed_by_id" text NOT NULL,
	"subject" text NOT NULL,
	"case_id" uuid,
	"license" text,
	"proposed_at" timestamp with time zone NOT NULL,
	"lapses_at" timestamp with time zone,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
CREATE INDEX "peer_proposal_organ_proposed_at_index" ON "cases"."peer_proposal" USING btree ("organ","proposed_at") WHERE ended_at is null;