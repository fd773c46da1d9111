CREATE TABLE "cases"."organ_fact" (
	"id" text PRIMARY KEY NOT NULL,
	"fact" jsonb NOT NULL
);
