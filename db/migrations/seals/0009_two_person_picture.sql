CREATE TABLE "seals"."seal_application_picture" (
	"application_id" uuid PRIMARY KEY NOT NULL,
	"png" "bytea" NOT NULL
);
--> statement-breakpoint
ALTER TABLE "seals"."seal_picture" ADD COLUMN "application_id" uuid;--> statement-breakpoint
ALTER TABLE "seals"."seal_application_picture" ADD CONSTRAINT "seal_application_picture_application_id_seal_application_id_fk" FOREIGN KEY ("application_id") REFERENCES "seals"."seal_application"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "seals"."seal_picture" ADD CONSTRAINT "seal_picture_application_id_seal_application_id_fk" FOREIGN KEY ("application_id") REFERENCES "seals"."seal_application"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
-- Up to release 0.4 one person set a picture. Those rows stay, and no such row can be added.
ALTER TABLE "seals"."seal_picture" ADD CONSTRAINT "seal_picture_application" CHECK ("seals"."seal_picture"."application_id" is not null) NOT VALID;
