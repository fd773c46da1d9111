CREATE TABLE "licenses"."license_type" (
	"code" text PRIMARY KEY NOT NULL,
	"fact" jsonb NOT NULL
);
