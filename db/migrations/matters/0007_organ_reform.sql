CREATE TABLE "matters"."organ_name" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "matters"."organ_name_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"reform_id" uuid NOT NULL,
	"organ" text NOT NULL,
	"name" text NOT NULL,
	"valid_from" date NOT NULL
);
--> statement-breakpoint
CREATE TABLE "matters"."organ_reform" (
	"id" uuid PRIMARY KEY NOT NULL,
	"imported_at" timestamp with time zone NOT NULL,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"basis" text,
	"digest" text NOT NULL,
	"changed" integer NOT NULL,
	"unchanged" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "matters"."organ_succession" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "matters"."organ_succession_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"reform_id" uuid NOT NULL,
	"organ" text NOT NULL,
	"successor" text NOT NULL,
	"valid_from" date NOT NULL,
	"matters" text[]
);
--> statement-breakpoint
ALTER TABLE "matters"."organ_name" ADD CONSTRAINT "organ_name_reform_id_organ_reform_id_fk" FOREIGN KEY ("reform_id") REFERENCES "matters"."organ_reform"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matters"."organ_succession" ADD CONSTRAINT "organ_succession_reform_id_organ_reform_id_fk" FOREIGN KEY ("reform_id") REFERENCES "matters"."organ_reform"("id") ON DELETE no action ON UPDATE no action;