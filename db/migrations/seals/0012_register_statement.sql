CREATE TABLE "seals"."register_statement" (
	"id" uuid PRIMARY KEY NOT NULL,
	"text" text NOT NULL,
	"at" timestamp with time zone NOT NULL
);
