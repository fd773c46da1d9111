import { sha256 } from '../../kernel/events/events.ts';
import { PictureError, toSealImage } from '../../kernel/pdf/seal-image.ts';
import { Refusal } from '../../kernel/refusal.ts';

/** An office's own picture of a seal (印模图片). */
export interface SealPicture {
  png: Uint8Array;
  /** SHA-256 of `png`, hex. */
  digest: string;
}

/** Maximum of base64 characters of a picture: 256 KiB of bytes. */
const MAX_PICTURE_BASE64_CHARS = 350_000;

/** Reads a picture, PNG in base64, that a keeper chose. Refuses FIELD_MALFORMED, FIELD_TOO_LONG. */
export function readPicture(base64: string): SealPicture {
  if (base64.length > MAX_PICTURE_BASE64_CHARS) throw new Refusal('FIELD_TOO_LONG', 'picture', '图片超过 256 KiB');
  const png = Buffer.from(base64, 'base64');
  if (png.toString('base64') !== base64) throw new Refusal('FIELD_MALFORMED', 'picture', '图片须以 base64 编码');
  try {
    toSealImage(png);
    return { png, digest: sha256(png) };
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    throw new Refusal(error.isTooLarge ? 'FIELD_TOO_LONG' : 'FIELD_MALFORMED', 'picture', error.message);
  }
}
