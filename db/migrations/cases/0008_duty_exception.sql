CREATE TABLE "cases"."duty_exception" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "cases"."duty_exception_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"organ" text NOT NULL,
	"kind" text NOT NULL,
	"person_id" text,
	"person_organ" text,
	"valid_from" date NOT NULL,
	"valid_to" date NOT NULL,
	"reason" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "duty_exception_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "cases"."duty_exception_end" (
	"exception_id" uuid PRIMARY KEY NOT NULL,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"reason" text NOT NULL,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "cases"."duty_exception" ADD CONSTRAINT "duty_exception_id_proposal_id_fk" FOREIGN KEY ("id") REFERENCES "cases"."proposal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."duty_exception_end" ADD CONSTRAINT "duty_exception_end_exception_id_duty_exception_id_fk" FOREIGN KEY ("exception_id") REFERENCES "cases"."duty_exception"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "duty_exception_organ_serial_index" ON "cases"."duty_exception" USING btree ("organ","serial");--> statement-breakpoint
CREATE INDEX "duty_exception_person_id_index" ON "cases"."duty_exception" USING btree ("person_id");
