-- The rule of subgraphs/kernel/finding/fold.ts, for the index below. test/cases/finding.db.test.ts compares both.
CREATE FUNCTION "cases"."fold_text"("value" text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT translate(
    normalize("value", NFKC),
    '〔[【〕]】ABCDEFGHIJKLMNOPQRSTUVWXYZ' || E' \t\n\x0B\f\r\u1680\u2028\u2029\uFEFF',
    '((()))abcdefghijklmnopqrstuvwxyz')
$$;--> statement-breakpoint
-- What a case is found by, in each scope of people who see it (subgraphs/cases/list/finding.ts).
CREATE FUNCTION "cases"."find_keys"("parties" text[], "handling_window" text, "number" text, "applicant" text, "matter" text)
RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10000 AS $$
  WITH words AS (SELECT "cases"."fold_text"("number") AS word UNION SELECT "cases"."fold_text"("applicant")),
  tokens AS (
    SELECT substr(word, i, 2) AS token FROM words, generate_series(1, length(word) - 1) AS i
    UNION SELECT 'd:' || substr("number", 7, 8)
    UNION SELECT 'm:' || substr("number", 7, 6)
    UNION SELECT 's:' || "matter"),
  scopes AS (SELECT unnest("parties") AS scope UNION SELECT '*' UNION SELECT 'w:' || "handling_window")
  SELECT array_agg(scope || '|' || token) FROM scopes, tokens WHERE scope IS NOT NULL
$$;--> statement-breakpoint
CREATE INDEX "case_file_find" ON "cases"."case_file" USING gin (cases.find_keys("parties", "window", "number", "applicant_name", "matter_id"));