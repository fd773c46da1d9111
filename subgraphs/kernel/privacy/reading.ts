import { hasRole, type Person } from '../actor.ts';
import { organsOf } from '../organ/place.ts';
import type { Purpose, ReadingPurpose } from './purpose.ts';

/** The record of readings of personal data (查阅记录): what a reading is, and who sees the record of it. Pure. */

/** What was read or handed over: a code with the content, a file, or a message to another system. */
export type ReadingObject =
  | 'CODE'
  | 'MATERIAL'
  | 'NOTICE'
  | 'DOCUMENT'
  | 'PLATFORM_MESSAGE'
  | 'PUSH'
  | 'COLLECTION'
  /** Somebody named a license with a wrong holder's code, and learned that it was wrong. */
  | 'HOLDER_CHECK'
  /** Somebody named a license of another holder in an application to transfer it. */
  | 'LICENSE_NAMED'
  /** Somebody looked by a complete code, and found this, or nothing: then subject, number and object are empty. */
  | 'CODE_SEARCH';

/** Whose data a reading concerns. */
export interface ReadingSubject {
  /** Id of the case, or number of the license. */
  subject: string;
  /** Number of the case or license, for people. */
  number: string;
  /** Code of the applicant or holder, who sees the record. */
  holderCode: string;
}

export interface Reading extends ReadingSubject {
  object: ReadingObject;
  /** Id of the file, notice, push or license version, or digest of the file. */
  objectId: string;
  readerId: string;
  reader: string;
  organ: string | null;
  purpose: Purpose;
  remark: string | null;
  at: Date;
  /** Names a hand-over to another system, which is recorded once however often it is sent. Null for a person. */
  delivery: string | null;
}

/** Returns the reading of an object by a person. */
export function buildReading(
  person: Person,
  { purpose, remark }: ReadingPurpose,
  subject: ReadingSubject,
  object: { object: ReadingObject; objectId: string; at: Date },
): Reading {
  const reader = { readerId: person.id, reader: person.name, organ: person.organ };
  return { ...subject, ...object, ...reader, purpose, remark, delivery: null };
}

/** Another system that gets personal data. */
export interface Recipient {
  readerId: string;
  reader: string;
  organ: string | null;
  purpose: Purpose;
}

/** Returns the reading of what is handed over to another system. `delivery` names the message in its subgraph. */
export function buildHandOver(
  recipient: Recipient,
  subject: ReadingSubject,
  object: { object: ReadingObject; objectId: string; at: Date },
  delivery: string,
): Reading {
  return { ...subject, ...object, ...recipient, remark: null, delivery };
}

/** Whose record of readings a person sees: everybody's, or that of the own data and of the readers of organs. */
export type ReadingScope = { all: true } | { all: false; holderCode: string | null; organs: readonly string[] };

const OVERSEERS = ['SUPERVISOR', 'SEAL_APPROVER'] as const;

export function readingScopeOf(person: Person): ReadingScope {
  if (hasRole(person, 'AUDITOR')) return { all: true };
  const { holderCode } = person;
  return { all: false, holderCode, organs: hasRole(person, ...OVERSEERS) ? organsOf(person) : [] };
}

/** Whether the caller learns which person read: an auditor, and the supervision of the reader's organ. */
export function showsReader(scope: ReadingScope, { organ }: { organ: string | null }): boolean {
  return scope.all || (organ !== null && scope.organs.includes(organ));
}
