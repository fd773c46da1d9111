CREATE TABLE "cases"."document_number" (
	"mark" text NOT NULL,
	"year" text NOT NULL,
	"newest" integer NOT NULL,
	CONSTRAINT "document_number_mark_year_pk" PRIMARY KEY("mark","year")
);
--> statement-breakpoint
DROP TABLE "cases"."notice_number" CASCADE;