import { isSealedPdf } from '../../kernel/pdf/pdf.ts';
import { toPng } from '../../kernel/pdf/seal-image.ts';
import { readSealedPdf } from '../../kernel/pdf/sealed-pdf.ts';

/** Returns the office's own picture of the seal in a document, PNG, or null if its seal is drawn or not within. */
export function readSealPicture(file: Uint8Array): Uint8Array | null {
  const image = isSealedPdf(file) ? readSealedPdf(file).image : null;
  return image && toPng(image);
}
