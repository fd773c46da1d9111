ALTER TABLE "cases"."duty" ALTER COLUMN "identifier" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "cases"."duty" ALTER COLUMN "division_code" DROP NOT NULL;