import { readFileSync, writeFileSync } from 'node:fs';

/**
 * `npm run split -- FILE.pdf`: extracts the signature from a sealed PDF, for tools that read CMS but not PDF.
 * Writes FILE.covered, the bytes that the signature covers, and FILE.p7s, the signature. Verifies nothing.
 */
export function splitSignature(pdf: Buffer): { covered: Buffer; cms: Buffer } {
  const range = /\/ByteRange \[0 +(\d+) +(\d+) +(\d+) *\]/.exec(pdf.toString('latin1'));
  if (!range) throw new Error('文件中没有签名 — no signature inside');
  const [start, end, rest] = range.slice(1).map(Number) as [number, number, number];
  const contents = Buffer.from(pdf.toString('latin1', start + 1, end - 1), 'hex');
  return {
    covered: Buffer.concat([pdf.subarray(0, start), pdf.subarray(end, end + rest)]),
    cms: contents.subarray(0, 4 + contents.readUInt16BE(2)),
  };
}

if (import.meta.main) {
  const [file] = process.argv.slice(2);
  try {
    if (!file?.toLowerCase().endsWith('.pdf')) throw new Error('用法 usage: npm run split -- FILE.pdf');
    const { covered, cms } = splitSignature(readFileSync(file));
    const name = file.slice(0, -'.pdf'.length);
    writeFileSync(`${name}.covered`, covered);
    writeFileSync(`${name}.p7s`, cms);
    console.log(`${name}.covered  ${name}.p7s`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
