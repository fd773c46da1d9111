/** Returns a copy of a value with all byte arrays as hex, so that a Buffer equals a Uint8Array of the same bytes. */
export function toHex(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(toHex);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, toHex(part)]));
}
