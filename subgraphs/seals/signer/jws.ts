/**
 * Builds a compact JWS (RFC 7515) over a text. The header keeps the order of its members. `sign` is ECDSA on P-256 with
 * SHA-256 and returns r and s (ES256, RFC 7518 §3.4).
 */
export function compactJws(header: object, payload: string, sign: (data: Uint8Array) => Uint8Array): string {
  const input = `${base64url(JSON.stringify(header))}.${base64url(payload)}`;
  return `${input}.${base64url(sign(Buffer.from(input)))}`;
}

function base64url(data: string | Uint8Array): string {
  return Buffer.from(data as Uint8Array).toString('base64url');
}
