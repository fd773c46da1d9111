CREATE TABLE "cases"."guide_fact" (
	"matter_id" text PRIMARY KEY NOT NULL,
	"fact" jsonb NOT NULL
);
