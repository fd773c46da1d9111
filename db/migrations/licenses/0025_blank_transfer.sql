CREATE TABLE "licenses"."blank_transfer" (
	"proposal_id" uuid PRIMARY KEY NOT NULL,
	"prefix" text NOT NULL,
	"first" integer NOT NULL,
	"last" integer NOT NULL,
	"organ" text NOT NULL,
	"receiver" text NOT NULL,
	CONSTRAINT "blank_transfer_range" CHECK ("licenses"."blank_transfer"."first" between 1 and "licenses"."blank_transfer"."last"),
	CONSTRAINT "blank_transfer_organs" CHECK ("licenses"."blank_transfer"."organ" <> "licenses"."blank_transfer"."receiver")
);
--> statement-breakpoint
ALTER TABLE "licenses"."blank" DROP CONSTRAINT "blank_carries";--> statement-breakpoint
ALTER TABLE "licenses"."blank_entry" ADD COLUMN "organ" text;--> statement-breakpoint
ALTER TABLE "licenses"."blank_transfer" ADD CONSTRAINT "blank_transfer_proposal_id_proposal_id_fk" FOREIGN KEY ("proposal_id") REFERENCES "licenses"."proposal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "blank_transfer_organ_index" ON "licenses"."blank_transfer" USING btree ("organ");--> statement-breakpoint
ALTER TABLE "licenses"."blank" ADD CONSTRAINT "blank_carries" CHECK (("licenses"."blank"."state" in ('IN_STOCK', 'IN_TRANSIT', 'VOIDED')) = ("licenses"."blank"."identifier" is null));