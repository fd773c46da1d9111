CREATE TABLE "licenses"."duty" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"identifier" text NOT NULL,
	"name" text NOT NULL,
	"organs" text[] NOT NULL,
	"division_code" text NOT NULL,
	"reason" text,
	"opened_at" timestamp with time zone NOT NULL,
	"closed_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "licenses"."supervision_order" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "licenses"."supervision_order_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"number" text NOT NULL,
	"issuer" text NOT NULL,
	"act" text NOT NULL,
	"reason" text NOT NULL,
	"supervisor" jsonb NOT NULL,
	"supervisor_id" text NOT NULL,
	"ordered_at" timestamp with time zone NOT NULL,
	"state" text NOT NULL,
	"answer" text,
	"answered_by" text,
	"answered_at" timestamp with time zone,
	CONSTRAINT "supervision_order_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
ALTER TABLE "licenses"."act" ADD COLUMN "order_id" uuid;--> statement-breakpoint
ALTER TABLE "licenses"."certificate_task" ADD COLUMN "counters" text[] NOT NULL DEFAULT '{}';--> statement-breakpoint
UPDATE "licenses"."certificate_task" SET "counters" = array["issuer"->>'id'];--> statement-breakpoint
ALTER TABLE "licenses"."certificate_task" ALTER COLUMN "counters" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "licenses"."certificate_task" ADD COLUMN "voided_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "licenses"."certificate_task" ADD COLUMN "voided_by" text;--> statement-breakpoint
ALTER TABLE "licenses"."certificate_task" ADD COLUMN "void_reason" text;--> statement-breakpoint
ALTER TABLE "licenses"."license" ADD COLUMN "counters" text[] NOT NULL DEFAULT '{}';--> statement-breakpoint
UPDATE "licenses"."license" SET "counters" = array["issuer"->>'id'];--> statement-breakpoint
ALTER TABLE "licenses"."license" ALTER COLUMN "counters" DROP DEFAULT;--> statement-breakpoint
CREATE INDEX "supervision_order_number_index" ON "licenses"."supervision_order" USING btree ("number") WHERE state = 'OPEN';--> statement-breakpoint
CREATE INDEX "supervision_order_issuer_serial_index" ON "licenses"."supervision_order" USING btree ("issuer","serial");--> statement-breakpoint
CREATE INDEX "supervision_order_supervisor_id_serial_index" ON "licenses"."supervision_order" USING btree ("supervisor_id","serial");--> statement-breakpoint
CREATE INDEX "certificate_task_license" ON "licenses"."certificate_task" USING btree (("content"->>'licenseNumber'));