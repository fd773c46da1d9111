-- The rule of subgraphs/kernel/finding/fold.ts, for the indexes below. test/licenses/finding.db.test.ts compares both.
CREATE FUNCTION "licenses"."fold_text"("value" text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT translate(
    normalize("value", NFKC),
    '〔[【〕]】ABCDEFGHIJKLMNOPQRSTUVWXYZ' || E' \t\n\x0B\f\r\u1680\u2028\u2029\uFEFF',
    '((()))abcdefghijklmnopqrstuvwxyz')
$$;--> statement-breakpoint
-- The keys of a day: its year, month and day. Years before 1980 and after 2100 have one key each.
CREATE FUNCTION "licenses"."day_keys"("kind" text, "value" date) RETURNS SETOF text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT "kind" || CASE WHEN part < 1980 THEN '0' WHEN part > 2100 AND part < 10000 THEN '9' ELSE part::text END
  FROM (SELECT extract(year FROM "value")::int AS y, extract(month FROM "value")::int AS m, extract(day FROM "value")::int AS d) AS parts,
    unnest(CASE WHEN y BETWEEN 1980 AND 2100 THEN array[y, y * 100 + m, y * 10000 + m * 100 + d] ELSE array[y] END) AS part
$$;--> statement-breakpoint
-- What a license is found by, in each scope of people who see it (subgraphs/licenses/list/finding-store.ts).
CREATE FUNCTION "licenses"."find_keys"("parties" text[], "accepting_window" text, "number" text, "holder" text, "name" text,
  "type_code" text, "issuer" text, "valid_from" date, "valid_until" date)
RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10000 AS $$
  WITH words AS (
    SELECT "licenses"."fold_text"("number") AS word
    UNION SELECT "licenses"."fold_text"("holder")
    UNION SELECT "licenses"."fold_text"("name")),
  tokens AS (
    SELECT substr(word, i, 2) AS token FROM words, generate_series(1, length(word) - 1) AS i
    UNION SELECT 't:' || "type_code"
    UNION SELECT 'o:' || "issuer"
    UNION SELECT "licenses"."day_keys"('f:', "valid_from")
    UNION SELECT "licenses"."day_keys"('u:', "valid_until")),
  scopes AS (SELECT unnest("parties") AS scope UNION SELECT '*' UNION SELECT 'w:' || "accepting_window")
  SELECT array_agg(scope || '|' || token) FROM scopes, tokens WHERE scope IS NOT NULL
$$;--> statement-breakpoint
ALTER TABLE "licenses"."license" ADD COLUMN "name" text;--> statement-breakpoint
ALTER TABLE "licenses"."license" ADD COLUMN "holder_name" text;--> statement-breakpoint
ALTER TABLE "licenses"."license" ADD COLUMN "type_code" text;--> statement-breakpoint
ALTER TABLE "licenses"."license" ADD COLUMN "valid_from" date;--> statement-breakpoint
ALTER TABLE "licenses"."license" ADD COLUMN "valid_until" date;--> statement-breakpoint
UPDATE "licenses"."license" l SET ("name", "holder_name", "type_code", "valid_from", "valid_until") = (
  SELECT v."record" ->> 'ZZMC', v."record" ->> 'CZZT', v."record" ->> 'ZZLXDM', (v."record" ->> 'ZZYXQQSRQ')::date,
    CASE WHEN v."record" ->> 'ZZYXQJZRQ' = '长期' THEN date '9999-12-31' ELSE (v."record" ->> 'ZZYXQJZRQ')::date END
  FROM "licenses"."license_version" v WHERE v."identifier" = l."head_identifier");--> statement-breakpoint
ALTER TABLE "licenses"."license" ALTER COLUMN "name" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."license" ALTER COLUMN "holder_name" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."license" ALTER COLUMN "type_code" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."license" ALTER COLUMN "valid_from" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "licenses"."license" ALTER COLUMN "valid_until" SET NOT NULL;--> statement-breakpoint
CREATE INDEX "certificate_task_window" ON "licenses"."certificate_task" USING btree ("window") WHERE "licenses"."certificate_task"."content"->>'licenseNumber' is not null;--> statement-breakpoint
CREATE INDEX "license_valid_until_serial_index" ON "licenses"."license" USING btree ("valid_until","serial");--> statement-breakpoint
CREATE INDEX "license_find" ON "licenses"."license" USING gin (licenses.find_keys("parties", "window", "number", "holder_name", "name", "type_code", ("issuer" ->> 'id'), "valid_from", "valid_until"));--> statement-breakpoint
CREATE INDEX "sheet_find" ON "licenses"."sheet" USING btree (licenses.fold_text("blank_number"));
