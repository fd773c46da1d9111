import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageOf, pngOf } from '../../subgraphs/kernel/seal-image.ts';
import { readSealedPdf } from '../../subgraphs/kernel/sealed-pdf.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { act, COMPANY, grantCase, issue, ROUTES } from '../support/flow.ts';
import { type TestHub, testHub } from '../support/hub.ts';
import { testLibrary } from '../support/library.ts';
import { sealPng } from '../support/picture.ts';
import { until } from '../support/until.ts';

const OWN = sealPng();
const SHOWN = Buffer.from(pngOf(imageOf(OWN)));
/** 公路建设项目: the county decides, and its decision document is the outcome. */
const REVIEW = { matter: 'yd2022-1-02', organ: 'yudu-jtysj' };

describe.each(['local', 'http'] as const)("an office's own seal picture, subgraphs reached %s", (transport) => {
  let hub: TestHub;
  let library: Awaited<ReturnType<typeof testLibrary>>;
  beforeAll(async () => {
    library = await testLibrary();
    hub = await testHub({ transport, library: library.settings });
    await library.open(await hub.hub.seals.rootCertificate());
  });
  afterAll(async () => {
    await hub?.stop();
    await library?.stop();
  });

  const get = async (url: string, person: string | null = 'auditor') => {
    const headers = person === null ? {} : { authorization: `Bearer ${await hub.token(person)}` };
    return hub.hub.app.inject({ method: 'GET', url, headers });
  };
  const sealOf = async (organ: string) => {
    const { data } = await hub.ask(
      'auditor',
      'query($organ: ID!) { seals(filter: { organ: $organ }, first: 1) { edges { node { id picture } } } }',
      { organ },
    );
    return data.seals.edges[0].node;
  };
  const setPicture = async (organ: string, png: Buffer | null) => {
    const input = { seal: (await sealOf(organ)).id, picture: png?.toString('base64') ?? null, reason: '更换印模图片' };
    const { seal } = await act(hub, `${organ}.keeper`, 'setSealPicture', 'SealPictureInput', input, 'seal { picture }');
    return seal.picture;
  };
  const shown = (identifier: string) => get(`/licenses/seal/${identifier}`, null);

  test('appears on later licenses, passes the verifier and is collected', async () => {
    const before = await issue(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 1);
    const picture = await setPicture('yudu-lyj', OWN);
    expect((await get(picture, null)).rawPayload.equals(OWN)).toBe(true);
    expect((await sealOf('yudu-lyj')).picture).toBe(picture);
    const after = await issue(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 2);
    const file = (await get(after.document.url)).rawPayload;
    const { image } = readSealedPdf(file);
    expect(image && Buffer.from(pngOf(image)).equals(SHOWN)).toBe(true);
    expect(readSealedPdf((await get(before.document.url)).rawPayload).image).toBeNull();

    const bundle = (await get(`/licenses/evidence/${after.identifier}`, null)).rawPayload;
    const roots = [Buffer.from(await hub.hub.seals.rootCertificate())];
    expect(verify({ file, signature: null, roots, bundle }, new Date()).verdict).toBe('TOTAL_PASSED');
    await until('both are collected', async () => (await library.copies()).length === 2);

    const drawn = await shown(before.identifier);
    expect(drawn.headers['content-type']).toContain('image/svg+xml');
    const own = await shown(after.identifier);
    expect(own.headers['content-type']).toBe('image/png');
    expect(own.rawPayload.equals(SHOWN)).toBe(true);
  });

  test('appears on decision documents until the office returns to the drawn seal', async () => {
    const imageOfDecision = async () => {
      const input = { matter: REVIEW.matter, applicant: COMPANY, fields: [{ label: '工程名称', text: '示范公路' }] };
      const accepted = await act(hub, `${REVIEW.organ}.clerk`, 'acceptCase', 'ApplicationInput', input, 'case { id }');
      const { id } = accepted.case;
      const examined = { case: id, finding: 'APPROVED' };
      await act(hub, `${REVIEW.organ}.reviewer`, 'examineCase', 'ExamineCaseInput', examined, 'case { id }');
      const decided = { case: id, decision: 'GRANTED', authoriseSeal: true };
      await act(hub, `${REVIEW.organ}.approver`, 'decideCase', 'DecideCaseInput', decided, 'case { id }');
      const url = await until('the decision is sealed', async () => {
        const query = 'query($id: ID!) { case(id: $id) { notices { kind sealed url } } }';
        const { data } = await hub.ask('auditor', query, { id });
        return data.case.notices.find((one: { kind: string; sealed: boolean }) => one.kind === 'DECISION' && one.sealed)
          ?.url;
      });
      return readSealedPdf((await get(url)).rawPayload).image;
    };
    await setPicture(REVIEW.organ, OWN);
    expect(await imageOfDecision()).toMatchObject({ across: 240, down: 240 });
    await setPicture(REVIEW.organ, null);
    expect(await imageOfDecision()).toBeNull();
  });
});
