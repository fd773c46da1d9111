ALTER TABLE "seals"."seal" ADD COLUMN "required_since" timestamp with time zone;--> statement-breakpoint
-- A seal in use keeps out the other kinds from now on, unless one of these is granted for a matter that it lacks.
UPDATE "seals"."seal" s SET "required_since" = now() WHERE s."state" IN ('IN_USE', 'SUSPENDED') AND NOT EXISTS (
  SELECT FROM "seals"."seal" o JOIN "seals"."seal_grant" g ON g."seal_id" = o."id"
  WHERE o."organ" = s."organ" AND o."id" <> s."id" AND o."state" IN ('IN_USE', 'SUSPENDED')
    AND NOT EXISTS (SELECT FROM "seals"."seal_grant_withdrawal" w WHERE w."grant_id" = g."id")
    AND NOT EXISTS (SELECT FROM "seals"."seal_grant" h WHERE h."seal_id" = s."id" AND h."matter_id" = g."matter_id"
      AND NOT EXISTS (SELECT FROM "seals"."seal_grant_withdrawal" w WHERE w."grant_id" = h."id")));
