CREATE TABLE "cases"."takeover" (
	"at" timestamp with time zone PRIMARY KEY NOT NULL,
	"operator" text NOT NULL
);
