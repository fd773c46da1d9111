/** Reproducible random values: the same seed returns the same draws. */
export interface RandomSource {
  /** Returns an integer from 0 up to, but not including, the limit. */
  below(below: number): number;
  /** Returns one of the values. Throws if there are none. */
  pick<Value>(values: readonly Value[]): Value;
  /** Returns random bytes. */
  bytes(length: number): Buffer;
  /** Returns a UUID (RFC 9562, version 4). */
  uuid(): string;
}

/** Mulberry32: 32 bits of state are enough to choose victims. */
export function createRandom(seed: number): RandomSource {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  // Discard the first draws: those of neighbouring seeds are alike.
  for (let i = 0; i < 8; i++) next();
  const below = (limit: number) => Math.floor(next() * limit);
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => below(256)));
  return {
    below,
    bytes,
    pick(values) {
      if (values.length === 0) throw new Error('there is nothing to choose from');
      return values[below(values.length)] as (typeof values)[number];
    },
    uuid() {
      const uuidBytes = bytes(16);
      uuidBytes.writeUInt8((uuidBytes.readUInt8(6) & 0x0f) | 0x40, 6);
      uuidBytes.writeUInt8((uuidBytes.readUInt8(8) & 0x3f) | 0x80, 8);
      return uuidBytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    },
  };
}
