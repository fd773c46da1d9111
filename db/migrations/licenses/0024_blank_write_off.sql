CREATE TABLE "licenses"."blank_write_off" (
	"proposal_id" uuid PRIMARY KEY NOT NULL,
	"prefix" text NOT NULL,
	"first" integer NOT NULL,
	"last" integer NOT NULL,
	"organ" text NOT NULL,
	"reason" text NOT NULL,
	"remark" text NOT NULL,
	"actor" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "blank_write_off_range" CHECK ("licenses"."blank_write_off"."first" between 1 and "licenses"."blank_write_off"."last")
);
--> statement-breakpoint
ALTER TABLE "licenses"."blank_entry" ADD COLUMN "proposal_id" uuid;--> statement-breakpoint
ALTER TABLE "licenses"."blank_write_off" ADD CONSTRAINT "blank_write_off_proposal_id_proposal_id_fk" FOREIGN KEY ("proposal_id") REFERENCES "licenses"."proposal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "licenses"."blank_entry" ADD CONSTRAINT "blank_entry_proposal_id_proposal_id_fk" FOREIGN KEY ("proposal_id") REFERENCES "licenses"."proposal"("id") ON DELETE no action ON UPDATE no action;