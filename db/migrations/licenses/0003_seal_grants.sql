ALTER TABLE "licenses"."seal_fact" ADD COLUMN "grants" jsonb;--> statement-breakpoint
UPDATE "licenses"."seal_fact" SET "grants" = coalesce((
	SELECT jsonb_agg(jsonb_build_object('matter', "matter", 'person', null, 'from', null, 'to', null))
	FROM unnest("matters") AS "matter"), '[]'::jsonb);--> statement-breakpoint
ALTER TABLE "licenses"."seal_fact" ALTER COLUMN "grants" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."seal_fact" DROP COLUMN "matters";