CREATE TABLE "cases"."issuer_logout" (
	"serial" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "cases"."issuer_logout_serial_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"issuer" text NOT NULL,
	"statement_id" text NOT NULL,
	"subject" text,
	"session" text,
	"ended_at" timestamp with time zone NOT NULL,
	"recorded_at" timestamp with time zone NOT NULL,
	CONSTRAINT "issuer_logout_issuer_statementId_unique" UNIQUE("issuer","statement_id")
);
--> statement-breakpoint
CREATE INDEX "issuer_logout_issuer_subject_ended_at_index" ON "cases"."issuer_logout" USING btree ("issuer","subject","ended_at");--> statement-breakpoint
CREATE INDEX "issuer_logout_issuer_session_index" ON "cases"."issuer_logout" USING btree ("issuer","session");