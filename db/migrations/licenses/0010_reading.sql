CREATE TABLE "licenses"."reading" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "licenses"."reading_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
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
);
--> statement-breakpoint
CREATE INDEX "reading_subject_serial_index" ON "licenses"."reading" USING btree ("subject","serial");--> statement-breakpoint
CREATE INDEX "reading_holder_code_serial_index" ON "licenses"."reading" USING btree ("holder_code","serial");--> statement-breakpoint
CREATE INDEX "reading_organ_serial_index" ON "licenses"."reading" USING btree ("organ","serial");--> statement-breakpoint
CREATE INDEX "reading_reader_id_serial_index" ON "licenses"."reading" USING btree ("reader_id","serial");