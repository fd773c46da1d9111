CREATE TABLE "matters"."license_type_version" (
	"code" text NOT NULL,
	"version" integer NOT NULL,
	"type" jsonb NOT NULL,
	"valid_from" date NOT NULL,
	"digest" text NOT NULL,
	"published_at" timestamp with time zone NOT NULL,
	"published_by" text NOT NULL,
	CONSTRAINT "license_type_version_code_version_pk" PRIMARY KEY("code","version")
);
