ALTER TABLE "licenses"."certificate_task" ADD COLUMN "window" text;--> statement-breakpoint
ALTER TABLE "licenses"."license" ADD COLUMN "window" text;--> statement-breakpoint
-- Until now another organ than the issuer had the paper in hand only where a window accepted for it.
UPDATE "licenses"."certificate_task" SET "window" = "handled_by" WHERE cardinality("counters") > 1;--> statement-breakpoint
UPDATE "licenses"."license" l SET "window" = (
  SELECT t."window" FROM "licenses"."act" a JOIN "licenses"."certificate_task" t ON t."case_id" = a."case_id"
  WHERE a."number" = l."number" AND a."state" = 'DONE' AND t."window" IS NOT NULL ORDER BY a."serial" DESC LIMIT 1);
