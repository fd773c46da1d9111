-- A PDF is deflated already: to try to compress it again took more than half of what the server needs to store one, and saved nothing.
ALTER TABLE "licenses"."document" ALTER COLUMN "bytes" SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE "licenses"."act" ALTER COLUMN "rendered" SET STORAGE EXTERNAL;
