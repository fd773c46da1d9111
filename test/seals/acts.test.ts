import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { composeNotice } from '../../subgraphs/cases/notice/notice.ts';
import { renderSealable as renderSealableNotice } from '../../subgraphs/cases/notice/render.ts';
import { SEALED_ACT_NAMES, type SealedAct } from '../../subgraphs/kernel/license-acts.ts';
import type { AuthorisingSubgraph } from '../../subgraphs/kernel/sealing/authorisation.ts';
import type { SealUseRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import { buildCodePayload } from '../../subgraphs/licenses/document/code.ts';
import { buildNoticeCase, CITY_ORGAN as NOTICE_CITY } from '../support/notice.ts';
import {
  authorise,
  caseStatementOf,
  contentOf,
  documentOf,
  newRequest,
  ownStatementOf,
  RECORD,
  textOf,
} from './requests.ts';
import { type KeyName, openSignerFixture, type SignerFixture } from './signer-fixture.ts';

/**
 * Walks every act, with and without a case, under the key of each subgraph that authorises, through everything that the
 * signer makes under an authorisation. Each request is consistent in itself: what it asks for, what was authorised and
 * what would be signed agree.
 */

let fixture: SignerFixture;
beforeAll(async () => {
  fixture = await openSignerFixture();
});

const VERSIONS: readonly string[] = ['ISSUE', 'CHANGE', 'RENEW', 'REISSUE', 'RETAIN', 'TRANSFER', 'CORRECT'];
const OWN: readonly string[] = ['SUSPEND', 'RESTORE', 'RESCIND', 'WITHDRAW', 'REVOKE', 'CANCEL'];

const step = { at: new Date('2026-06-01T03:00:00Z'), note: '依规定办理', finding: 'GRANTED' };
const issuer = { organ: NOTICE_CITY, number: '360700决〔2026〕00001号' };
const notice = composeNotice('DECISION', buildNoticeCase('OTHER', '办理决定书'), step, issuer);
const noticeFile = renderSealableNotice(notice, null);
const receipt = composeNotice('ACCEPTANCE', buildNoticeCase('OTHER', '办理决定书'), step, issuer, { isSealed: true });
const receiptFile = renderSealableNotice(receipt, null);

type Parts = Pick<SealUseRequest, 'act' | 'caseId'>;
type Order = (request: SealUseRequest) => Promise<unknown>;
/** What the signer may be asked for, whose case it must rest on, and the acts for which it gives it. */
interface Operation {
  accepts: (act: SealedAct, hasCase: boolean) => boolean;
  build: (parts: Parts) => SealUseRequest;
  order: Order;
}

const recordOf = (act: SealedAct) => ({ ...RECORD, KZ_CZ: act as typeof RECORD.KZ_CZ });
const useOf = ({ act, caseId }: Parts): SealUseRequest => ({
  ...{ ...newRequest(), act, caseId, issuanceId: randomUUID() },
  content: { ...contentOf(recordOf(act)) },
});
const sealFile =
  (file: (request: SealUseRequest) => Uint8Array, profile: 'PADES' | 'CADES', seal: KeyName = 'seal'): Order =>
  async (request) => {
    const order = { ...request, profile, document: file(request) };
    return fixture.signer.seal(fixture.sealOrder(order, { seal: fixture.keys[seal] }));
  };

const OPERATIONS: Record<string, Operation> = {
  'a QR code': {
    accepts: (act, hasCase) => hasCase && VERSIONS.includes(act),
    build: useOf,
    order: async (request) => {
      const record = recordOf(request.act);
      return fixture.signer.code(fixture.codeOrder({ ...request, record, payload: buildCodePayload(record) }));
    },
  },
  'a license': {
    accepts: (act, hasCase) => hasCase && VERSIONS.includes(act),
    build: useOf,
    order: sealFile(({ act }) => documentOf(recordOf(act)), 'PADES'),
  },
  'a license as its authorised content': {
    accepts: () => false,
    build: (parts) => ({ ...useOf(parts), content: { ...recordOf(parts.act) } }),
    order: sealFile(({ act }) => documentOf(recordOf(act)), 'PADES'),
  },
  'a statement on a license that a case decided to cancel': {
    accepts: (act, hasCase) => hasCase && act === 'CANCEL',
    build: useOf,
    order: sealFile(({ act }) => textOf(caseStatementOf(act)), 'CADES'),
  },
  "a statement on the organ's own authority": {
    accepts: (act, hasCase) => !hasCase && OWN.includes(act),
    build: (parts) => ({ ...useOf(parts), content: { ...ownStatementOf(parts.act) } }),
    order: sealFile(({ content }) => textOf(content), 'CADES'),
  },
  'a decision document': {
    accepts: (act, hasCase) => hasCase && act === 'DECISION',
    build: (parts) => ({ ...useOf(parts), identifier: notice.caseNumber, content: { ...notice } }),
    order: sealFile(() => noticeFile, 'PADES'),
  },
  'a receipt under the acceptance seal': {
    accepts: (act, hasCase) => hasCase && act === 'NOTICE',
    build: (parts) => ({ ...useOf(parts), identifier: receipt.number, content: { ...receipt } }),
    order: sealFile(() => receiptFile, 'PADES', 'acceptanceSeal'),
  },
  'a receipt under another seal': {
    accepts: () => false,
    build: (parts) => ({ ...useOf(parts), identifier: receipt.number, content: { ...receipt } }),
    order: sealFile(() => receiptFile, 'PADES'),
  },
  'a decision document under the acceptance seal': {
    accepts: () => false,
    build: (parts) => ({ ...useOf(parts), identifier: notice.caseNumber, content: { ...notice } }),
    order: sealFile(() => noticeFile, 'PADES', 'acceptanceSeal'),
  },
};

test.each(Object.entries(OPERATIONS))(
  '%s is signed only for its acts, with or without a case',
  async (_, operation) => {
    const signed: string[] = [];
    const expected: string[] = [];
    for (const act of SEALED_ACT_NAMES)
      for (const caseId of [randomUUID(), null])
        for (const subgraph of ['cases', 'licenses'] satisfies AuthorisingSubgraph[]) {
          const name = `${act} ${caseId ? 'with' : 'without'} a case, by ${subgraph}`;
          const request = operation.build({ act, caseId });
          const authorisation = await authorise(fixture.serviceKeys, request, fixture.clock(), {}, subgraph);
          const isRight = subgraph === (caseId ? 'cases' : 'licenses');
          if (isRight && operation.accepts(act, caseId !== null)) expected.push(name);
          const refusal = await operation.order({ ...request, authorisation }).then(
            () => null,
            (error: unknown) => error,
          );
          if (refusal === null) signed.push(name);
          else expect([name, refusal]).toEqual([name, expect.objectContaining({ name: 'Refusal' })]);
        }
    expect(signed).toEqual(expected);
  },
);
