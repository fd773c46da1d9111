ALTER TABLE "licenses"."blank" ADD COLUMN "digits" integer DEFAULT 8 NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."blank_box" ADD COLUMN "digits" integer DEFAULT 8 NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."blank_transfer" ADD COLUMN "digits" integer DEFAULT 8 NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."blank_write_off" ADD COLUMN "digits" integer DEFAULT 8 NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."blank_box" DROP CONSTRAINT "blank_box_prefix_first_pk";--> statement-breakpoint
ALTER TABLE "licenses"."blank_box" ADD CONSTRAINT "blank_box_prefix_digits_first_pk" PRIMARY KEY("prefix","digits","first");
