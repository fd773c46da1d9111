import { createPublicKey } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import type { PARSERS as CASES } from '../../subgraphs/cases/parsers.ts';
import { createParserPool } from '../../subgraphs/kernel/foreign/pool.ts';
import { Overload } from '../../subgraphs/kernel/limits/overload.ts';
import { writeKey } from '../../subgraphs/kernel/tlog/note.ts';
import type { PARSERS as LICENSES } from '../../subgraphs/licenses/parsers.ts';
import type { PARSERS as MATTERS } from '../../subgraphs/matters/parsers.ts';
import type { PARSERS as SEALS } from '../../subgraphs/seals/parsers.ts';
import { pem } from '../library/authority.ts';
import { createRsaPair, issueCertificate } from '../support/pki-builder.ts';
import { WORST_CODES, WORST_FILES } from '../support/worst-files.ts';

/** The worst inputs of every parser. They are refused or judged, and not given up. */

/** Memory as an office has it. Each input takes some hundredths of a second, but a busy machine may make them long. */
const pool = createParserPool({ workers: 1, deadlineMs: 10_000 });
const moduleOf = (subgraph: string) => new URL(`../../subgraphs/${subgraph}/parsers.ts`, import.meta.url);
afterAll(() => pool.stop());

const TEXT_CHARS = 700_000;
const repeat = (part: string, chars = TEXT_CHARS) => part.repeat(Math.ceil(chars / part.length));
const toBytes = (text: string) => Buffer.from(text);
const encode = (text: string) => Buffer.from(text).toString('base64url');

/** Texts that a reader of JSON or of lines begins again and again, descends into or takes apart. */
const TEXTS = [
  ...['[', '{"a":', '[{},', '"\\"', '{"id":1,', '\n', ' ', '.', '9', '\\u0000', '﻿', '\n\n', '— a b\n'].map((part) =>
    repeat(part),
  ),
  `[${repeat('0,')}0]`,
  `{${repeat('"a":1,')}"a":1}`,
];

const { publicKey, privateKey } = createRsaPair();
const { n = '' } = publicKey.export({ format: 'jwk' });
/** A certificate with a key of any size, as anybody can make one. */
function certify(modulus: Buffer, exponent: Buffer): string {
  const [modulusText, exponentText] = [modulus, exponent].map((bytes) => bytes.toString('base64url'));
  const key = createPublicKey({ key: { kty: 'RSA', n: modulusText, e: exponentText }, format: 'jwk' });
  return pem(issueCertificate({ pair: { publicKey: key, privateKey }, isCa: true }).certificate);
}
const modulus = Buffer.from(n, 'base64url');
const SLOW_CHAINS = [
  certify(Buffer.alloc(2_048, 0xff), Buffer.from([1, 0, 1])),
  certify(modulus, Buffer.alloc(383, 0xff)),
  certify(modulus, Buffer.from([1, 0, 0, 0, 1])),
];

const BLOCK = '-----BEGIN CERTIFICATE-----';
const WITNESS = writeKey({ name: 'witness', type: 4, publicKey: Buffer.alloc(32, 1) });
const NOTE = 'log\n1\nAAAA\n\n— log AAAAAAAA\n';
const RECEIPT_KEY = JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' });
const EXPECTED = {
  ...{ stream: 's', revision: 1, identifier: 'i', act: 'a', state: 's' },
  ...{ documentDigest: 'd', recordDigest: 'r' },
};

/** As much as an import takes. */
const FILE_CHARS = 200_000;
const GUIDE_TEXTS = TEXTS.map((text) => text.slice(0, FILE_CHARS));
/** Lists with many lines, cells, quotes and repeated columns. */
const LISTS = [
  `matter,valid_from,mode\n${repeat('m,2026-01-01,DIRECT\n', 24_000)}`,
  `matter,valid_from${repeat(',mode', 190_000)}\n`,
  `matter,valid_from\n${repeat('"a""', 190_000)}`,
  `part,text\n${repeat('condition,x\n', FILE_CHARS - 20)}`.slice(0, FILE_CHARS),
  `part,text\n${repeat('"', 100_000)}`,
];

/** Inputs by parser: a new parser does not compile without its own. */
const WORST: {
  cases: Record<keyof typeof CASES, unknown[]>;
  matters: Record<keyof typeof MATTERS, unknown[]>;
  licenses: Record<keyof typeof LICENSES, unknown[]>;
  seals: Record<keyof typeof SEALS, unknown[]>;
} = {
  matters: {
    parseList: [...TEXTS, ...LISTS],
    parseOrgans: [...TEXTS, ...LISTS, `organ,valid_from,action\n${repeat('a,2026-01-01,END\n', 12_000)}`],
    readGuideFile: [...GUIDE_TEXTS, ...LISTS].flatMap((text) => [
      { format: 'JSON', text },
      { format: 'CSV', text },
    ]),
    readLicenseTypeFile: [...GUIDE_TEXTS, ...LISTS].map((text) => ({ text })),
    readOverlayFile: [...GUIDE_TEXTS, ...LISTS].flatMap((text) => [
      { format: 'JSON', text },
      { format: 'CSV', text },
    ]),
  },
  cases: {
    parseMessage: TEXTS.map(toBytes),
    parseMessageV2: TEXTS.map(toBytes),
    judgeSignature: [...TEXTS, repeat('/ByteRange ['), repeat('/ByteRange [0 1 3 4]')].map((text) => ({
      ...{ bytes: toBytes(text), mediaType: 'application/pdf', anchors: [], at: new Date(0) },
    })),
    // test/cases/upload-worst-files.test.ts has more of them.
    examineFile: [
      ...TEXTS.map((text) => toBytes(`%PDF-1.7\n${text}\nstartxref\n9\n%%EOF\n`)),
      ...Object.values(WORST_FILES),
    ],
  },
  licenses: {
    // test/licenses/worst-files.test.ts has more of them.
    verify: Object.values(WORST_FILES).map((file) => ({ evidence: { file, roots: [] }, at: new Date(0) })),
    verifyCode: [...TEXTS, ...Object.values(WORST_CODES)].map((text) => ({
      ...{ text, at: new Date(0) },
      material: { certificates: [], roots: [] },
    })),
    readCodeHints: [
      ...TEXTS,
      ...Object.values(WORST_CODES),
      ...TEXTS.map((text) => `${encode(text)}.${encode(text)}.`),
    ],
    readLedger: [...TEXTS, ...LISTS].map((text) => ({ bytes: toBytes(text), labels: ['经营范围'] })),
    readSealPicture: [...TEXTS.map(toBytes), ...Object.values(WORST_FILES)],
    requireReceipt: [...TEXTS, ...TEXTS.map((text) => `${encode(text)}.${encode(text)}.${encode(text)}`)].map(
      (receipt) => ({ receipt, expected: EXPECTED, receiptKey: RECEIPT_KEY }),
    ),
  },
  seals: {
    readForeignChain: [
      ...TEXTS,
      ...SLOW_CHAINS,
      repeat(BLOCK, 40_000),
      `${BLOCK}${repeat(' ', 39_000)}`,
      repeat(`${BLOCK}A-----END CERTIFICATE-----`, 40_000),
      `${BLOCK}${repeat('MII', 39_900)}-----END CERTIFICATE-----`,
    ],
    readPicture: TEXTS,
    readCosignature: TEXTS.map((answer) => ({ note: NOTE, vkey: WITNESS, answer })),
  },
};

describe.each(Object.entries(WORST))('%s', (subgraph, inputsByParser) => {
  const parse = pool.open(moduleOf(subgraph)) as (name: string, input: unknown) => Promise<unknown>;
  test.each(Object.entries(inputsByParser))('%s judges its worst inputs', async (name, inputs) => {
    for (const input of inputs) {
      const error = await parse(name, input).catch((reason: unknown) => reason);
      expect(error).not.toBeInstanceOf(Overload);
    }
    expect(pool.counts).toEqual({ workers: 1, ended: 0 });
  });
});

test.each(SLOW_CHAINS)('a certificate with a key that makes a verification slow is refused', async (chain) => {
  const parse = pool.open<typeof SEALS>(moduleOf('seals'));
  await expect(parse('readForeignChain', chain)).rejects.toMatchObject({ code: 'CERTIFICATE_UNFIT' });
});
