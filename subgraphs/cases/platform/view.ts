import { UUID_PATTERN } from '../../kernel/identifier.ts';
import type { PlatformKey } from './message.ts';
import type { Platform } from './platform.ts';
import type { StoredMessage } from './store.ts';

/** The parent value of Platform resolvers. @public by codegen.ts */
export type PlatformView = ReturnType<typeof viewPlatform>;

/** The parent value of PlatformKey resolvers. @public by codegen.ts */
export type KeyView = ReturnType<typeof viewKey>;

/** The parent value of PlatformMessage resolvers. @public by codegen.ts */
export type MessageView = ReturnType<typeof viewMessage>;

/** A platform as GraphQL shows it. `audience` is the URL that it posts to. */
export function viewPlatform({ organ, keys, ...platform }: Platform, audience: string) {
  return { ...platform, organ: { id: organ }, audience, keys: keys.map(viewKey) };
}

/** A key of a platform as GraphQL shows it. */
export function viewKey({ kid, x, validFrom, validTo }: PlatformKey) {
  return { id: kid, kid, publicKey: JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x }), validFrom, validTo };
}

/** Returns the platform and the id in the key by which `node` finds a message, or null. See `viewMessage`. */
export function parseMessageKey(key: string): { platformId: string; id: string } | null {
  const [platformId = '', id = ''] = key.split('/', 2);
  return UUID_PATTERN.test(platformId) && UUID_PATTERN.test(id) ? { platformId, id } : null;
}

/** A message of a platform as GraphQL shows it. Two platforms may choose one id, so its key names the platform too. */
export function viewMessage({ platformId, id, raw, kid, ...row }: StoredMessage) {
  const { type, digest, signature, receivedAt, verdict, answer } = row;
  const body = Buffer.from(raw).toString('utf8');
  return {
    id: `${platformId}/${id}`,
    messageId: id,
    type,
    key: kid,
    digest,
    body,
    signature,
    receivedAt,
    verdict,
    answer,
  };
}
