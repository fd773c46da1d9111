import { computeChallenge } from '../../subgraphs/kernel/sealing/person-signature.ts';
import { writeRegistrationText } from '../../subgraphs/seals/signer/person/credential.ts';
import { locatePersonKeyFile, locateSignerKeyFile } from '../hub/secrets.ts';
import {
  addRegistrar,
  addRegistration,
  createSoftwareKey,
  openPersonKeys,
  signWithKey,
  writePersonKeys,
} from '../person-keys/keys.ts';
import type { Client, Data } from './client.ts';
import { check } from './output.ts';
import { findDemoPerson } from './people.ts';

/** The part of the demo in which an organ needs the decider's own signature (本人签名), for the time of the demo. */

const ORGAN = 'yudu-lyj';
const DECIDER = 'yudu-lyj.approver';
const VALID_DAYS = 1;
const DAY_MS = 86_400_000;

/** Registers a software key of the decider with two software registrars, and needs signatures of the organ. */
function requireSignatures(path: string): string {
  const { privateKey, publicKey } = createSoftwareKey();
  const decider = findDemoPerson(DECIDER);
  if (!decider) throw new Error(`no demo person ${DECIDER}`);
  const now = new Date();
  const registrars = ['administrator', 'administrator-deputy'].map((id) => ({
    // A new id each time: a registrar of an earlier demo keeps its key.
    ...{ id: `${id} ${now.toISOString()}`, keys: createSoftwareKey() },
  }));
  const statement = {
    ...{ credential: `demo ${now.toISOString()}`, person: decider.id, name: decider.name, organ: ORGAN },
    ...{ kind: 'KEY' as const, key: publicKey, validFrom: now.toISOString() },
    ...{ validTo: new Date(now.getTime() + VALID_DAYS * DAY_MS).toISOString(), registeredAt: now.toISOString() },
  };
  const text = writeRegistrationText(statement);
  const signatures = registrars.map(({ id, keys }) => signWithKey(keys.privateKey, id, text));
  const withRegistrars = registrars.reduce(
    (keys, { id, keys: { publicKey: key } }) => addRegistrar(keys, { id, kind: 'KEY', key, until: null }),
    { ...openPersonKeys(path), acceptsBareKeys: true },
  );
  const organs = [...withRegistrars.organs, { organ: ORGAN, from: now.toISOString() }];
  writePersonKeys(path, addRegistration({ ...withRegistrars, organs }, { statement, signatures }));
  return privateKey;
}

/** Shows that a decision without the signature is refused, and that one with it is sealed. */
export async function demonstratePersonSignature(client: Client, caseId: string): Promise<void> {
  const path = locatePersonKeyFile(locateSignerKeyFile(client.hub.dataFolder));
  const { organs } = openPersonKeys(path);
  try {
    const key = requireSignatures(path);
    const decision = { case: caseId, decision: 'GRANTED', authoriseSeal: true };
    const decide = async (input: object): Promise<Data> => {
      const query = `mutation($input: DecideCaseInput!) { decideCase(input: $input) { case { step } refusal { code }
        signatureRequest { required text salt challenge credentials { id } } } }`;
      return (await client.ask(DECIDER, query, { input: { ...decision, ...input } })).decideCase;
    };
    check('没有签名的决定不予办理', (await decide({})).refusal?.code === 'PERSON_SIGNATURE_MISSING');
    const { text, salt, challenge, credentials } = (await decide({ dryRun: true })).signatureRequest;
    check('预演给出待签内容，任何人可核对其摘要', challenge === computeChallenge(text));
    const [{ id: credential }] = credentials;
    const forged = { text, salt, ...signWithKey(createSoftwareKey().privateKey, credential, text) };
    check('别的密钥的签名不予承认', (await decide({ signature: forged })).refusal?.code === 'PERSON_SIGNATURE_INVALID');
    const signed = { text, salt, ...signWithKey(key, credential, text) };
    check('决定人签名后，决定办结', (await decide({ signature: signed })).case?.step === 'DECIDED');
  } finally {
    // The registration stays: the license of this case is still to be sealed.
    writePersonKeys(path, { ...openPersonKeys(path), organs });
  }
}
