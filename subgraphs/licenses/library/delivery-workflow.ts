import type { Database, Transaction } from '../../../db/client.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { type Envelope, type EventPayload, sha256 } from '../../kernel/events/events.ts';
import { Postponement, Rejection } from '../../kernel/events/outbox-store.ts';
import { type Relay, type RelayOptions, startRelay } from '../../kernel/events/relay.ts';
import { listOwners } from '../../kernel/identity/co-ownership.ts';
import { takesOverOnFirstDay } from '../../kernel/license-acts.ts';
import { printedNumber } from '../../kernel/license-type/license-key.ts';
import { maskCodes } from '../../kernel/privacy/mask.ts';
import { buildHandOver } from '../../kernel/privacy/reading.ts';
import { addReading } from '../../kernel/privacy/reading-store.ts';
import { PeerError } from '../../kernel/refusal.ts';
import { hasSalt } from '../../kernel/sealing/salt.ts';
import type { ReadEvidenceMaterial, RecordReceipt } from '../../kernel/sealing/sign.ts';
import { toOneLine } from '../../kernel/text.ts';
import { LIBRARY_CONSUMERS, messages } from '../act/event-store.ts';
import { closeDuty, dutyIds, openDuty, readLicenseSubject } from '../paper/duty-store.ts';
import { reading } from '../reading/tables.ts';
import { findSealedFile, isNewestChange } from './feed-store.ts';
import { type LibraryClient, type LibraryDelivery, STATEMENT_PROTOCOL } from './library-client.ts';
import { awaitsRegistration, findStatement } from './statement-store.ts';

/** Delivery to the city library (归集): acts on licenses, and what the register stated of them. */

export interface DeliveryDependencies {
  db: Database;
  now: Clock;
  library: LibraryClient;
  /** The port of seals that writes the library's receipts to the transparency log. */
  record: RecordReceipt;
  material: ReadEvidenceMaterial;
}

/** The library as readings and the log name it. */
const LIBRARY = 'library';

/**
 * Starts the two relays to the library. Statements of the register wait while it speaks version 1 only: no attempt
 * counts, and the licenses' own acts go on.
 */
export function startLibraryRelays(
  deps: DeliveryDependencies,
  options: Pick<RelayOptions, 'onError' | 'pollMs'>,
): Relay[] {
  const { db, library } = deps;
  const common = { db, tables: messages, ...options };
  return [
    startRelay({
      ...{ ...common, consumer: LIBRARY_CONSUMERS.changes },
      deliver: (event, signal) => deliverChange(deps, event, signal),
      onSettled: (tx, event, rejection) => updateCollectionDuty(deps, tx, event, rejection),
    }),
    startRelay({
      ...{ ...common, consumer: LIBRARY_CONSUMERS.statements },
      isOpen: (signal) => library.speaks(STATEMENT_PROTOCOL, signal),
      deliver: (event, signal) => deliverStatement(deps, event, signal),
      onSettled: (tx, event, rejection) => updateCollectionDuty(deps, tx, event, rejection),
    }),
  ];
}

/** How often the hub asks whether a renewal that it holds back is due. */
const HOLD_PAUSE_MS = 60_000;

/**
 * Throws Postponement for a renewal that waits for its first day, while the library speaks version 1: that one would
 * supersede the earlier version on the day on which it collects the renewal. A later act on the license ends the wait,
 * because a suspension or an end must not wait for it.
 */
async function requireDue(
  { db, library, now }: DeliveryDependencies,
  event: Envelope,
  { act, earlier, license }: EventPayload<'LicenseChanged'>,
  signal: AbortSignal,
): Promise<void> {
  if (!takesOverOnFirstDay(act) || earlier === null || license.validFrom <= dayOf(now())) return;
  if ((await library.speaks(STATEMENT_PROTOCOL, signal)) || library.protocols === null) return;
  if (await isNewestChange(db, event)) throw new Postponement(HOLD_PAUSE_MS);
}

/**
 * Sends one change with its files to the city library. Returns the library's receipt, which the relay stores.
 * The receipt is in the log before the delivery counts as done. If logging fails, the change is sent again, and the
 * library returns the same receipt.
 */
async function deliverChange(deps: DeliveryDependencies, event: Envelope, signal: AbortSignal): Promise<string> {
  if (event.type !== 'LicenseChanged') throw new Rejection(`the library takes no ${event.type}`);
  const change: EventPayload<'LicenseChanged'> = event.payload;
  await requireDue(deps, event, change, signal);
  const { act, identifier, number, version, state, changedAt, documentDigest } = change;
  await awaitRegistration(deps, event, number, signal);
  const sealedFile = await findSealedFile(deps.db, change);
  // A PDF of this release contains its signature. A statement, or a PDF of an earlier release, has a detached one.
  if (!sealedFile || (!sealedFile.signature && sealedFile.file.mediaType !== 'application/pdf'))
    throw new Error(`files of ${identifier} are missing`);
  const { file, signature, record } = sealedFile;
  const { stream, revision } = event;
  const delivery: LibraryDelivery = {
    stream,
    revision,
    act,
    identifier,
    number: printedNumber(number),
    version,
    state,
    changedAt,
    record,
    documentDigest,
    document: file.bytes,
    mediaType: file.mediaType === 'application/pdf' ? 'application/pdf' : 'application/json',
    signature,
  };
  const owners = listOwners(change.license);
  const handOvers = owners.map(({ code: holderCode }, i) =>
    buildHandOver(
      { readerId: LIBRARY, reader: '市电子证照库', organ: null, purpose: 'COLLECTION' },
      { subject: number, number: printedNumber(number), holderCode },
      { object: 'COLLECTION', objectId: identifier, at: deps.now() },
      `${LIBRARY} ${stream} ${revision}${i === 0 ? '' : ` ${i + 1}`}`,
    ),
  );
  for (const handOver of handOvers) await addReading(deps.db, reading, handOver);
  const receipt = await deps.library.deliver(delivery, signal);
  await recordReceipt(deps, event, change, receipt, hasSalt(record));
  return receipt;
}

/** How often the hub asks whether the library has collected a license from paper, whose first act waits for that. */
const REGISTRATION_PAUSE_MS = 1_000;

/**
 * Throws Postponement, or PeerError for one that speaks version 1 only, until the library knows a license from paper:
 * it would refuse an act on a license that it does not know for good.
 */
async function awaitRegistration(
  { db, library }: DeliveryDependencies,
  { revision }: Envelope,
  number: string,
  signal: AbortSignal,
): Promise<void> {
  if (revision > 1 || !(await awaitsRegistration(db, number))) return;
  if (!(await library.speaks(STATEMENT_PROTOCOL, signal)))
    throw new PeerError('市电子证照库暂不接收存量证照，待其接口升级后自动归集');
  throw new Postponement(REGISTRATION_PAUSE_MS);
}

/**
 * Sends a statement of the register, as `deliverChange` sends a change. It is no reading: a statement says nothing of
 * the holder. Its digest tests no guess, because the signature in it is random.
 */
async function deliverStatement(deps: DeliveryDependencies, event: Envelope, signal: AbortSignal): Promise<string> {
  if (event.type !== 'RegisterStated') throw new Rejection(`the library takes no ${event.type}`);
  const { actId, number, follows, statedAt, documentDigest } = event.payload;
  const stored = await findStatement(deps.db, actId, documentDigest);
  if (!stored) throw new Error(`the statement of act ${actId} is missing`);
  const { stream, revision } = event;
  const { issuing } = await deps.material({ codes: [], use: null });
  const wire = { stream, revision, follows, number: printedNumber(number), documentDigest, statedAt };
  const delivery = { ...wire, ...stored, chain: [issuing] };
  const receipt = await deps.library.deliverStatement(delivery, signal);
  await recordReceipt(deps, event, event.payload, receipt, true);
  return receipt;
}

function recordReceipt(
  { record, library }: DeliveryDependencies,
  { stream, revision }: Envelope,
  { identifier, documentDigest }: { identifier: string; documentDigest: string },
  receipt: string,
  isSalted: boolean,
): Promise<void> {
  const entry = { stream, revision, identifier, documentDigest, digest: sha256(receipt), isSalted };
  return record({ from: LIBRARY, ...entry, isSigned: library.isSigned });
}

/** Opens a duty if the library refused for good, and closes it when the license or the statement is collected. */
async function updateCollectionDuty(
  { now }: Pick<DeliveryDependencies, 'now'>,
  tx: Transaction,
  event: Envelope,
  rejection: Rejection | null,
): Promise<void> {
  if (event.type !== 'LicenseChanged' && event.type !== 'RegisterStated') return;
  const { number } = event.payload;
  const id = event.type === 'LicenseChanged' ? dutyIds.collection(number) : dutyIds.statement(number);
  if (rejection === null) return closeDuty(tx, id, now());
  const subject = await readLicenseSubject(tx, number);
  const reason = maskCodes(toOneLine(rejection.message));
  await openDuty(tx, { id, kind: 'COLLECTION_REFUSED', reason, at: now(), ...subject });
}
