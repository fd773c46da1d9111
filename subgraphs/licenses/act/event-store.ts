import type { Transaction } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import type { MessageTables } from '../../kernel/events/outbox-tables.ts';
import type { Act } from '../../kernel/license-acts.ts';
import { toLicenseFact } from '../list/fact.ts';
import type { StoredLicense } from '../store.ts';
import * as tables from '../tables.ts';

import type { ActRow } from './act-store.ts';
import type { LicenseRecord } from './record.ts';

/** The outbox of licenses, and the event about a done act. */

export const messages: MessageTables = tables;
/** The relays to the city library: of acts on licenses, and of what the register stated. Neither holds up the other. */
export const LIBRARY_CONSUMERS = { changes: 'library', statements: 'library-statements' } as const;
export const CONSUMERS = {
  cases: ['LicenseChanged', 'LicensesRegistered', 'RegisterStated', 'CertificateDelivered', 'TaskVoided'],
  [LIBRARY_CONSUMERS.changes]: ['LicenseChanged'],
  [LIBRARY_CONSUMERS.statements]: ['RegisterStated'],
} as const;
export const licenseStream = (number: string) => `license:${number}`;

/** Result of sealing an act. */
export interface SealResult {
  documentDigest: string;
  signatureDigest: string;
  sealId: string;
  signedAt: Date;
}

/**
 * Appends the event about a done act for cases and the city library, in the transaction that does the act. It is sent
 * at once: statements after it read its revision.
 */
export async function appendLicenseChanged(
  tx: Transaction,
  doneAct: ActRow,
  { record, termFrom, earlier }: { record: LicenseRecord; termFrom: Day | null; earlier: StoredLicense | null },
  sealResult: SealResult,
  at: Date,
): Promise<void> {
  await appendEvent(tx, messages, CONSUMERS, {
    type: 'LicenseChanged',
    stream: licenseStream(doneAct.number),
    occurredAt: at,
    payload: {
      act: doneAct.act as Act,
      number: doneAct.number,
      identifier: doneAct.identifier,
      version: doneAct.version,
      state: doneAct.stateAfter,
      caseId: doneAct.caseId,
      orderId: doneAct.orderId,
      documentDigest: sealResult.documentDigest,
      signatureDigest: sealResult.signatureDigest,
      changedAt: at.toISOString(),
      earlier: earlier && toEarlierFact(earlier),
      license: toLicenseFact(record, termFrom),
    },
  });
}

/** Returns the version that is in force until a newer one begins, as the event names it. */
function toEarlierFact({ version: { identifier, version, record } }: StoredLicense) {
  return { identifier, version, validFrom: record.ZZYXQQSRQ };
}
