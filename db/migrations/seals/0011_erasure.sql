CREATE TABLE "seals"."erasure" (
	"issuance_id" uuid PRIMARY KEY NOT NULL,
	"identifier" text NOT NULL,
	"basis" text NOT NULL,
	"ordered_by" text NOT NULL,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX "erasure_identifier_index" ON "seals"."erasure" USING btree ("identifier");