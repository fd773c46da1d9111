import { Refusal } from '../../../../kernel/refusal.ts';

/** How large an accepted picture may be once it is decoded: few bytes can stand for very many pixels. */

/** A0 at 600 dpi has 28,087 pixels on its longer side. */
const MAX_SIDE_PIXELS = 30_000;
/** A0 at 300 dpi has 420 million in colour, at 600 dpi 70 million in black and white. */
const MAX_DECODED_BYTES = 600_000_000;

/** Refuses FILE_TOO_COMPLEX for a picture that nobody's computer should have to open. */
export function requireModestImage(image: { width: number; height: number; decodedBytes: number }): void {
  if (Math.max(image.width, image.height) > MAX_SIDE_PIXELS || image.decodedBytes > MAX_DECODED_BYTES) {
    throw new Refusal('FILE_TOO_COMPLEX', null, `图像过大，每边最多 ${MAX_SIDE_PIXELS} 像素，展开后最多 600 MB`);
  }
}
