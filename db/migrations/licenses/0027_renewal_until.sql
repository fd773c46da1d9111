ALTER TABLE "licenses"."renewal" ADD COLUMN "is_granted" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."renewal" ADD COLUMN "until" date;--> statement-breakpoint
ALTER TABLE "licenses"."renewal" ADD COLUMN "settled_at" timestamp with time zone;--> statement-breakpoint
-- The end that a running renewal holds off is that of the newest version. It was not kept before.
UPDATE "licenses"."renewal" SET "until" = ("license_version"."record"->>'ZZYXQJZRQ')::date
  FROM "licenses"."license" JOIN "licenses"."license_version"
    ON "license_version"."identifier" = "license"."head_identifier"
  WHERE "license"."number" = "renewal"."number" AND "renewal"."is_running"
    AND "license_version"."record"->>'ZZYXQJZRQ' ~ '^\d{4}-\d{2}-\d{2}$';
