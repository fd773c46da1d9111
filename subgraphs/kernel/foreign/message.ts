/** What the hub and a worker send each other. */

/** The parsers of one module by name. Each is a pure function of one argument. Pure functions need no secrets. */
// biome-ignore lint/suspicious/noExplicitAny: a table holds functions of any argument
export type ParserTable = Readonly<Record<string, (input: any) => unknown>>;

/** A value after its way between threads: a Buffer arrives as Uint8Array. */
export type Cloned<Value> = Value extends Uint8Array
  ? Uint8Array
  : Value extends Date | Map<unknown, unknown> | Set<unknown> | ArrayBufferLike
    ? Value
    : Value extends object
      ? { [Key in keyof Value]: Cloned<Value[Key]> }
      : Value;

/** What a parser of the table takes. A parser that relies on Buffer's own methods takes nothing. */
export type InputOf<Table extends ParserTable, Name extends keyof Table> =
  Cloned<Parameters<Table[Name]>[0]> extends Parameters<Table[Name]>[0] ? Parameters<Table[Name]>[0] : never;

export type OutputOf<Table extends ParserTable, Name extends keyof Table> = Cloned<Awaited<ReturnType<Table[Name]>>>;

/** One call of a parser. */
export interface WorkerRequest {
  /** URL of the module that exports the table as `PARSERS`. */
  module: string;
  name: string;
  input: unknown;
}

/**
 * `started` says that the module is loaded and the parser runs, and how much memory the worker has by then. One of the
 * others follows.
 */
export type WorkerAnswer =
  | { kind: 'started'; usedBytes: number }
  | { kind: 'done'; output: unknown }
  | { kind: 'refused'; code: string; field: string | null; message: string }
  | { kind: 'peer'; message: string }
  | { kind: 'failed'; message: string };

/** A message and the memory that goes with it instead of being copied. */
export interface Packed<Value> {
  value: Value;
  transfer: ArrayBuffer[];
}

/**
 * Prepares a value for another thread. Each byte array goes in memory of its own: a copy of a view would take the whole
 * memory behind it along, which may hold bytes of other requests. The memory of the arrays in `given` is handed over
 * without a copy if they fill it, and is empty for the sender afterwards.
 */
export function packMessage<Value>(value: Value, given: readonly Uint8Array[] = []): Packed<Value> {
  const transfer = new Set<ArrayBuffer>();
  const pack = (item: unknown): unknown => {
    if (item instanceof Uint8Array) return packBytes(item);
    if (Array.isArray(item)) return item.map(pack);
    if (typeof item !== 'object' || item === null) return item;
    const prototype = Object.getPrototypeOf(item);
    if (prototype !== Object.prototype && prototype !== null) return item;
    return Object.fromEntries(Object.entries(item).map(([key, member]) => [key, pack(member)]));
  };
  const packBytes = (bytes: Uint8Array): Uint8Array => {
    const isWhole = bytes.byteLength === bytes.buffer.byteLength;
    const packed = isWhole && given.includes(bytes) ? bytes : new Uint8Array(bytes);
    transfer.add(packed.buffer as ArrayBuffer);
    return packed;
  };
  return { value: pack(value) as Value, transfer: [...transfer] };
}

/** Returns the bytes of all byte arrays and twice the characters of all texts within a value. */
export function measureMessage(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value === 'string') return 2 * value.length;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, member) => sum + measureMessage(member), 0);
}
