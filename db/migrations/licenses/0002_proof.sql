CREATE SEQUENCE "licenses"."status_index" INCREMENT BY 1 MINVALUE 0 MAXVALUE 2147483647 START WITH 0 CACHE 1;--> statement-breakpoint
CREATE TABLE "licenses"."evidence_bundle" (
	"identifier" text NOT NULL,
	"seq" integer NOT NULL,
	"bundle" text NOT NULL,
	"stamped_at" timestamp with time zone NOT NULL,
	CONSTRAINT "evidence_bundle_identifier_seq_pk" PRIMARY KEY("identifier","seq")
);
--> statement-breakpoint
CREATE TABLE "licenses"."status_list" (
	"published_at" timestamp with time zone PRIMARY KEY NOT NULL,
	"text" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "licenses"."act" ADD COLUMN "code" text;--> statement-breakpoint
ALTER TABLE "licenses"."act" ADD COLUMN "rendered" "bytea";--> statement-breakpoint
ALTER TABLE "licenses"."license_version" ADD COLUMN "code" text;--> statement-breakpoint
ALTER TABLE "licenses"."license_version" ADD COLUMN "status_index" integer;--> statement-breakpoint
CREATE INDEX "evidence_bundle_stamped_at_index" ON "licenses"."evidence_bundle" USING btree ("stamped_at");--> statement-breakpoint
ALTER TABLE "licenses"."license_version" ADD CONSTRAINT "license_version_statusIndex_unique" UNIQUE("status_index");