CREATE TABLE "matters"."outcome" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "matters"."outcome_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"matter_id" text NOT NULL,
	"license_action" text,
	"outcome" jsonb NOT NULL,
	"valid_from" date,
	"valid_to" date
);
--> statement-breakpoint
CREATE TABLE "matters"."delegation_change" (
	"import_id" uuid NOT NULL,
	"seq" integer NOT NULL,
	"line" integer NOT NULL,
	"matter_id" text NOT NULL,
	"valid_from" date NOT NULL,
	"running_cases" text,
	"fields" jsonb NOT NULL,
	CONSTRAINT "delegation_change_import_id_seq_pk" PRIMARY KEY("import_id","seq")
);
--> statement-breakpoint
CREATE TABLE "matters"."delegation_import" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "matters"."delegation_import_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"imported_at" timestamp with time zone NOT NULL,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"basis" text,
	"digest" text NOT NULL,
	"changed" integer NOT NULL,
	"unchanged" integer NOT NULL,
	CONSTRAINT "delegation_import_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "matters"."guide_overlay" (
	"matter_id" text NOT NULL,
	"version" integer NOT NULL,
	"division_code" text NOT NULL,
	"revision" integer NOT NULL,
	"overlay" jsonb NOT NULL,
	"carried_from" integer,
	"valid_from" date NOT NULL,
	"digest" text NOT NULL,
	"published_at" timestamp with time zone NOT NULL,
	"published_by" text NOT NULL,
	CONSTRAINT "guide_overlay_matter_id_version_division_code_revision_pk" PRIMARY KEY("matter_id","version","division_code","revision")
);
--> statement-breakpoint
CREATE TABLE "matters"."guide_version" (
	"matter_id" text NOT NULL,
	"version" integer NOT NULL,
	"guide" jsonb NOT NULL,
	"valid_from" date NOT NULL,
	"digest" text NOT NULL,
	"published_at" timestamp with time zone NOT NULL,
	"published_by" text NOT NULL,
	CONSTRAINT "guide_version_matter_id_version_pk" PRIMARY KEY("matter_id","version")
);
--> statement-breakpoint
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
ALTER TABLE "matters"."delegation" ALTER COLUMN "mode" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "matters"."delegation" ADD COLUMN "running_cases" text NOT NULL DEFAULT 'FOLLOW';--> statement-breakpoint
ALTER TABLE "matters"."delegation" ALTER COLUMN "running_cases" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "matters"."outcome" ADD CONSTRAINT "outcome_matter_id_matter_id_fk" FOREIGN KEY ("matter_id") REFERENCES "matters"."matter"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matters"."delegation_change" ADD CONSTRAINT "delegation_change_import_id_delegation_import_id_fk" FOREIGN KEY ("import_id") REFERENCES "matters"."delegation_import"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matters"."guide_overlay" ADD CONSTRAINT "guide_overlay_matter_id_version_guide_version_matter_id_version_fk" FOREIGN KEY ("matter_id","version") REFERENCES "matters"."guide_version"("matter_id","version") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matters"."task_report" ADD CONSTRAINT "task_report_number_task_number_fk" FOREIGN KEY ("number") REFERENCES "matters"."task"("number") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "outcome_matter_id_index" ON "matters"."outcome" USING btree ("matter_id");--> statement-breakpoint
CREATE INDEX "task_report_number_serial_index" ON "matters"."task_report" USING btree ("number","serial");--> statement-breakpoint
-- What stood in the matter stands from the beginning of its delegations.
INSERT INTO "matters"."outcome" ("matter_id", "license_action", "outcome", "valid_from", "valid_to")
SELECT m."id", m."license_action", m."outcome", (SELECT min(d."valid_from") FROM "matters"."delegation" d WHERE d."matter_id" = m."id"), NULL FROM "matters"."matter" m;--> statement-breakpoint
ALTER TABLE "matters"."matter" DROP COLUMN "license_action";--> statement-breakpoint
ALTER TABLE "matters"."matter" DROP COLUMN "outcome";--> statement-breakpoint
ALTER TABLE "matters"."matter" DROP COLUMN "row_digest";