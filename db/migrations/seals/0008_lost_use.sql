CREATE TABLE "seals"."lost_use" (
	"kind" text NOT NULL,
	"issuance_id" uuid NOT NULL,
	"case_id" uuid,
	"identifier" text NOT NULL,
	CONSTRAINT "lost_use_kind_issuance_id_pk" PRIMARY KEY("kind","issuance_id")
);
--> statement-breakpoint
CREATE INDEX "lost_use_case_id_index" ON "seals"."lost_use" USING btree ("case_id");--> statement-breakpoint
CREATE INDEX "lost_use_identifier_index" ON "seals"."lost_use" USING btree ("identifier");