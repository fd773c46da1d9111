CREATE TABLE "licenses"."license_serial" (
	"type_code" text NOT NULL,
	"uscc" text NOT NULL,
	"serial" text NOT NULL,
	"number" text NOT NULL,
	CONSTRAINT "license_serial_type_code_uscc_serial_pk" PRIMARY KEY("type_code","uscc","serial")
);
--> statement-breakpoint
CREATE TABLE "licenses"."number_series" (
	"series" text NOT NULL,
	"year" integer NOT NULL,
	"newest" integer NOT NULL,
	CONSTRAINT "number_series_series_year_pk" PRIMARY KEY("series","year")
);
--> statement-breakpoint
CREATE TABLE "licenses"."reserved_number" (
	"number" text PRIMARY KEY NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "license_serial_type_code_uscc_number_index" ON "licenses"."license_serial" USING btree ("type_code","uscc","number");--> statement-breakpoint
CREATE INDEX "license_number_find" ON "licenses"."license" USING btree (licenses.fold_text("number"));--> statement-breakpoint
-- Releases up to 0.4 wrote every number by division and year, and identifiers carried it as it is.
INSERT INTO "licenses"."number_series" SELECT division_code, year, newest FROM "licenses"."license_number";--> statement-breakpoint
INSERT INTO "licenses"."reserved_number" SELECT number FROM "licenses"."act" UNION SELECT number FROM "licenses"."lost_version";--> statement-breakpoint
INSERT INTO "licenses"."license_serial" SELECT DISTINCT split_part(identifier, '.', 6), split_part(identifier, '.', 7), number, number
	FROM (SELECT identifier, number FROM "licenses"."act" UNION SELECT identifier, number FROM "licenses"."lost_version") AS named;
