import { readPicture } from './application/picture.ts';
import { readForeignChain } from './certification/certificate.ts';
import { readCosignature } from './log/cosignature.ts';

/** What seals parse of strangers' data. A worker runs these functions (`subgraphs/kernel/foreign/pool.ts`). */
export const PARSERS = { readForeignChain, readCosignature, readPicture };
