CREATE TABLE "seals"."log_checkpoint" (
	"size" bigint PRIMARY KEY NOT NULL,
	"root" "bytea" NOT NULL,
	"note" text NOT NULL,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "seals"."log_cosignature" (
	"witness" text NOT NULL,
	"size" bigint NOT NULL,
	"line" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "log_cosignature_witness_size_pk" PRIMARY KEY("witness","size")
);
--> statement-breakpoint
CREATE TABLE "seals"."log_head" (
	"id" integer PRIMARY KEY NOT NULL,
	"size" bigint NOT NULL,
	"root" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "seals"."log_key" (
	"origin" text PRIMARY KEY NOT NULL,
	"public_key_pem" text NOT NULL,
	"encrypted_key" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "seals"."log_leaf" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "seals"."log_leaf_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"subject" text NOT NULL,
	"entry" text NOT NULL,
	"hash" "bytea" NOT NULL,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "seals"."log_pending" (
	"serial" bigint PRIMARY KEY NOT NULL
);
--> statement-breakpoint
CREATE TABLE "seals"."log_sequence" (
	"index" bigint PRIMARY KEY NOT NULL,
	"serial" bigint NOT NULL,
	CONSTRAINT "log_sequence_serial_unique" UNIQUE("serial")
);
--> statement-breakpoint
CREATE TABLE "seals"."log_tile" (
	"level" integer NOT NULL,
	"index" bigint NOT NULL,
	"hash" "bytea" NOT NULL,
	CONSTRAINT "log_tile_level_index_pk" PRIMARY KEY("level","index")
);
--> statement-breakpoint
ALTER TABLE "seals"."log_cosignature" ADD CONSTRAINT "log_cosignature_size_log_checkpoint_size_fk" FOREIGN KEY ("size") REFERENCES "seals"."log_checkpoint"("size") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "seals"."log_pending" ADD CONSTRAINT "log_pending_serial_log_leaf_serial_fk" FOREIGN KEY ("serial") REFERENCES "seals"."log_leaf"("serial") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "seals"."log_sequence" ADD CONSTRAINT "log_sequence_serial_log_leaf_serial_fk" FOREIGN KEY ("serial") REFERENCES "seals"."log_leaf"("serial") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "log_leaf_kind_subject_index" ON "seals"."log_leaf" USING btree ("kind","subject");