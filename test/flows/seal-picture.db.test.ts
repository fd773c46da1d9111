import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ParserPool } from '../../subgraphs/kernel/foreign/pool.ts';
import { toPng, toSealImage } from '../../subgraphs/kernel/pdf/seal-image.ts';
import { readSealedPdf } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { createTestLibrary } from '../support/library.ts';
import { testParsers } from '../support/parsers.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { buildSealPng } from '../support/seal-png.ts';
import { waitUntil } from '../support/until.ts';

const OWN_PICTURE = buildSealPng();
const DISPLAYED_PICTURE = Buffer.from(toPng(toSealImage(OWN_PICTURE)));
/** 公路建设项目: the county decides, and its decision document is the outcome. */
const REVIEW_MATTER = { matter: 'yd2022-1-02', organ: 'yudu-jtysj' };

/** The parsers of tests. Each call adds the parser's name to `reads`. */
function countReads(reads: string[]): ParserPool {
  const open: ParserPool['open'] = (module) => {
    const parse = testParsers.open(module);
    return ((...call: Parameters<typeof parse>) => {
      reads.push(String(call[0]));
      return parse(...call);
    }) as never;
  };
  return { ...testParsers, open };
}

describe.each(['local', 'http'] as const)("an office's own seal picture, subgraphs reached %s", (transport) => {
  let hub: TestHub;
  const reads: string[] = [];
  let library: Awaited<ReturnType<typeof createTestLibrary>>;
  beforeAll(async () => {
    library = await createTestLibrary();
    hub = await createTestHub({ transport, library: library.settings, parsers: countReads(reads) });
    await library.open(await hub.hub.seals.rootCertificate());
  });
  afterAll(async () => {
    await hub?.stop();
    await library?.stop();
  });

  const fetchFile = async (url: string, person: string | null = 'auditor') => {
    const headers = person === null ? {} : { authorization: `Bearer ${await hub.token(person)}`, 'x-purpose': 'AUDIT' };
    return hub.hub.app.inject({ method: 'GET', url, headers });
  };
  /** Licenses of a county organ bear its license seal, its decisions the unit seal. */
  const sealOf = async (organ: string, kind: 'license' | 'unit') => {
    const { data } = await hub.ask(
      'auditor',
      'query($organ: ID!) { seals(filter: { organ: $organ }, first: 9) { edges { node { id: code picture } } } }',
      { organ },
    );
    const own = data.seals.edges.map((edge: { node: { id: string; picture: string | null } }) => edge.node);
    return own.find(({ id }: { id: string }) => id === `${organ}-${kind}-seal`);
  };
  const setPicture = async (organ: string, kind: 'license' | 'unit', png: Buffer | null) => {
    const input = {
      seal: (await sealOf(organ, kind)).id,
      picture: png?.toString('base64') ?? null,
      reason: '更换印模图片',
    };
    const { seal } = await applyAndApprove(hub.ask, organ, 'applyForSealPicture', input);
    return seal.picture;
  };
  const fetchSealImage = (identifier: string) => fetchFile(`/licenses/seal/${identifier}`, null);

  test('appears on later licenses, passes the verifier and is collected', async () => {
    const licenseBefore = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 1);
    const picture = await setPicture('yudu-lyj', 'license', OWN_PICTURE);
    expect((await fetchFile(picture, null)).rawPayload.equals(OWN_PICTURE)).toBe(true);
    expect((await sealOf('yudu-lyj', 'license')).picture).toBe(picture);
    const licenseAfter = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 2);
    const file = (await fetchFile(licenseAfter.document.url)).rawPayload;
    const { image } = readSealedPdf(file);
    expect(image && Buffer.from(toPng(image)).equals(DISPLAYED_PICTURE)).toBe(true);
    expect(readSealedPdf((await fetchFile(licenseBefore.document.url)).rawPayload).image).toBeNull();

    const bundle = (await fetchFile(`/licenses/evidence/${licenseAfter.identifier}`, null)).rawPayload;
    const roots = [Buffer.from(await hub.hub.seals.rootCertificate())];
    expect(verify({ file, signature: null, roots, bundle }, new Date()).verdict).toBe('TOTAL_PASSED');
    await waitUntil('both are collected', async () => (await library.copies()).length === 2);

    const drawnImage = await fetchSealImage(licenseBefore.identifier);
    expect(drawnImage.headers['content-type']).toContain('image/svg+xml');
    reads.length = 0;
    const ownImage = await fetchSealImage(licenseAfter.identifier);
    expect(ownImage.headers['content-type']).toBe('image/png');
    expect(ownImage.rawPayload.equals(DISPLAYED_PICTURE)).toBe(true);
    const again = await Promise.all(Array.from({ length: 5 }, () => fetchSealImage(licenseAfter.identifier)));
    for (const answer of again) expect(answer.rawPayload.equals(DISPLAYED_PICTURE)).toBe(true);
    expect(reads.filter((name) => name === 'readSealPicture')).toHaveLength(1);
  });

  test('appears on decision documents until the office returns to the drawn seal', async () => {
    const imageOfDecision = async () => {
      const input = {
        matter: REVIEW_MATTER.matter,
        applicant: COMPANY,
        fields: [{ label: '工程名称', text: '示范公路' }],
      };
      const acceptance = await runMutation(
        hub,
        `${REVIEW_MATTER.organ}.clerk`,
        'acceptCase',
        'ApplicationInput',
        input,
        'case { id: uuid }',
      );
      const { id } = acceptance.case;
      const examination = { case: id, finding: 'APPROVED' };
      await runMutation(
        hub,
        `${REVIEW_MATTER.organ}.reviewer`,
        'examineCase',
        'ExamineCaseInput',
        examination,
        'case { id }',
      );
      const decision = { case: id, decision: 'GRANTED', authoriseSeal: true };
      await runMutation(
        hub,
        `${REVIEW_MATTER.organ}.approver`,
        'decideCase',
        'DecideCaseInput',
        decision,
        'case { id }',
      );
      const url = await waitUntil('the decision is sealed', async () => {
        const query = 'query($id: ID!) { case(id: $id) { notices { kind sealed url } } }';
        const { data } = await hub.ask('auditor', query, { id });
        return data.case.notices.find(
          (notice: { kind: string; sealed: boolean }) => notice.kind === 'DECISION' && notice.sealed,
        )?.url;
      });
      return readSealedPdf((await fetchFile(url)).rawPayload).image;
    };
    await setPicture(REVIEW_MATTER.organ, 'unit', OWN_PICTURE);
    expect(await imageOfDecision()).toMatchObject({ across: 240, down: 240 });
    await setPicture(REVIEW_MATTER.organ, 'unit', null);
    expect(await imageOfDecision()).toBeNull();
  });
});
