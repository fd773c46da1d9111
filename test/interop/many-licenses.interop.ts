import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { splitSignature } from '../../scripts/split.ts';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import { requirePrintable } from '../../subgraphs/kernel/pdf/document.ts';
import { insertSignature } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import type { SealedRecord } from '../../subgraphs/licenses/act/record.ts';
import { AUTHORISER, COUNTY_MATTER, requestOf } from '../seals/requests.ts';
import { openSealsFixture, type SealsFixture } from '../seals/seals-fixture.ts';
import { sampleRecord } from '../support/record.ts';

/** `LICENSES=1000 npm run test:interop` for the long run. */
const LICENSES = Number(process.env.LICENSES ?? 100);
const SEED = 20_261_125;

function isPrintable(text: string): boolean {
  try {
    requirePrintable(text);
    return text.trim() === text && text !== '';
  } catch {
    return false;
  }
}

const NAMES = [
  '王伟',
  '欧阳娜娜',
  '李𬘓',
  '丁䶮',
  '买买提·吐尔逊',
  '迪丽热巴·迪力木拉提',
  '朱㙓',
  '㐂多',
  '于都县贡江示范药业有限公司',
  'Jean-Luc O’Neill（让·吕克）',
];
/** A Han character of the basic block or of extension A, an ASCII character, or a common symbol. */
const letter = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0x4e00, max: 0x9fa5 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0x3400, max: 0x4db5 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...[...'（）《》“”·—…①②③℃㎡'].map((character) => character.codePointAt(0) ?? 0)),
  },
);
const printableText = (maxLength: number) =>
  fc
    .array(
      letter
        .map((code) => String.fromCodePoint(code))
        .filter((character) => character === ' ' || isPrintable(character)),
      { minLength: 1, maxLength: maxLength },
    )
    .map((letters) => letters.join('').trim() || '无');
const name = fc.oneof(fc.constantFrom(...NAMES.filter(isPrintable)), printableText(40));
const fields = fc.array(fc.record({ label: printableText(12), text: printableText(500) }), { maxLength: 12 });

/** Independent tools verify licenses with every kind of name, long fields and rare characters. */
describe(`${LICENSES} licenses`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tongquan-thousand-'));
  const path = (file: string) => join(folder, file);
  let fixture: SealsFixture;
  beforeAll(async () => {
    fixture = await openSealsFixture();
    writeFileSync(path('root.pem'), await fixture.seals.rootCertificate());
    const samples = fc.sample(fc.tuple(name, fields, printableText(30)), { seed: SEED, numRuns: LICENSES });
    for (const [i, [holder, lines, title]] of samples.entries()) await seal(i, buildRecord(i, holder, lines, title));
  });
  afterAll(async () => {
    await fixture?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function buildRecord(i: number, CZZT: string, KZ_NR: SealedRecord['KZ_NR'], ZZMC: string): SealedRecord {
    const ZZBH = `3607312026${String(i + 1).padStart(6, '0')}`;
    const ZZBS = writeLicenseIdentifier({
      type: sampleRecord.ZZLXDM,
      issuer: sampleRecord.ZZBFJGDM,
      serial: ZZBH,
      version: 1,
    });
    const caseFields = { KZ_SX: COUNTY_MATTER, ZZQZR: AUTHORISER };
    return {
      ...sampleRecord,
      ...caseFields,
      ZZMC,
      CZZT,
      KZ_NR,
      ZZBH,
      ZZBS,
      KZ_HYDZ: `http://127.0.0.1:4000/v/${ZZBS}`,
    };
  }

  async function seal(i: number, licenseRecord: SealedRecord): Promise<void> {
    const request = requestOf(licenseRecord);
    const answer = await fixture.seals.sign({ ...request, authorisation: await fixture.authorise(request) });
    if (answer.state !== 'SIGNED') throw new Error(answer.reason);
    const pdf = Buffer.from(insertSignature(request.document, answer.signature));
    const { covered, cms } = splitSignature(pdf);
    writeFileSync(path(`${i}.pdf`), pdf);
    writeFileSync(path(`${i}.covered`), covered);
    writeFileSync(path(`${i}.p7s`), cms);
  }

  const collectFailures = async (
    command: string,
    args: (i: number) => string[],
    isGood: (output: string) => boolean,
  ) => {
    const run = promisify(execFile);
    const failures: string[] = [];
    for (let i = 0; i < LICENSES; i++) {
      const { stdout } = await run(command, args(i)).catch((error) => ({ stdout: `${error.message}` }));
      if (!isGood(stdout)) failures.push(`${i}: ${stdout.slice(0, 200)}`);
    }
    return failures;
  };

  test('pdfsig: valid, trusted, the whole document', async () => {
    mkdirSync(path('trust'));
    spawnSync('certutil', ['-N', '-d', path('trust'), '--empty-password']);
    spawnSync('certutil', ['-A', '-d', path('trust'), '-n', 'root', '-t', 'CT,CT,CT', '-i', path('root.pem')]);
    const isGood = (output: string) =>
      ['Signature is Valid.', 'Certificate is Trusted.', 'Total document signed'].every((word) =>
        output.includes(word),
      );
    expect(await collectFailures('pdfsig', (i) => ['-nssdir', path('trust'), path(`${i}.pdf`)], isGood)).toEqual([]);
  });

  test('openssl cms -verify -cades', async () => {
    const form = 'cms -verify -cades -binary -inform DER -purpose any -out /dev/null'.split(' ');
    const args = (i: number) => [
      ...form,
      '-in',
      path(`${i}.p7s`),
      '-content',
      path(`${i}.covered`),
      '-CAfile',
      path('root.pem'),
    ];
    expect(await collectFailures('openssl', args, (output) => output === '')).toEqual([]);
  });

  test('qpdf --check reports no problem', async () => {
    const isGood = (output: string) =>
      output.includes('No syntax or stream encoding errors') && !output.includes('WARNING');
    expect(await collectFailures('qpdf', (i) => ['--check', path(`${i}.pdf`)], isGood)).toEqual([]);
  });

  test('BouncyCastle', () => {
    writeFileSync(path('CheckAll.java'), JAVA);
    const jars = ['bcprov', 'bcpkix', 'bcutil']
      .map((jar) => `/usr/share/java/${jar}.jar`)
      .filter((jar) => existsSync(jar));
    const run = spawnSync('java', ['-cp', jars.join(':'), path('CheckAll.java'), folder, String(LICENSES)], {
      encoding: 'utf8',
    });
    expect(run.stdout.trim(), run.stderr).toBe(`verified ${LICENSES}`);
  });
});

const JAVA = `
import java.nio.file.*;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;

public class CheckAll {
  public static void main(String[] args) throws Exception {
    int verified = 0;
    for (int i = 0; i < Integer.parseInt(args[1]); i++) {
      Path folder = Path.of(args[0]);
      byte[] covered = Files.readAllBytes(folder.resolve(i + ".covered"));
      CMSSignedData cms = new CMSSignedData(new CMSProcessableByteArray(covered), Files.readAllBytes(folder.resolve(i + ".p7s")));
      SignerInformation signer = cms.getSignerInfos().getSigners().iterator().next();
      X509CertificateHolder holder = (X509CertificateHolder) cms.getCertificates().getMatches(signer.getSID()).iterator().next();
      if (signer.verify(new JcaSimpleSignerInfoVerifierBuilder().build(holder))) verified++;
      else System.err.println(i + " refused");
    }
    System.out.println("verified " + verified);
  }
}
`;
