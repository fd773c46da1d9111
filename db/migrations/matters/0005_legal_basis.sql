CREATE TABLE "matters"."legal_basis" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "matters"."legal_basis_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"matter_id" text NOT NULL,
	"text" text,
	"source" text,
	"is_sample" boolean NOT NULL,
	"valid_from" date,
	"valid_to" date
);
--> statement-breakpoint
ALTER TABLE "matters"."organ" ADD COLUMN "document_mark" text;--> statement-breakpoint
ALTER TABLE "matters"."legal_basis" ADD CONSTRAINT "legal_basis_matter_id_matter_id_fk" FOREIGN KEY ("matter_id") REFERENCES "matters"."matter"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "legal_basis_matter_id_index" ON "matters"."legal_basis" USING btree ("matter_id");--> statement-breakpoint
ALTER TABLE "matters"."organ" ADD CONSTRAINT "organ_documentMark_unique" UNIQUE("document_mark");