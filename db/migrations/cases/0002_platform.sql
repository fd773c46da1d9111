CREATE TABLE "cases"."platform" (
	"id" uuid PRIMARY KEY NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "cases"."platform_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"organ" text NOT NULL,
	"name" text NOT NULL,
	"url" text NOT NULL,
	"secret_version" integer NOT NULL,
	"registered_at" timestamp with time zone NOT NULL,
	"removed_at" timestamp with time zone,
	CONSTRAINT "platform_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "cases"."platform_case" (
	"case_id" uuid NOT NULL,
	"platform_id" uuid NOT NULL,
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	"arrived_at" timestamp with time zone NOT NULL,
	"received_at" timestamp with time zone,
	CONSTRAINT "platform_case_case_id_platform_id_pk" PRIMARY KEY("case_id","platform_id")
);
--> statement-breakpoint
CREATE TABLE "cases"."platform_key" (
	"kid" text PRIMARY KEY NOT NULL,
	"platform_id" uuid NOT NULL,
	"x" text NOT NULL,
	"valid_from" timestamp with time zone NOT NULL,
	"valid_to" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "cases"."platform_message" (
	"platform_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"serial" bigint GENERATED ALWAYS AS IDENTITY (sequence name "cases"."platform_message_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"type" text NOT NULL,
	"case_number" text NOT NULL,
	"kid" text NOT NULL,
	"digest" text NOT NULL,
	"raw" "bytea" NOT NULL,
	"signature" text NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	"verdict" text NOT NULL,
	"step_seq" integer,
	"status" integer NOT NULL,
	"answer" text NOT NULL,
	CONSTRAINT "platform_message_platform_id_id_pk" PRIMARY KEY("platform_id","id"),
	CONSTRAINT "platform_message_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
ALTER TABLE "cases"."platform_case" ADD CONSTRAINT "platform_case_platform_id_platform_id_fk" FOREIGN KEY ("platform_id") REFERENCES "cases"."platform"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."platform_key" ADD CONSTRAINT "platform_key_platform_id_platform_id_fk" FOREIGN KEY ("platform_id") REFERENCES "cases"."platform"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."platform_message" ADD CONSTRAINT "platform_message_platform_id_platform_id_fk" FOREIGN KEY ("platform_id") REFERENCES "cases"."platform"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cases"."platform_message" ADD CONSTRAINT "platform_message_kid_platform_key_kid_fk" FOREIGN KEY ("kid") REFERENCES "cases"."platform_key"("kid") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "platform_organ_index" ON "cases"."platform" USING btree ("organ") WHERE removed_at is null;--> statement-breakpoint
CREATE INDEX "platform_key_platform_id_index" ON "cases"."platform_key" USING btree ("platform_id");--> statement-breakpoint
CREATE INDEX "platform_message_case_number_serial_index" ON "cases"."platform_message" USING btree ("case_number","serial");