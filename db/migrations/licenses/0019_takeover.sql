ALTER TABLE "licenses"."license" ADD COLUMN "head_from" date;--> statement-breakpoint
ALTER TABLE "licenses"."license" ADD COLUMN "earlier_identifier" text;--> statement-breakpoint
ALTER TABLE "licenses"."license_version" ADD COLUMN "superseded_from" date;--> statement-breakpoint
CREATE INDEX "license_version_superseded" ON "licenses"."license_version" USING btree ("superseded_from") WHERE "licenses"."license_version"."superseded_from" is not null;