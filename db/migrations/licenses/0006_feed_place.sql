CREATE TABLE "licenses"."license_change" (
	"place" bigint PRIMARY KEY NOT NULL,
	"stream" text NOT NULL,
	"revision" integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "license_change_stream_revision_index" ON "licenses"."license_change" USING btree ("stream","revision");--> statement-breakpoint
-- The order of the feed of earlier releases, so that cursors that they gave out stay valid.
INSERT INTO "licenses"."license_change" ("place", "stream", "revision")
SELECT row_number() OVER (ORDER BY "xid", "stream", "revision"), "stream", "revision"
FROM "licenses"."outbox_event" WHERE "type" = 'LicenseChanged';
