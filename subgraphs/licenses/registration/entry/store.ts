import type { Transaction } from '../../../../db/client.ts';
import { inOrder } from '../../../../db/in-order.ts';
import { computeContentDigest, type OrganFact } from '../../../kernel/events/events.ts';
import { appendEvent, appendFirstEvents } from '../../../kernel/events/outbox-store.ts';
import { periodOf } from '../../../kernel/period/validity.ts';
import type { RegistrationStatement } from '../../../kernel/sealing/attest.ts';
import { CONSUMERS, LIBRARY_CONSUMERS, messages } from '../../act/event-store.ts';
import { storeFiles } from '../../act/file-store.ts';
import { toLicenseFact } from '../../list/fact.ts';
import { summarize } from '../../list/finding.ts';
import { registerStream } from '../../register/store.ts';
import * as tables from '../../tables.ts';
import type { RegistrationLine } from '../registration.ts';

const { act, license, licenseEntry, licenseVersion, paperEntry } = tables;

/** A line with what the register stated of it. */
export interface StatedLine extends RegistrationLine {
  statement: RegistrationStatement;
  /** Compact JWS, and its SHA-256. */
  text: string;
  digest: string;
}

/** Who took the ledger over, and of which organs its licenses are. */
export interface EntryFacts {
  approver: { id: string; name: string };
  issuer: OrganFact;
  parties: string[];
  at: Date;
}

/**
 * Enters licenses from paper: act, license, version 1, its file, and one entry in each of the two ledgers; and tells
 * cases of all of them by one event, and the city library of each by its own.
 */
export async function enterLicenses(
  tx: Transaction,
  registrationId: string,
  lines: readonly StatedLine[],
  facts: EntryFacts,
): Promise<void> {
  const { at } = facts;
  const payload = { registrationId, licenses: lines.map((line) => buildChange(line, at)) };
  const stream = `registration:${registrationId}`;
  const stated = lines.map((line) => buildStated(line, at));
  await inOrder(tx, [
    (tx) => tx.insert(act).values(lines.map((line) => buildAct(line, facts))),
    (tx) => tx.insert(license).values(lines.map((line) => buildLicense(line, facts))),
    (tx) => tx.insert(licenseVersion).values(lines.map((line) => buildVersion(line, at))),
    (tx) =>
      enterFirstValidity(
        tx,
        lines.map((line) => buildEntry(line, at)),
      ),
    (tx) => storeFiles(tx, lines.map(buildFile)),
    (tx) => appendEvent(tx, messages, CONSUMERS, { type: 'LicensesRegistered', stream, occurredAt: at, payload }),
    (tx) => appendFirstEvents(tx, messages, LIBRARY_CONSUMERS.statements, stated),
  ]);
}

/**
 * Writes the first entry of licenses that were entered from paper to each of the two ledgers, by one statement. The
 * sheet of such a version is on no blank of the hub: it exists, and has the same validity.
 */
async function enterFirstValidity(
  tx: Transaction,
  entries: readonly (typeof licenseEntry.$inferInsert)[],
): Promise<void> {
  const documentEntries = tx.$with('of_document').as(
    tx
      .insert(licenseEntry)
      .values([...entries])
      .returning({ seq: licenseEntry.seq }),
  );
  await tx
    .with(documentEntries)
    .insert(paperEntry)
    .values([...entries]);
}

function buildAct(line: StatedLine, { approver, issuer: organ, at }: EntryFacts): typeof act.$inferInsert {
  const { actId: id, number, identifier, statement, digest: documentDigest, record } = line;
  return {
    ...{ id, act: 'REGISTER', number, version: 1, identifier, state: 'DONE', stateAfter: 'VALID', record: statement },
    ...{ contentDigest: computeContentDigest(statement), authorisation: null, organ, matterId: record.KZ_SX },
    ...{ actorId: approver.id, actor: approver.name, preparedAt: at, leasedUntil: at, documentDigest, doneAt: at },
  };
}

function buildLicense(
  { number, identifier, record }: StatedLine,
  { issuer, parties }: EntryFacts,
): typeof license.$inferInsert {
  return {
    ...{
      number,
      printed: record.ZZBH,
      divisionCode: issuer.divisionCode,
      handledBy: record.KZ_BLXZQH,
      window: null,
      issuer,
    },
    ...{ matterId: record.KZ_SX, parties, counters: [issuer.id] },
    ...{ headVersion: 1, headIdentifier: identifier, headState: 'VALID', ...summarize(record) },
  };
}

function buildVersion(
  { number, identifier, record, recordDigest, digest: documentDigest }: StatedLine,
  at: Date,
): typeof licenseVersion.$inferInsert {
  return {
    ...{ identifier, number, version: 1, state: 'VALID', record, recordDigest, documentDigest, signedAt: at },
    // The license's own stream has no event yet: its first act will be number 1.
    ...{ revision: 0, ...periodOf(record) },
  };
}

function buildEntry({ actId, number, identifier, recordDigest: contentDigest }: StatedLine, at: Date) {
  const states = { act: 'REGISTER' as const, stateAfter: 'VALID' as const };
  return { number, seq: 1, identifier, version: 1, ...states, contentDigest, actId, at };
}

function buildFile({ number, identifier, text, digest }: StatedLine) {
  return {
    ...{ digest, bytes: Buffer.from(text), mediaType: 'application/jwt', number },
    name: `${identifier}.register.jwt`,
  };
}

function buildChange({ number, identifier, digest, record }: StatedLine, at: Date) {
  return {
    ...{ act: 'REGISTER' as const, number, identifier, version: 1, state: 'VALID' as const },
    ...{ caseId: null, orderId: null, earlier: null, changedAt: at.toISOString() },
    // A statement of the register contains its signature.
    ...{ documentDigest: digest, signatureDigest: digest, license: toLicenseFact(record, record.ZZYXQQSRQ) },
  };
}

function buildStated({ actId, number, identifier, digest: documentDigest }: StatedLine, at: Date) {
  return {
    ...{ type: 'RegisterStated' as const, stream: registerStream(number), occurredAt: at },
    payload: {
      ...{ actId, act: 'REGISTER' as const, number, identifier, version: 1, state: 'VALID' as const, follows: 0 },
      ...{ documentDigest, statedAt: at.toISOString() },
    },
  };
}
