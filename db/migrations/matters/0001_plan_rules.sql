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
ALTER TABLE "matters"."guide_overlay" ADD CONSTRAINT "guide_overlay_matter_id_version_guide_version_matter_id_version_fk" FOREIGN KEY ("matter_id","version") REFERENCES "matters"."guide_version"("matter_id","version") ON DELETE no action ON UPDATE no action;