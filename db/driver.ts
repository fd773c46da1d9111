import postgres, {
  type ParameterOrJSON,
  type PendingQuery,
  type Row,
  type Sql,
  type TransactionSql,
  type UnsafeQueryOptions,
} from 'postgres';

/** A statement that is built and not sent. `execute` sends it. Awaiting it sends it too. */
export type Statement = PendingQuery<Row[]>;

/** What drizzle uses of the driver to send statements. */
export interface StatementClient {
  unsafe(text: string, values?: unknown[], options?: UnsafeQueryOptions): Statement;
  /** Only the client of a transaction has it. */
  savepoint?(...savepoint: unknown[]): unknown;
}

/** The revision of `patches/postgres+3.4.9.patch`. The patched driver names it, see `patches/README.md`. */
const PATCH_REVISION = 2;

/** The installed driver is not patched. The message says what to do, in one line. */
export class UnpatchedDriver extends Error {
  override readonly name = 'UnpatchedDriver';
}

/**
 * Throws UnpatchedDriver if the installed driver is not patched. Without the patch a process does not survive a restart
 * of its database. `driver` is the module that `postgres` exports.
 */
export function requirePatchedDriver(driver: object = postgres): void {
  if (Reflect.get(driver, 'patchRevision') === PATCH_REVISION) return;
  throw new UnpatchedDriver(
    'node_modules/postgres lacks patches/postgres+3.4.9.patch: run `npm ci`, or `npx patch-package` without scripts',
  );
}

/**
 * Returns the same client, but it prepares each statement once per connection. drizzle describes a statement on every
 * call. That costs a second round trip and a plan for each of the hundred statements that issue a license.
 * It also checks parameters before anything is sent.
 */
export function withPreparedStatements<Client extends Sql | TransactionSql>(client: Client): Client {
  const overrides: Record<PropertyKey, unknown> = {
    unsafe: (text: string, values: ParameterOrJSON<never>[] = [], options?: UnsafeQueryOptions) => {
      requireSendable(values);
      return client.unsafe(text, values, { ...options, prepare: true });
    },
  };
  if ('begin' in client)
    overrides.begin = (run: (tx: TransactionSql) => unknown) => client.begin((tx) => run(withPreparedStatements(tx)));
  if ('savepoint' in client) {
    overrides.savepoint = (run: (tx: TransactionSql) => unknown) =>
      client.savepoint((tx) => run(withPreparedStatements(tx)));
  }
  return new Proxy(client, { get: (target, name) => overrides[name] ?? Reflect.get(target, name) });
}

/** The protocol counts parameters in 16 bits, and the driver refuses the largest two counts. */
const MAX_PARAMETERS = 65_533;

/**
 * Throws if the driver cannot write a parameter. The driver finds that out while it writes, and then gives up the
 * connection with every statement on it. drizzle has made text of dates, arrays and JSON by now.
 */
function requireSendable(values: readonly unknown[]): void {
  if (values.length > MAX_PARAMETERS) {
    throw Object.assign(new Error(`a statement has ${values.length} parameters`), { code: 'MAX_PARAMETERS_EXCEEDED' });
  }
  const place = values.findIndex((value) => !isSendable(value));
  if (place === -1) return;
  const value = values[place];
  const code = value === undefined ? 'UNDEFINED_VALUE' : 'UNSENDABLE_VALUE';
  throw Object.assign(new Error(`parameter ${place + 1} of a statement is ${describeType(value)}`), { code });
}

function isSendable(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
      return true;
    case 'object':
      return value === null || value instanceof Uint8Array;
    default:
      return false;
  }
}

function describeType(value: unknown): string {
  return typeof value === 'object' && value !== null ? `of type ${value.constructor?.name ?? 'object'}` : typeof value;
}
