CREATE TABLE "cases"."acceptance_seal" (
	"organ" text PRIMARY KEY NOT NULL,
	"required_since" timestamp with time zone NOT NULL
);
