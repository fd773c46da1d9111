CREATE TABLE "matters"."task" (
	"number" integer PRIMARY KEY NOT NULL,
	"task" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "matters"."task_report" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "matters"."task_report_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"number" integer NOT NULL,
	"state" text NOT NULL,
	"percent" integer NOT NULL,
	"note" text,
	"organ" text NOT NULL,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "matters"."task_report" ADD CONSTRAINT "task_report_number_task_number_fk" FOREIGN KEY ("number") REFERENCES "matters"."task"("number") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "task_report_number_serial_index" ON "matters"."task_report" USING btree ("number","serial");