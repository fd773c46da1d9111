import { createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { findUrlProblem, OPERATOR } from '../outgoing/address.ts';
import { readPublicKeys, type ServicePublicKeys } from '../sealing/service-keys.ts';
import { LOG_LEVELS, type LogLevel } from './levels.ts';

/** The kinds of value that an environment variable can have. Pure. */

/** One kind: what a message says was expected, and the schema that reads the text. */
export interface Kind<Value> {
  /** Completes the sentence "expected …". */
  expected: string;
  schema: z.ZodType<Value, string>;
  /** For a path: what is there. In production a process does not start while other accounts of the machine reach it. */
  holds?: Holding;
}

/**
 * `SECRET`: a file that only its owner may read. `TRUSTED`: a file whose content decides whom or what the hub believes,
 * so nobody else may write it. `SECRETS_FOLDER`: a folder with secrets. `PUBLIC`: everybody may read it.
 */
export type Holding = 'SECRET' | 'TRUSTED' | 'SECRETS_FOLDER' | 'PUBLIC';

const MAX_PORT = 65_535;
const MIN_KEY_BYTES = 32;

const integer = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number);

/** A port. 0 lets the system choose one. */
export const port: Kind<number> = {
  expected: `a number from 0 to ${MAX_PORT}`,
  schema: integer.refine((value) => value <= MAX_PORT),
};

/** A port that other processes must know before the start, so the system cannot choose it. */
export const knownPort: Kind<number> = {
  expected: `a number from 1 to ${MAX_PORT}`,
  schema: integer.refine((value) => value > 0 && value <= MAX_PORT),
};

export const count: Kind<number> = {
  expected: 'a whole number above 0',
  schema: integer.refine((value) => value > 0),
};

/** The database ends a statement after 15 s (db/client.ts). A read must be given up before, or it counts as a fault. */
const MAX_READ_DEADLINE_MS = 14_000;

export const readDeadline: Kind<number> = {
  expected: `a whole number from 1 to ${MAX_READ_DEADLINE_MS}`,
  schema: integer.refine((value) => value > 0 && value <= MAX_READ_DEADLINE_MS),
};

/** An event is given up and sent again after 10 s (kernel/http/ports-client.ts). Its consumer may wait too. */
const MAX_EVENT_WAIT_MS = 9_000;

export const eventWait: Kind<number> = {
  expected: `a whole number from 1 to ${MAX_EVENT_WAIT_MS}`,
  schema: integer.refine((value) => value > 0 && value <= MAX_EVENT_WAIT_MS),
};

/** An address to listen on: a host name or an IP address, without port or scheme. */
export const host: Kind<string> = {
  expected: 'a host name or IP address to listen on, without scheme and port',
  schema: z.string().regex(/^(?:[A-Za-z0-9_.-]{1,253}|[0-9a-fA-F:.]{2,45}(?:%\w+)?)$/),
};

export const httpUrl: Kind<string> = {
  expected: 'a URL such as http://127.0.0.1:4000',
  schema: z.url({ protocol: /^https?$/ }),
};

export const databaseUrl: Kind<string> = {
  expected: 'a URL postgres://role:password@host:port/database',
  // `URL` drops line breaks silently, and takes escapes that the driver cannot decode.
  schema: z
    .string()
    .regex(/^\S+$/)
    .refine(isDecodable)
    .pipe(z.url({ protocol: /^postgres(ql)?$/ })),
};

function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url);
    return true;
  } catch {
    return false;
  }
}

/** A person's token. Whatever else stands in a header would be printed by the message that refuses it. */
export const token: Kind<string> = {
  expected: 'a token: three parts in base64url, separated by dots',
  schema: z.string().regex(/^[\w-]+\.[\w-]+\.[\w-]+$/),
};

/** A secret that another system issued (RFC 6749, VSCHAR). */
export const secretText: Kind<string> = {
  expected: 'one line of ASCII characters',
  schema: z.string().regex(/^[\x20-\x7e]+$/),
};

export const text: Kind<string> = { expected: 'a text', schema: z.string().min(1) };

const path = { expected: 'a path', schema: z.string().min(1) };
/** Every path is of one of these kinds, so that no secret file is forgotten. */
export const secretFile = { ...path, holds: 'SECRET' } as const satisfies Kind<string>;
export const trustedFile = { ...path, holds: 'TRUSTED' } as const satisfies Kind<string>;
export const secretsFolder = { ...path, holds: 'SECRETS_FOLDER' } as const satisfies Kind<string>;
export const publicPath = { ...path, holds: 'PUBLIC' } as const satisfies Kind<string>;

export const uuid: Kind<string> = { expected: 'a UUID', schema: z.uuid() };

/** A name as C2SP signed notes allow it: no white space and no `+`. */
export const noteName: Kind<string> = {
  expected: 'a name of at most 128 characters without space and +',
  schema: z.string().regex(/^[^\p{White_Space}+]{1,128}$/u),
};

/** How important a line of the log must be to be written. */
export const logLevel: Kind<LogLevel> = {
  expected: LOG_LEVELS.join(', '),
  schema: z.enum(LOG_LEVELS),
};

/** Texts separated by commas. Empty ones are left out. */
export const list: Kind<string[]> = {
  expected: 'texts separated by commas',
  schema: z.string().transform((value) =>
    value
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  ),
};

const network = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]).refine((text) => !text.endsWith('/0'));

/** Addresses and networks of proxies, separated by commas. Not a network of everybody. */
export const networks: Kind<string[]> = {
  expected: 'IP addresses and networks such as 10.0.0.0/8, separated by commas',
  schema: list.schema.pipe(z.array(network)),
};

/** Origins of web pages (RFC 6454), as a browser writes them. */
export const origins: Kind<string[]> = {
  expected: 'origins such as https://office.example, separated by commas',
  schema: list.schema.refine((values) => values.every(isOrigin)),
};

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

const HOST_OR_NETWORK = /^(?:[\w-]+(?:\.[\w-]+)*|\[?[0-9a-f:.]+\]?)(?:\/\d{1,3})?$/i;

/** Hosts without scheme and port: names, addresses, or networks such as 10.3.0.0/16. */
export const hosts: Kind<string[]> = {
  expected: 'host names, addresses or networks such as 10.3.0.0/16, separated by commas',
  schema: list.schema.pipe(z.array(z.string().regex(HOST_OR_NETWORK))),
};

/** An issuer means production, where nobody on the way may change who somebody is. */
const ONLY_HERE = '; http only at a loopback address';

function isProtected(url: string): boolean {
  return findUrlProblem(url, OPERATOR, { isProduction: true, ownAddresses: [] }) === null;
}

/** An issuer of OpenID Connect, compared letter by letter with the name that it gives itself (Discovery, 4.3). */
export const issuer: Kind<string> = {
  expected: `a URL such as https://login.office.example/realms/staff, without query and fragment${ONLY_HERE}`,
  schema: z
    .url({ protocol: /^https?$/ })
    .regex(/^[^\s?#@]+$/)
    .max(2_000)
    .refine(isProtected),
};

/** Where the keys of an issuer are. */
export const issuerKeys: Kind<string> = {
  expected: `a URL such as https://login.office.example/keys${ONLY_HERE}`,
  schema: z.url({ protocol: /^https?$/ }).refine(isProtected),
};

export const libraryProtocol: Kind<'1' | '2'> = { expected: '1 or 2', schema: z.enum(['1', '2']) };

export const tokenKind: Kind<'access' | 'id'> = { expected: 'access or id', schema: z.enum(['access', 'id']) };

export const developmentReach: Kind<'local' | 'network' | 'none'> = {
  expected: 'local, network or none',
  schema: z.enum(['local', 'network', 'none']),
};

/** The name of a claim, such as `id_number` or `https://office.example/uscc`. */
export const claimName: Kind<string> = {
  expected: 'the name of a claim',
  schema: z.string().regex(/^[\w:/.-]{1,128}$/),
};

/** `production` is a hub that serves people for real. */
export const mode: Kind<'production' | 'development' | 'test'> = {
  expected: 'production or development',
  schema: z.enum(['production', 'development', 'test']),
};

const keyBytes = z
  .string()
  .regex(/^[\w+/-]+={0,2}$/)
  .transform((encoded) => new Uint8Array(Buffer.from(encoded, 'base64url')));

/** A key of HMAC, base64url. */
export const sharedKey: Kind<Uint8Array> = {
  expected: `at least ${MIN_KEY_BYTES} random bytes in base64url`,
  schema: keyBytes.refine((bytes) => bytes.length >= MIN_KEY_BYTES),
};

/** Keys of AES-256, base64url, separated by commas, the newest first. */
export const encryptionKeys: Kind<Uint8Array[]> = {
  expected: `keys of ${MIN_KEY_BYTES} bytes in base64url, separated by commas, the newest first`,
  schema: list.schema.pipe(z.array(keyBytes.refine((bytes) => bytes.length === MIN_KEY_BYTES)).min(1)),
};

/** The public key of whoever signs people's tokens: Ed25519, PEM. */
export const publicKey: Kind<KeyObject> = {
  expected: 'an Ed25519 public key in PEM',
  schema: z.string().transform((pem, context) => {
    try {
      const key = createPublicKey(pem);
      if (key.asymmetricKeyType === 'ed25519') return key;
    } catch {}
    context.addIssue({ code: 'custom', message: 'not a key' });
    return z.NEVER;
  }),
};

/** What PKCS #8 has before the 32 bytes of an Ed25519 key (RFC 8410). */
const ED25519_PREFIX = '302e020100300506032b657004220420';

/** The private key of a process of the hub: Ed25519, PKCS #8. One line, as every secret. */
export const privateKey: Kind<Uint8Array> = {
  expected: 'an Ed25519 private key, PKCS #8 in base64',
  schema: z
    .base64()
    .transform((encoded) => new Uint8Array(Buffer.from(encoded, 'base64')))
    .refine((der) => der.length === 48 && Buffer.from(der).toString('hex').startsWith(ED25519_PREFIX)),
};

/** Public keys of the processes of the hub. */
export const servicePublicKeys: Kind<ServicePublicKeys> = {
  expected: 'a JWK Set of Ed25519 public keys whose kid names the process',
  schema: z.string().transform((text, context) => {
    try {
      return readPublicKeys(text);
    } catch {}
    context.addIssue({ code: 'custom', message: 'no such set' });
    return z.NEVER;
  }),
};

/** The address of a service that is reached by TCP, not by HTTP. */
export const hostAndPort: Kind<{ host: string; port: number }> = {
  expected: 'host:port',
  schema: z
    .string()
    .regex(/^[\w.-]+:\d{1,5}$/)
    .transform((address) => ({ host: address.split(':')[0] ?? '', port: Number(address.split(':')[1]) }))
    .refine((address) => address.port <= MAX_PORT),
};
