import * as kinds from './kinds.ts';
import { CONNECTION_LIMITS, COST_LIMITS, OPERATION_LIMITS, UPLOAD_LIMITS } from './rows/limit-variables.ts';
import { OUTGOING } from './rows/outgoing-variables.ts';
import { PARSERS } from './rows/parser-variables.ts';
import { SIGN_IN } from './rows/sign-in-variables.ts';
import { TRUST } from './rows/trust-variables.ts';

/**
 * Every environment variable that a process of the hub, a script or a reference peer reads.
 * `npm run configuration` writes this table to docs/configuration.md.
 */

/** How one process uses a variable. */
export interface Use {
  /** The process does not start without it. */
  required?: true;
  /** Taken if the variable is absent or empty. */
  default?: string;
  /** Required if this other variable is set. */
  with?: string;
  /** Required if this other variable is not set. */
  unless?: string;
  /** Required if NODE_ENV is `production`. */
  inProduction?: true;
  /** Narrower than the variable's own kind. */
  kind?: kinds.Kind<unknown>;
}

export interface Variable {
  kind: kinds.Kind<unknown>;
  /** Its value is never printed, not even when it is wrong. */
  isSecret?: true;
  /** An empty value is a mistake, such as a command substitution that failed. Otherwise it counts as absent. */
  refusesEmpty?: true;
  about: string;
  uses: Readonly<Partial<Record<ProcessName, Use>>>;
}

export type ProcessName =
  | 'start'
  | 'gateway'
  | 'matters'
  | 'cases'
  | 'licenses'
  | 'seals'
  | 'signer'
  | 'library'
  | 'platform'
  | 'supervisor'
  | 'witness'
  | 'demo'
  | 'token'
  | 'import'
  | 'people'
  | 'administrators'
  | 'authorisations'
  | 'lapses'
  | 'export'
  | 'erase'
  | 'audit'
  | 'rotate'
  | 'resume'
  | 'takeover'
  | 'bench';

/** Every process, its command, and its exit code when a variable is wrong (1 unless given). `npx node` is Node 24. */
export const PROCESSES: Readonly<Record<ProcessName, { command: string; exitCode?: number }>> = {
  start: { command: 'npm start' },
  gateway: { command: 'npx node gateway/main.ts' },
  matters: { command: 'npx node subgraphs/matters/main.ts' },
  cases: { command: 'npx node subgraphs/cases/main.ts' },
  licenses: { command: 'npx node subgraphs/licenses/main.ts' },
  seals: { command: 'npx node subgraphs/seals/main.ts' },
  signer: { command: 'npx node subgraphs/seals/signer/main.ts' },
  library: { command: 'npm run library' },
  platform: { command: 'npm run platform' },
  supervisor: { command: 'npm run supervisor' },
  witness: { command: 'npm run witness' },
  demo: { command: 'npm run demo' },
  token: { command: 'npm run token' },
  import: { command: 'npm run import' },
  people: { command: 'npm run people' },
  administrators: { command: 'npm run administrators' },
  authorisations: { command: 'npm run authorisations' },
  lapses: { command: 'npm run lapses' },
  export: { command: 'npm run export' },
  erase: { command: 'npm run erase' },
  audit: { command: 'npm run audit', exitCode: 2 },
  rotate: { command: 'npm run rotate' },
  resume: { command: 'npm run resume', exitCode: 2 },
  takeover: { command: 'npm run takeover', exitCode: 2 },
  bench: { command: 'npm run bench, npm run bench:log' },
};

const required = { required: true } as const;
const optional = {} as const;
const defaultTo = <const Text extends string>(value: Text) => ({ default: value }) as const;
const knownPort = <const Text extends string>(value: Text) => ({ default: value, kind: kinds.knownPort }) as const;
const requiredUnless = <const Name extends string>(name: Name) => ({ unless: name }) as const;

const LOCAL = defaultTo('127.0.0.1');
const HUB_URL = defaultTo('http://127.0.0.1:4000');
const LEVEL = defaultTo('info');
const DATA = defaultTo('data');

/** Where processes listen, and where they find each other. */
const ADDRESSES = {
  HOST: {
    kind: kinds.host,
    about: 'Address to listen on. 0.0.0.0 or :: listens on all; then set PUBLIC_URL too.',
    uses: {
      ...{ start: LOCAL, gateway: LOCAL, matters: LOCAL, cases: LOCAL, licenses: LOCAL, seals: LOCAL, signer: LOCAL },
      ...{ library: LOCAL, platform: LOCAL, supervisor: LOCAL, witness: LOCAL, demo: LOCAL, export: LOCAL },
    },
  },
  PORT: {
    kind: kinds.port,
    about: 'Port to listen on; 0 lets the system choose. demo and export look for the running hub there.',
    uses: {
      ...{ gateway: defaultTo('4000'), matters: defaultTo('4001'), cases: defaultTo('4002') },
      ...{ licenses: defaultTo('4003'), seals: defaultTo('4004'), signer: defaultTo('4005') },
      ...{ start: knownPort('4000'), demo: knownPort('4000'), export: knownPort('4000') },
    },
  },
  PUBLIC_URL: {
    kind: kinds.httpUrl,
    about: 'Address at which the public reaches the gateway. It stands in every QR code. `npm start`: its own address.',
    uses: { start: optional, gateway: optional, cases: required, licenses: required },
  },
  ALLOWED_ORIGINS: {
    kind: kinds.origins,
    about:
      "Origins whose pages may use the hub from a browser, such as https://office.example, separated by commas. Absent: none in production, otherwise any of the user's own machine.",
    uses: { start: optional, gateway: optional },
  },
  LOG_LEVEL: {
    kind: kinds.logLevel,
    about: 'Least important line that is logged. Requests that a caller got wrong are info, faults are error.',
    uses: {
      ...{ start: LEVEL, gateway: LEVEL, matters: LEVEL, cases: LEVEL, licenses: LEVEL, seals: LEVEL, signer: LEVEL },
      ...{ library: LEVEL, platform: LEVEL, supervisor: LEVEL, witness: LEVEL },
    },
  },
  MATTERS_URL: { kind: kinds.httpUrl, about: 'Address of the subgraph matters.', uses: { gateway: required } },
  CASES_URL: {
    kind: kinds.httpUrl,
    about: 'Address of the subgraph cases.',
    uses: { gateway: required, matters: required, licenses: required, seals: required },
  },
  LICENSES_URL: {
    kind: kinds.httpUrl,
    about: 'Address of the subgraph licenses.',
    uses: { gateway: required, matters: required, cases: required, seals: required },
  },
  SEALS_URL: {
    kind: kinds.httpUrl,
    about: 'Address of the subgraph seals.',
    uses: { gateway: required, cases: required, licenses: required },
  },
  SIGNER_URL: { kind: kinds.httpUrl, about: 'Address of the signer.', uses: { seals: required } },
  HUB_URL: {
    kind: kinds.httpUrl,
    about: 'The running hub to import into.',
    uses: { import: HUB_URL, people: HUB_URL },
  },
  CLAMD: {
    kind: kinds.hostAndPort,
    about: 'The clamd that scans uploaded files. Without it the hub only examines them itself, which is no virus scan.',
    uses: { start: optional, cases: optional },
  },
} as const satisfies Record<string, Variable>;

/** Databases, folders, keys and tokens of the hub. */
const DATA_AND_KEYS = {
  DATABASE_URL: {
    kind: kinds.databaseUrl,
    isSecret: true,
    about:
      'A subgraph: its database, with its own role. start, rotate, resume, takeover, administrators: a PostgreSQL of your own in place of the embedded one, as a role that may create databases and roles. export, audit, erase: the same server.',
    uses: {
      ...{ matters: required, cases: required, licenses: required, seals: required },
      ...{ start: optional, rotate: optional, resume: optional, export: optional, erase: optional, audit: optional },
      ...{ administrators: optional, takeover: optional, authorisations: optional, lapses: optional },
    },
  },
  DATA_FOLDER: {
    kind: kinds.secretsFolder,
    about: 'Folder of the embedded database, the secrets and the published log. The reference peers keep theirs there.',
    uses: {
      ...{ start: DATA, demo: DATA, token: DATA, import: DATA, export: DATA },
      ...{ erase: DATA, audit: DATA, rotate: DATA, resume: DATA },
      ...{ library: DATA, platform: DATA, supervisor: DATA, people: DATA, administrators: DATA, takeover: DATA },
      ...{ authorisations: DATA, lapses: DATA },
    },
  },
  SERVICE_PRIVATE_KEY: {
    kind: kinds.privateKey,
    isSecret: true,
    about: 'Private key of this process, by which it proves itself to the others. `npm run service-keys` makes one.',
    uses: { gateway: required, matters: required, cases: required, licenses: required, seals: required },
  },
  SERVICE_PUBLIC_KEYS: {
    kind: kinds.servicePublicKeys,
    about: 'Public keys of the processes. The same in all of them (docs/operations.md).',
    uses: {
      ...{ matters: required, cases: required, licenses: required, seals: required, signer: required },
      ...{ authorisations: optional },
    },
  },
  DERIVATION_KEY: {
    kind: kinds.sharedKey,
    isSecret: true,
    about:
      'The secrets of webhooks and approval platforms are derived from it. Releases up to 0.4 called it AUTHORISATION_KEY_CASES: keep its value.',
    uses: { cases: required },
  },
  AUTHORISATION_KEY_CASES: {
    kind: kinds.sharedKey,
    isSecret: true,
    about: 'Verifies statements of releases up to 0.4 by which cases authorised a use of a seal.',
    uses: { authorisations: optional },
  },
  AUTHORISATION_KEY_LICENSES: {
    kind: kinds.sharedKey,
    isSecret: true,
    about: 'Verifies statements of releases up to 0.4 by which licenses authorised a use of a seal.',
    uses: { authorisations: optional },
  },
  KNOWN_AUTHORISATIONS_FILE: {
    kind: kinds.trustedFile,
    about:
      'File of the authorisations that waited for their seal when keys changed, by `npm run authorisations`. Empty: none.',
    uses: { signer: optional },
  },
  KEY_ENCRYPTION_KEY_FILE: {
    kind: kinds.secretFile,
    about: 'File of the key-encryption keys. The signer creates it if there is none.',
    uses: { signer: optional },
  },
  KEY_ENCRYPTION_KEY: {
    kind: kinds.encryptionKeys,
    isSecret: true,
    about: 'The key-encryption keys themselves, if there is no file.',
    uses: { signer: requiredUnless('KEY_ENCRYPTION_KEY_FILE') },
  },
  PERSON_KEY_FILE: {
    kind: kinds.trustedFile,
    about:
      "File of persons' public keys and of the organs that need their signatures (docs/signer.md). Empty: none does.",
    uses: { signer: optional },
  },
} as const satisfies Record<string, Variable>;

/** Reference peers and benchmarks. What LIBRARY_* leaves out comes from `library.json` in the hub's DATA_FOLDER. */
const PEERS = {
  LIBRARY_PORT: {
    kind: kinds.port,
    about: 'Port of the reference city library (default 4010).',
    uses: { start: knownPort('4010'), library: optional },
  },
  LIBRARY_DATABASE_URL: {
    kind: kinds.databaseUrl,
    isSecret: true,
    about: "The library's own database.",
    uses: { library: optional },
  },
  LIBRARY_ROOT_PEM: {
    kind: kinds.trustedFile,
    about: "File of the hub's root certificate.",
    uses: { library: optional },
  },
  LIBRARY_NAME: {
    kind: kinds.noteName,
    about: "The library's name in receipts and as a witness.",
    uses: { library: optional },
  },
  LIBRARY_LOG_KEY: {
    kind: kinds.text,
    about: "Keys of the hub's log, separated by commas. Receipts state the first.",
    uses: { library: optional },
  },
  LIBRARY_PROTOCOL: {
    kind: kinds.libraryProtocol,
    about: 'The newest version of its protocol that the reference library speaks (default 2).',
    uses: { library: optional },
  },
  LIBRARY_HUB_URL: { kind: kinds.httpUrl, about: 'The hub to compare with.', uses: { library: optional } },
  LIBRARY_HUB_TOKEN: {
    kind: kinds.token,
    isSecret: true,
    about: 'Token with which the library reads the hub to compare.',
    uses: { library: optional },
  },
  SUPERVISOR_WEBHOOK: {
    kind: kinds.uuid,
    about: 'Id of the webhook, as the mutation registerWebhook returns it.',
    uses: { supervisor: required },
  },
  SUPERVISOR_SECRET: {
    kind: kinds.secretText,
    isSecret: true,
    about: 'Secret of the webhook, as the mutation registerWebhook returns it.',
    uses: { supervisor: required },
  },
  SUPERVISOR_HUB_URL: { kind: kinds.httpUrl, about: 'The hub to answer.', uses: { supervisor: HUB_URL } },
  SUPERVISOR_PORT: {
    kind: kinds.port,
    about: 'Port of the reference supervision system.',
    uses: { supervisor: defaultTo('4020') },
  },
  WITNESS_LOGS: {
    kind: kinds.list,
    about: 'Keys of the logs to watch, as `/log/key` returns them, separated by commas.',
    uses: { witness: required },
  },
  WITNESS_NAME: {
    kind: kinds.noteName,
    about: "The witness's name.",
    uses: { witness: defaultTo('witness.tongquan.test/w1') },
  },
  WITNESS_FOLDER: {
    kind: kinds.secretsFolder,
    about: "Folder of the witness's key and memory.",
    uses: { witness: defaultTo('data/witness') },
  },
  WITNESS_PORT: { kind: kinds.port, about: 'Port of the witness.', uses: { witness: defaultTo('4040') } },
  SAMPLES: {
    kind: kinds.count,
    about: 'How often bench:log measures the time to a cosigned checkpoint.',
    uses: { bench: defaultTo('200') },
  },
} as const satisfies Record<string, Variable>;

export const ENVIRONMENT = {
  ...ADDRESSES,
  ...(OUTGOING satisfies Record<string, Variable>),
  ...(SIGN_IN satisfies Record<string, Variable>),
  ...COST_LIMITS,
  ...CONNECTION_LIMITS,
  ...OPERATION_LIMITS,
  ...UPLOAD_LIMITS,
  ...DATA_AND_KEYS,
  ...TRUST,
  ...(PARSERS satisfies Record<string, Variable>),
  ...PEERS,
} satisfies Record<string, Variable>;

export type VariableName = keyof typeof ENVIRONMENT;
