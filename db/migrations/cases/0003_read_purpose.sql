ALTER TABLE "cases"."material_read" ADD COLUMN "purpose" text;--> statement-breakpoint
CREATE INDEX "material_read_organ_serial_index" ON "cases"."material_read" USING btree ("organ","serial");--> statement-breakpoint
CREATE INDEX "material_read_reader_id_serial_index" ON "cases"."material_read" USING btree ("reader_id","serial");