CREATE TABLE "licenses"."sweep_confirmation" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "licenses"."sweep_confirmation_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp with time zone NOT NULL,
	"newest_at" timestamp with time zone,
	"confirmed_by" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "licenses"."renewal" ADD COLUMN "case_number" text NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."renewal" ADD COLUMN "accepted_on" date NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."renewal" ADD COLUMN "is_held" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "renewal_running" ON "licenses"."renewal" USING btree ("until") WHERE "licenses"."renewal"."is_running";--> statement-breakpoint
CREATE INDEX "renewal_held" ON "licenses"."renewal" USING btree ("number") WHERE "licenses"."renewal"."is_held";