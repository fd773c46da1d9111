import { Failure } from './verdict.ts';

/** A sealed PDF (PAdES, ETSI EN 319 142) taken apart into what was rendered and what sealed it. */
export interface SealedPdf {
  /** The file as it was rendered, before its seal. */
  unsigned: Uint8Array;
  /** CMS SignedData, DER. */
  cms: Uint8Array;
  /** SHA-256 over the byte ranges that are signed. */
  digest: Buffer;
  /** Signing time that the signature dictionary names (`/M`). */
  signedOn: Date;
}

/** Takes a sealed PDF apart; throws for anything that is not exactly the revision that a seal writes. */
export type ReadSealedPdf = (pdf: Uint8Array) => SealedPdf;

/** Whether a PDF says that it carries a signature of its own. */
export function claimsSeal(pdf: Uint8Array): boolean {
  return Buffer.from(pdf.buffer, pdf.byteOffset, pdf.byteLength).includes('/ByteRange');
}

/** The reader where there is none yet. */
export const readNoSealedPdf: ReadSealedPdf = () => {
  throw new Failure('FORMAT_FAILURE', '本版本还不能读取封装在 PDF 内的签名');
};
