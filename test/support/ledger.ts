import { runMutation } from './flow.ts';
import type { TestHub } from './hub.ts';
import { waitUntil } from './until.ts';

/** Ledgers of existing paper through the public API, for tests that begin with a license from paper. */

const LEDGER_FIELDS = `registration { id: uuid state lines entered notes { line code } }
  lines problems { line column code message } notes { line column code message }`;

const toBase64 = (file: string | Uint8Array) => Buffer.from(file).toString('base64');

export const proposeLedger = (
  hub: TestHub,
  person: string,
  matter: string,
  file: string | Uint8Array,
  dryRun = false,
) =>
  runMutation(
    hub,
    person,
    'proposeRegistration',
    'ProposeRegistrationInput',
    { matter, file: toBase64(file), dryRun },
    LEDGER_FIELDS,
  );

export const decideLedger = (hub: TestHub, person: string, registration: string, input: object = { approve: true }) =>
  runMutation(
    hub,
    person,
    'decideRegistration',
    'DecideRegistrationInput',
    { registration, ...input },
    'registration { state }',
  );

/** Proposes and approves a ledger for an organ, and waits until its licenses are entered. Returns its id. */
export async function registerLedger(hub: TestHub, organ: string, matter: string, file: string): Promise<string> {
  const { registration, refusal, problems } = await proposeLedger(hub, `${organ}.reviewer`, matter, file);
  if (refusal) throw new Error(JSON.stringify({ refusal, problems }));
  const decision = await decideLedger(hub, `${organ}.approver`, registration.id);
  if (decision.refusal) throw new Error(JSON.stringify(decision.refusal));
  await awaitEntered(hub, `${organ}.approver`, registration.id);
  return registration.id;
}

/** Waits until the licenses of an approved ledger are entered. */
export async function awaitEntered(hub: TestHub, person: string, id: string): Promise<void> {
  const query = '{ registrations(first: 50) { edges { node { id: uuid lines entered } } } }';
  await waitUntil('the ledger is entered', async () => {
    const { edges } = (await hub.ask(person, query)).data.registrations;
    const node = edges.map((edge: { node: { id: string } }) => edge.node).find((one: { id: string }) => one.id === id);
    return node !== undefined && node.entered === node.lines;
  });
}
