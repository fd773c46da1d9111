CREATE TABLE "cases"."calendar_notice" (
	"id" uuid PRIMARY KEY NOT NULL,
	"year" integer NOT NULL,
	"version" integer NOT NULL,
	"source" text NOT NULL,
	"holidays" jsonb NOT NULL,
	"make_up_days" jsonb NOT NULL,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"loaded_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cases"."case_figure" (
	"case_id" uuid PRIMARY KEY NOT NULL,
	"organ" text,
	"mode" text NOT NULL,
	"accepted_on" date,
	"silent_until" date,
	"closed_on" date,
	"outcome" text,
	"working_days" integer,
	"due_on" date,
	"on_time" boolean,
	"missing_year" integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX "calendar_notice_year_version_index" ON "cases"."calendar_notice" USING btree ("year","version");--> statement-breakpoint
CREATE INDEX "case_figure_accepted_on_index" ON "cases"."case_figure" USING btree ("accepted_on");--> statement-breakpoint
CREATE INDEX "case_figure_closed_on_index" ON "cases"."case_figure" USING btree ("closed_on");