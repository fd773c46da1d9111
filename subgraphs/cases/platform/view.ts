import type { PlatformKey } from './message.ts';
import type { Platform } from './platform.ts';

/** The parent value of Platform resolvers. @public by codegen.ts */
export type PlatformView = ReturnType<typeof viewPlatform>;

/** A platform as GraphQL shows it. `audience` is the URL that it posts to. */
export function viewPlatform({ organ, keys, ...platform }: Platform, audience: string) {
  return { ...platform, organ: { id: organ }, audience, keys: keys.map(viewKey) };
}

function viewKey({ kid, x, validFrom, validTo }: PlatformKey) {
  return { id: kid, publicKey: JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x }), validFrom, validTo };
}
