import { sql } from 'drizzle-orm';
import { check, index, integer, jsonb, pgSchema, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { actorColumns, bytea, digest, instant, serial } from '../../kernel/columns.ts';
import type { GuideMaterialFact } from '../../kernel/events/guide-fact.ts';
import type { LicenseState } from '../../kernel/license-acts.ts';
import { caseFile } from '../file/tables.ts';
import type { MaterialKind } from './material.ts';
import type { FileSignature } from './signature/verdict.ts';
import type { MediaType } from './upload/file.ts';

const schema = pgSchema('cases');

/** The state of a file after its scan. Only a READY file is served or counts. */
export type FileState = 'READY' | 'PENDING_SCAN' | 'INFECTED';

/**
 * Files by content: the same bytes are stored once.
 * Not append-only, because a file that never became part of a case is deleted.
 * A file of a case cannot be deleted, because the append-only `case_material` refers to its upload.
 */
export const materialFile = schema.table(
  'material_file',
  {
    /** SHA-256 of the bytes, lower-case hex. */
    digest: digest().primaryKey(),
    /** Null once a later scan found the file infected. */
    bytes: bytea(),
    mediaType: text().$type<MediaType>().notNull(),
    sizeBytes: integer().notNull(),
    state: text().$type<FileState>().notNull(),
    /** Newest attempt to scan. */
    triedAt: instant().notNull(),
  },
  (table) => [
    check('bytes_unless_infected', sql`(${table.bytes} is null) = (${table.state} = 'INFECTED')`),
    index().on(table.triedAt).where(sql`state = 'PENDING_SCAN'`),
  ],
);

/** Who sent which file and when. Deleted when it is discarded or has waited too long for a case. */
export const materialUpload = schema.table(
  'material_upload',
  {
    id: uuid().primaryKey(),
    serial: serial().unique(),
    digest: digest()
      .notNull()
      .references(() => materialFile.digest),
    /** File name as it was sent, with a corrected ending. Personal data. */
    name: text().notNull(),
    uploaderId: text().notNull(),
    /** The code under which the uploader holds licenses; null for staff. */
    holderCode: text(),
    uploadedAt: instant().notNull(),
    /** The verdict on the signature in the file. Null for formats without one, and for uploads of earlier releases. */
    signature: jsonb().$type<FileSignature>(),
    /** When it became part of a case; null while it waits. */
    attachedAt: instant(),
  },
  (table) => [
    index().on(table.uploaderId, table.serial).where(sql`attached_at is null`),
    index().on(table.uploadedAt).where(sql`attached_at is null`),
    index().on(table.digest),
    index().on(table.uploaderId, table.uploadedAt),
  ],
);

/** The materials of a case (申请材料), append-only. A later row with the same code replaces an earlier one. */
export const caseMaterial = schema.table(
  'case_material',
  {
    caseId: uuid()
      .notNull()
      .references(() => caseFile.id),
    seq: integer().notNull(),
    /** The guide's code, or the name under which it was handed in if the case has no guide. */
    code: text().notNull(),
    name: text().notNull(),
    /** The form that the guide asks for, or null without a guide. */
    form: text().$type<GuideMaterialFact['form']>(),
    kind: text().$type<MaterialKind>().notNull(),
    uploadId: uuid()
      .unique()
      .references(() => materialUpload.id),
    licenseIdentifier: text(),
    /** The result of the immediate check. */
    licenseVersion: integer(),
    licenseState: text().$type<LicenseState>(),
    /** Copies handed in on paper. */
    copies: integer(),
    addedAt: instant().notNull(),
    ...actorColumns(),
    organ: text(),
  },
  (table) => [
    primaryKey({ columns: [table.caseId, table.seq] }),
    check(
      'one_source',
      sql`(${table.kind} = 'UPLOAD') = (${table.uploadId} is not null) and (${table.kind} = 'LICENSE') = (${table.licenseIdentifier} is not null)
        and (${table.kind} = 'PAPER') = (${table.copies} is not null)`,
    ),
  ],
);
