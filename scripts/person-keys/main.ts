import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  CREDENTIAL_KINDS,
  type CredentialKind,
  type PersonSignature,
} from '../../subgraphs/kernel/sealing/person-signature.ts';
import {
  findRegistrationFault,
  type Registration,
  registration,
  writeRegistrationText,
} from '../../subgraphs/seals/signer/person/credential.ts';
import {
  addRegistrar,
  addRegistration,
  createSoftwareKey,
  openPersonKeys,
  PersonKeyError,
  signWithKey,
  writePersonKeys,
} from './keys.ts';

/**
 * `npm run person-keys -- COMMAND …`: keeps the signer's file of persons' keys (docs/signer.md). Runs on the signer's
 * machine, except `key`, `state` and `sign`, which need no file.
 */

/** Reads options. A missing one ends the command with its name. */
interface Options {
  need(name: string): string;
  find(name: string): string | null;
}

const NAMES = ['file', 'out', 'id', 'kind', 'key', 'rp-id', 'origin', 'organ', 'from', 'to', 'credential', 'person'];
const MORE_NAMES = ['name', 'registration', 'signature', 'reason', 'until'];

const toInstant = (text: string): string => {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) throw new PersonKeyError(`时间无效 — not a time: ${text}`);
  return at.toISOString();
};

function readKind(options: Options): CredentialKind {
  const kind = options.need('kind');
  const found = CREDENTIAL_KINDS.find((known) => known === kind);
  if (!found) throw new PersonKeyError(`--kind ${CREDENTIAL_KINDS.join(' | ')}`);
  return found;
}

const readText = (path: string) => readFileSync(path, 'utf8');
const parseRegistration = (path: string): Registration => registration.parse(JSON.parse(readText(path)));

function change(
  options: Options,
  apply: (keys: ReturnType<typeof openPersonKeys>) => ReturnType<typeof openPersonKeys>,
): string {
  const path = options.need('file');
  writePersonKeys(path, apply(openPersonKeys(path)));
  return `已写入 written: ${path}`;
}

/** Adds a signature to a registration: by a software key, or one made elsewhere. Without either, writes the text. */
function signRegistration(options: Options): string {
  const path = options.need('registration');
  const draft = parseRegistration(path);
  const text = writeRegistrationText(draft.statement);
  const id = options.need('id');
  const [keyPath, signaturePath] = [options.find('key'), options.find('signature')];
  if (keyPath === null && signaturePath === null) {
    writeFileSync(`${path}.txt`, text);
    return `待签文本 text to sign: ${path}.txt`;
  }
  const signature: PersonSignature =
    keyPath === null
      ? { ...JSON.parse(readText(signaturePath ?? '')), credential: id }
      : signWithKey(readText(keyPath), id, text);
  const others = draft.signatures.filter(({ credential }) => credential !== id);
  const signed = registration.parse({ ...draft, signatures: [...others, signature] });
  writeFileSync(path, `${JSON.stringify(signed, null, 2)}\n`);
  return `已签名 signed: ${path}`;
}

function stateRegistration(options: Options): string {
  const statement = {
    ...{ credential: options.need('credential'), person: options.need('person'), name: options.need('name') },
    ...{ organ: options.need('organ'), kind: readKind(options), key: readText(options.need('key')) },
    ...{ validFrom: toInstant(options.need('from')), validTo: toInstant(options.need('to')) },
    registeredAt: new Date().toISOString(),
  };
  return JSON.stringify(registration.parse({ statement, signatures: [] }), null, 2);
}

function createKeyFile(options: Options): string {
  const path = options.need('out');
  if (existsSync(path)) throw new PersonKeyError(`文件已存在 — the file exists: ${path}`);
  const { privateKey, publicKey } = createSoftwareKey();
  writeFileSync(path, privateKey, { mode: 0o600, flag: 'wx' });
  return publicKey.trimEnd();
}

function listRegistrations(options: Options): string {
  const keys = openPersonKeys(options.need('file'));
  const organs = keys.organs.map(({ organ, from }) => `须本人签名 required: ${organ} ${from}`);
  const registrars = keys.registrars.map(({ id, kind, until }) => `登记人 registrar: ${id} ${kind} ${until ?? ''}`);
  const credentials = keys.registrations.map((entry) => {
    const { credential, person, organ, validTo } = entry.statement;
    const ending = keys.endings.find((end) => end.credential === credential);
    const fault = findRegistrationFault(keys, entry);
    return `凭据 credential: ${credential} ${person} ${organ} – ${validTo} ${fault ?? (ending ? `停用 ended ${ending.from}` : '')}`;
  });
  return [...organs, ...registrars, ...credentials].map((line) => line.trimEnd()).join('\n');
}

/** Every command, its options, and what it does. It returns the text to print. */
const COMMANDS: Readonly<Record<string, { usage: string; run: (options: Options) => string }>> = {
  key: { usage: '--out KEY.pem', run: createKeyFile },
  party: {
    usage: '--file F --rp-id HOST --origin URL[,URL…]',
    run: (options) => {
      const party = { rpId: options.need('rp-id'), origins: options.need('origin').split(',') };
      return change(options, (keys) => ({ ...keys, party }));
    },
  },
  'accept-bare-keys': {
    usage: '--file F',
    run: (options) => change(options, (keys) => ({ ...keys, acceptsBareKeys: true })),
  },
  registrar: {
    usage: '--file F --id PERSON --kind KIND --key PUBLIC.pem',
    run: (options) => {
      const entry = {
        id: options.need('id'),
        kind: readKind(options),
        key: readText(options.need('key')),
        until: null,
      };
      return change(options, (keys) => addRegistrar(keys, entry));
    },
  },
  'end-registrar': {
    usage: '--file F --id PERSON --until TIME',
    run: (options) => {
      const [id, until] = [options.need('id'), toInstant(options.need('until'))];
      return change(options, (keys) => {
        if (!keys.registrars.some((known) => known.id === id))
          throw new PersonKeyError(`没有此登记人 — no such registrar: ${id}`);
        const registrars = keys.registrars.map((known) => (known.id === id ? { ...known, until } : known));
        return { ...keys, registrars };
      });
    },
  },
  require: {
    usage: '--file F --organ ORGAN [--from TIME]',
    run: (options) => {
      const organ = options.need('organ');
      const from = toInstant(options.find('from') ?? new Date().toISOString());
      return change(options, (keys) => ({
        ...keys,
        organs: [...keys.organs.filter((o) => o.organ !== organ), { organ, from }],
      }));
    },
  },
  release: {
    usage: '--file F --organ ORGAN',
    run: (options) => {
      const organ = options.need('organ');
      return change(options, (keys) => ({ ...keys, organs: keys.organs.filter((entry) => entry.organ !== organ) }));
    },
  },
  state: {
    usage: '--credential ID --person P --name N --organ O --kind KIND --key PUBLIC.pem --from TIME --to TIME',
    run: stateRegistration,
  },
  sign: { usage: '--registration R.json --id REGISTRAR [--key KEY.pem | --signature S.json]', run: signRegistration },
  add: {
    usage: '--file F --registration R.json',
    run: (options) => {
      const entry = parseRegistration(options.need('registration'));
      return change(options, (keys) => addRegistration(keys, entry));
    },
  },
  end: {
    usage: '--file F --credential ID [--from TIME] --reason WORDS',
    run: (options) => {
      const [credential, reason] = [options.need('credential'), options.need('reason')];
      const from = toInstant(options.find('from') ?? new Date().toISOString());
      return change(options, (keys) => {
        if (!keys.registrations.some(({ statement }) => statement.credential === credential))
          throw new PersonKeyError(`没有此凭据 — no such credential: ${credential}`);
        return { ...keys, endings: [...keys.endings, { credential, from, reason }] };
      });
    },
  },
  list: { usage: '--file F', run: listRegistrations },
};

function runCommand([name = '', ...args]: readonly string[]): string {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const usages = Object.entries(COMMANDS).map(([known, { usage }]) => `npm run person-keys -- ${known} ${usage}`);
  if (!command) throw new PersonKeyError(`用法 usage:\n${usages.join('\n')}`);
  const options = Object.fromEntries([...NAMES, ...MORE_NAMES].map((option) => [option, { type: 'string' }] as const));
  const { values } = parseArgs({ args: [...args], options });
  const find = (option: string) => (values[option] as string | undefined) ?? null;
  return command.run({
    find,
    need: (option) => {
      const value = find(option);
      if (value === null || value === '')
        throw new PersonKeyError(
          `缺少 missing --${option}\n用法 usage: npm run person-keys -- ${name} ${command.usage}`,
        );
      return value;
    },
  });
}

try {
  console.log(runCommand(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
