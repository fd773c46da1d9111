CREATE TABLE "licenses"."blank_box" (
	"prefix" text NOT NULL,
	"first" integer NOT NULL,
	"last" integer NOT NULL,
	"organ" text NOT NULL,
	"license_type" text,
	"actor" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "blank_box_prefix_first_pk" PRIMARY KEY("prefix","first"),
	CONSTRAINT "blank_box_range" CHECK ("licenses"."blank_box"."first" between 1 and "licenses"."blank_box"."last")
);
--> statement-breakpoint
ALTER TABLE "licenses"."blank" ADD COLUMN "license_type" text;--> statement-breakpoint
-- Releases up to 0.4 received each box by one call, at one instant.
INSERT INTO "licenses"."blank_box" SELECT left(e.number, -8), min(right(e.number, 8)::int), max(right(e.number, 8)::int), b.organ, NULL, min(e.actor), e.at
	FROM "licenses"."blank_entry" e JOIN "licenses"."blank" b ON b.number = e.number WHERE e.seq = 1 GROUP BY left(e.number, -8), b.organ, e.at;
