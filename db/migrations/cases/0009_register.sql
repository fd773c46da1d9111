CREATE TABLE "cases"."appointment" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "cases"."appointment_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"issuer" text NOT NULL,
	"subject" text NOT NULL,
	"name" text NOT NULL,
	"organ" text,
	"roles" text[] NOT NULL,
	"window" text,
	"valid_from" timestamp with time zone NOT NULL,
	"valid_to" timestamp with time zone,
	"source" text NOT NULL,
	"proposed_by_id" text NOT NULL,
	"proposed_by" text NOT NULL,
	"approved_by_id" text NOT NULL,
	"approved_by" text NOT NULL,
	"recorded_at" timestamp with time zone NOT NULL,
	CONSTRAINT "appointment_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "cases"."appointment_end" (
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "cases"."appointment_end_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"appointment_id" uuid NOT NULL,
	"ended_at" timestamp with time zone NOT NULL,
	"reason" text,
	"proposed_by_id" text NOT NULL,
	"proposed_by" text NOT NULL,
	"approved_by_id" text NOT NULL,
	"approved_by" text NOT NULL,
	"recorded_at" timestamp with time zone NOT NULL,
	CONSTRAINT "appointment_end_appointment_id_serial_pk" PRIMARY KEY("appointment_id","serial")
);
--> statement-breakpoint
CREATE TABLE "cases"."session_end" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "cases"."session_end_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"subject" text NOT NULL,
	"ended_at" timestamp with time zone NOT NULL,
	"reason" text,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "cases"."appointment_end" ADD CONSTRAINT "appointment_end_appointment_id_appointment_id_fk" FOREIGN KEY ("appointment_id") REFERENCES "cases"."appointment"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "appointment_subject_index" ON "cases"."appointment" USING btree ("subject");--> statement-breakpoint
CREATE INDEX "appointment_organ_serial_index" ON "cases"."appointment" USING btree ("organ","serial");--> statement-breakpoint
CREATE INDEX "session_end_subject_ended_at_index" ON "cases"."session_end" USING btree ("subject","ended_at");