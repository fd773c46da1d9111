CREATE TABLE "licenses"."lost_version" (
	"identifier" text PRIMARY KEY NOT NULL,
	"number" text NOT NULL,
	"version" integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX "lost_version_number_index" ON "licenses"."lost_version" USING btree ("number");