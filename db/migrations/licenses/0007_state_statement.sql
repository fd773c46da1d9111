CREATE TABLE "licenses"."state_statement" (
	"identifier" text PRIMARY KEY NOT NULL,
	"text" text NOT NULL
);
