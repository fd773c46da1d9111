/**
 * Returns the bytes of a value as JSON in UTF-8, or any number above `maxBytes` as soon as it is longer. Holds no more
 * memory than one text of the value needs.
 */
export function measureJson(value: unknown, maxBytes: number): number {
  if (typeof value === 'string') return measureText(value, maxBytes);
  if (typeof value !== 'object' || value === null) return String(value).length;
  let bytes = 2;
  const isFull = (more: number) => {
    // A comma follows all but the last.
    bytes += more + 1;
    return bytes > maxBytes;
  };
  if (Array.isArray(value)) {
    for (const item of value) if (isFull(measureJson(item, maxBytes - bytes))) return bytes;
    return bytes;
  }
  for (const name in value) {
    const nameBytes = measureText(name, maxBytes) + 1;
    if (isFull(nameBytes + measureJson((value as Record<string, unknown>)[name], maxBytes - bytes))) return bytes;
  }
  return bytes;
}

function measureText(text: string, maxBytes: number): number {
  return text.length > maxBytes ? text.length : Buffer.byteLength(JSON.stringify(text));
}
