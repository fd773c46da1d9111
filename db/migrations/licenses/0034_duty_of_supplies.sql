ALTER TABLE "licenses"."duty" ALTER COLUMN "identifier" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."duty" ALTER COLUMN "division_code" DROP NOT NULL;