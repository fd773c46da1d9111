CREATE TABLE "cases"."license_key" (
	"key" text PRIMARY KEY NOT NULL,
	"number" text NOT NULL
);
--> statement-breakpoint
INSERT INTO "cases"."license_key" SELECT left(fact->>'identifier', -6), number FROM "cases"."license_fact" ON CONFLICT DO NOTHING;
