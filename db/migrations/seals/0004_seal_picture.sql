CREATE TABLE "seals"."seal_picture" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "seals"."seal_picture_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"seal_id" text NOT NULL,
	"digest" text,
	"png" "bytea",
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "seals"."seal_picture" ADD CONSTRAINT "seal_picture_seal_id_seal_id_fk" FOREIGN KEY ("seal_id") REFERENCES "seals"."seal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "seal_picture_seal_id_serial_index" ON "seals"."seal_picture" USING btree ("seal_id","serial");--> statement-breakpoint
CREATE INDEX "seal_picture_digest_index" ON "seals"."seal_picture" USING btree ("digest");