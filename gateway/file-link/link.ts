import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../subgraphs/kernel/day.ts';
import type { ServiceIdentity } from '../../subgraphs/kernel/sealing/service-token.ts';

/**
 * The sealed part of a link to a file. It holds what a request without a link says in headers: token and purpose.
 * It is encrypted and authenticated (AES-256-GCM) together with the path, so nobody can read the token in it, change
 * it, or use it for another file. It says nothing of rights: whoever uses it is asked again by token.
 */

/** What a link stands for. */
export interface FileLink {
  token: string;
  purpose: string | null;
  remark: string | null;
  /** Whether the browser may show the file in a page. Otherwise it saves it. */
  isInline: boolean;
  /** Unix time in milliseconds. */
  expiresAt: number;
}

export type LinkFault = 'LINK_EXPIRED' | 'LINK_INVALID';

export interface FileLinks {
  /** Returns the text of a link to the file at `path`, base64url. */
  seal(link: FileLink, path: string): string;
  /** Returns what a link stands for, or why it does not count. */
  open(text: string, path: string): FileLink | LinkFault;
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const KEY_NAME = 'tongquan link to a file';

const content = z.object({
  token: z.string(),
  purpose: z.string().nullable(),
  remark: z.string().nullable(),
  isInline: z.boolean(),
  expiresAt: z.number(),
});

/** Creates the links of a gateway. All gateways that share a private key open each other's. */
export function createFileLinks({ privateKey }: ServiceIdentity, now: Clock): FileLinks {
  const secret = privateKey.export({ format: 'der', type: 'pkcs8' });
  const key = new Uint8Array(hkdfSync('sha256', secret, '', KEY_NAME, KEY_BYTES));
  return {
    seal(link, path) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(path));
      const sealed = Buffer.concat([cipher.update(JSON.stringify(link)), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    open(text, path) {
      const bytes = Buffer.from(text, 'base64url');
      // One link has one text: the decoder would also take others for the same bytes.
      if (bytes.toString('base64url') !== text || bytes.length <= NONCE_BYTES + TAG_BYTES) return 'LINK_INVALID';
      const link = decrypt(key, bytes, path);
      if (!link) return 'LINK_INVALID';
      return link.expiresAt > now().getTime() ? link : 'LINK_EXPIRED';
    },
  };
}

function decrypt(key: Uint8Array, bytes: Buffer, path: string): FileLink | null {
  const [nonce, tag] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)];
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(path)).setAuthTag(tag);
  try {
    const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
    return content.parse(JSON.parse(text.toString('utf8')));
  } catch {
    return null;
  }
}
