CREATE TABLE "cases"."license_type_fact" (
	"code" text PRIMARY KEY NOT NULL,
	"fact" jsonb NOT NULL
);
