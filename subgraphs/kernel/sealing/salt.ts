import { z } from 'zod';

/**
 * A random element (随机数): 128 bits, base64url. A content that has one cannot be guessed, so whoever has its digest
 * cannot test a guess (个人信息保护法). It is made once, where the content is made, and stored with it.
 */
export const saltSchema = z.string().regex(/^[\w-]{21}[AQgw]$/);

/** A content that may have a random element: `salt`, or `KZ_SJS` in a record or a statement. */
const saltedForm = z.union([z.looseObject({ salt: saltSchema }), z.looseObject({ KZ_SJS: saltSchema })]);

/** Returns whether a content has a random element. Contents that releases up to 0.4 made have none. */
export function hasSalt(content: unknown): boolean {
  return saltedForm.safeParse(content).success;
}
