ALTER TABLE "licenses"."seal_fact" ADD COLUMN "kind" text;--> statement-breakpoint
ALTER TABLE "licenses"."seal_fact" ADD COLUMN "required_since" timestamp with time zone;--> statement-breakpoint
-- Up to release 0.4 the id of a seal ended with its kind.
UPDATE "licenses"."seal_fact" SET "kind" = upper(replace(coalesce(substring("seal_id" from '(unit|approval|license)-seal$'), 'license'), '-', '_')) || '_SEAL';--> statement-breakpoint
ALTER TABLE "licenses"."seal_fact" ALTER COLUMN "kind" SET NOT NULL;--> statement-breakpoint
-- The same rule as in seals: a seal in use keeps out the other kinds from now on.
UPDATE "licenses"."seal_fact" s SET "required_since" = now() WHERE s."state" IN ('IN_USE', 'SUSPENDED') AND NOT EXISTS (
  SELECT FROM "licenses"."seal_fact" o, jsonb_array_elements(o."grants") g
  WHERE o."organ" = s."organ" AND o."seal_id" <> s."seal_id" AND o."state" IN ('IN_USE', 'SUSPENDED')
    AND NOT EXISTS (SELECT FROM jsonb_array_elements(s."grants") h WHERE h->>'matter' = g->>'matter'));
