import { requireReceipt } from './library/receipt.ts';
import { readLedger } from './registration/ledger.ts';
import { readCodeHints } from './verification/code-hints.ts';
import { readSealPicture } from './verification/seal-picture.ts';
import { type CodeMaterial, verifyCode } from './verify/jws/code.ts';
import { type Evidence, verify } from './verify/verify.ts';

/** What licenses parse of strangers' data. A worker runs these functions (`subgraphs/kernel/foreign/pool.ts`). */
export const PARSERS = {
  verify: ({ evidence, at }: { evidence: Evidence; at: Date }) => verify(evidence, at),
  verifyCode: ({ text, material, at }: { text: string; material: CodeMaterial; at: Date }) =>
    verifyCode(text, material, at),
  readCodeHints,
  readLedger,
  readSealPicture,
  requireReceipt,
};
