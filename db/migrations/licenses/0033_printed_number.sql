DROP INDEX "licenses"."license_number_find";--> statement-breakpoint
DROP INDEX "licenses"."license_find";--> statement-breakpoint
-- The key of every license of earlier releases is its printed number.
ALTER TABLE "licenses"."license" ADD COLUMN "printed" text;--> statement-breakpoint
UPDATE "licenses"."license" SET "printed" = "number";--> statement-breakpoint
ALTER TABLE "licenses"."license" ALTER COLUMN "printed" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."license_serial" ADD COLUMN "printed" text;--> statement-breakpoint
UPDATE "licenses"."license_serial" SET "printed" = "licenses"."fold_text"("number");--> statement-breakpoint
ALTER TABLE "licenses"."license_serial" ALTER COLUMN "printed" SET NOT NULL;--> statement-breakpoint
CREATE INDEX "license_serial_type_code_uscc_printed_index" ON "licenses"."license_serial" USING btree ("type_code","uscc","printed");--> statement-breakpoint
CREATE INDEX "license_number_find" ON "licenses"."license" USING btree (licenses.fold_text("printed"));--> statement-breakpoint
CREATE INDEX "license_find" ON "licenses"."license" USING gin (licenses.find_keys("parties", "window", "printed", "holder_name", "name", "type_code", ("issuer" ->> 'id'), "valid_from", "valid_until"));