CREATE TABLE "cases"."case_material" (
	"case_id" uuid NOT NULL,
	"seq" integer NOT NULL,
	"code" text NOT NULL,
	"name" text NOT NULL,
	"form" text,
	"kind" text NOT NULL,
	"upload_id" uuid,
	"license_identifier" text,
	"license_version" integer,
	"license_state" text,
	"copies" integer,
	"added_at" timestamp with time zone NOT NULL,
	"actor_id" text NOT NULL,
	"actor" text NOT NULL,
	"organ" text,
	CONSTRAINT "case_material_case_id_seq_pk" PRIMARY KEY("case_id","seq"),
	CONSTRAINT "case_material_uploadId_unique" UNIQUE("upload_id"),
	CONSTRAINT "one_source" CHECK (("cases"."case_material"."kind" = 'UPLOAD') = ("cases"."case_material"."upload_id" is not null) and ("cases"."case_material"."kind" = 'LICENSE') = ("cases"."case_material"."license_identifier" is not null)
        and ("cases"."case_material"."kind" = 'PAPER') = ("cases"."case_material"."copies" is not null))
);
--> statement-breakpoint
CREATE TABLE "cases"."material_file" (
	"digest" text PRIMARY KEY NOT NULL,
	"bytes" "bytea",
	"media_type" text NOT NULL,
	"size_bytes" integer NOT NULL,
	"state" text NOT NULL,
	"tried_at" timestamp with time zone NOT NULL,
	CONSTRAINT "bytes_unless_infected" CHECK (("cases"."material_file"."bytes" is null) = ("cases"."material_file"."state" = 'INFECTED'))
);
--> statement-breakpoint
CREATE TABLE "cases"."material_read" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "cases"."material_read_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"upload_id" uuid NOT NULL,
	"case_id" uuid NOT NULL,
	"reader_id" text NOT NULL,
	"reader" text NOT NULL,
	"organ" text,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cases"."material_upload" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "cases"."material_upload_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"digest" text NOT NULL,
	"name" text NOT NULL,
	"uploader_id" text NOT NULL,
	"holder_code" text,
	"uploaded_at" timestamp with time zone NOT NULL,
	"attached_at" timestamp with time zone,
	CONSTRAINT "material_upload_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
ALTER TABLE "cases"."case_material" ADD CONSTRAINT "case_material_case_id_case_file_id_fk" FOREIGN KEY ("case_id") REFERENCES "cases"."case_file"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."case_material" ADD CONSTRAINT "case_material_upload_id_material_upload_id_fk" FOREIGN KEY ("upload_id") REFERENCES "cases"."material_upload"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."material_read" ADD CONSTRAINT "material_read_upload_id_material_upload_id_fk" FOREIGN KEY ("upload_id") REFERENCES "cases"."material_upload"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."material_read" ADD CONSTRAINT "material_read_case_id_case_file_id_fk" FOREIGN KEY ("case_id") REFERENCES "cases"."case_file"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."material_upload" ADD CONSTRAINT "material_upload_digest_material_file_digest_fk" FOREIGN KEY ("digest") REFERENCES "cases"."material_file"("digest") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "material_file_tried_at_index" ON "cases"."material_file" USING btree ("tried_at") WHERE state = 'PENDING_SCAN';--> statement-breakpoint
CREATE INDEX "material_read_case_id_serial_index" ON "cases"."material_read" USING btree ("case_id","serial");--> statement-breakpoint
CREATE INDEX "material_upload_uploader_id_serial_index" ON "cases"."material_upload" USING btree ("uploader_id","serial") WHERE attached_at is null;--> statement-breakpoint
CREATE INDEX "material_upload_uploaded_at_index" ON "cases"."material_upload" USING btree ("uploaded_at") WHERE attached_at is null;--> statement-breakpoint
CREATE INDEX "material_upload_digest_index" ON "cases"."material_upload" USING btree ("digest");