CREATE TABLE "cases"."reading" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "cases"."reading_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"subject" text NOT NULL,
	"number" text NOT NULL,
	"holder_code" text NOT NULL,
	"object" text NOT NULL,
	"object_id" text NOT NULL,
	"reader_id" text NOT NULL,
	"reader" text NOT NULL,
	"organ" text,
	"purpose" text,
	"remark" text,
	"delivery" text,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "reading_delivery_unique" UNIQUE("delivery")
);--> statement-breakpoint
CREATE INDEX "reading_subject_serial_index" ON "cases"."reading" USING btree ("subject","serial");--> statement-breakpoint
CREATE INDEX "reading_holder_code_serial_index" ON "cases"."reading" USING btree ("holder_code","serial");--> statement-breakpoint
CREATE INDEX "reading_organ_serial_index" ON "cases"."reading" USING btree ("organ","serial");--> statement-breakpoint
CREATE INDEX "reading_reader_id_serial_index" ON "cases"."reading" USING btree ("reader_id","serial");--> statement-breakpoint
-- The reads of materials that earlier releases recorded. Their purpose is in the words of the reader.
INSERT INTO "cases"."reading" ("serial", "subject", "number", "holder_code", "object", "object_id", "reader_id", "reader", "organ", "remark", "at")
OVERRIDING SYSTEM VALUE
SELECT r."serial", r."case_id"::text, f."number", f."applicant_code", 'MATERIAL', r."upload_id"::text, r."reader_id", r."reader", r."organ", r."purpose", r."at"
FROM "cases"."material_read" r JOIN "cases"."case_file" f ON f."id" = r."case_id" ORDER BY r."serial";--> statement-breakpoint
SELECT setval(pg_get_serial_sequence('"cases"."reading"', 'serial'), (SELECT max("serial") FROM "cases"."reading"));--> statement-breakpoint
DROP TABLE "cases"."material_read";
