import { describe, expect, test } from 'vitest';
import type { Agency } from '../../subgraphs/kernel/delivery/agent.ts';
import {
  type DeliveryInput,
  type Receivers,
  readDelivery,
  requireDelivery,
} from '../../subgraphs/kernel/delivery/delivery.ts';
import { requirePrintableRecipients } from '../../subgraphs/kernel/delivery/recipients.ts';
import type { LicenseAction } from '../../subgraphs/kernel/license-acts.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import { NOT_IN_FONT } from '../support/odd-text.ts';

const ADDRESSEE = '于都县贡江示范药业有限公司';
const RECEIVERS = { addressee: ADDRESSEE, service: null };
const TODAY = '2026-03-02';

function refusalOf(
  input: DeliveryInput,
  act: LicenseAction = 'ISSUE',
  receivers: Receivers = RECEIVERS,
): [string, string | null] | null {
  try {
    requireDelivery(input, act, { receivers, on: TODAY });
    return null;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [error.code, error.field];
  }
}

describe('a delivery as a counter enters it', () => {
  test('is to the addressee in person unless it says otherwise', () => {
    const usual = { recipient: ADDRESSEE, method: 'IN_PERSON', expressNumber: null };
    for (const input of [null, {}, { recipient: null, method: null, expressNumber: null }])
      expect(readDelivery(input, RECEIVERS)).toEqual(usual);
    const express = { recipient: '门卫 王示范', method: 'EXPRESS', expressNumber: 'SF1234567890' } as const;
    expect(readDelivery(express, RECEIVERS)).toEqual(express);
    expect(readDelivery({ method: 'ELECTRONIC' }, RECEIVERS)).toEqual({ ...usual, method: 'ELECTRONIC' });
  });

  test('has the number of a parcel if and only if it went by express', () => {
    const wrong = ['FIELD_MALFORMED', 'delivery.expressNumber'];
    for (const expressNumber of [null, '', 'SF123', 'sf1234567890', `SF${'1'.repeat(31)}`, 'SF 1234567'])
      expect(refusalOf({ method: 'EXPRESS', expressNumber }), String(expressNumber)).toEqual(wrong);
    for (const method of [null, 'IN_PERSON', 'ELECTRONIC'] as const)
      expect(refusalOf({ method, expressNumber: 'SF1234567890' })).toEqual(wrong);
  });

  test('names the recipient in one line', () => {
    expect(refusalOf({ recipient: '名'.repeat(64) })).toBeNull();
    expect(refusalOf({ recipient: '名'.repeat(65) })).toEqual(['FIELD_TOO_LONG', 'delivery.recipient']);
    for (const recipient of ['', ' ', '甲\n乙', '甲\u202e乙'])
      expect(refusalOf({ recipient }), JSON.stringify(recipient)).toEqual(['FIELD_MALFORMED', 'delivery.recipient']);
  });

  test('of a transfer names the former holder too', () => {
    const formerHolder = { recipient: '李晓明', method: 'EXPRESS', expressNumber: 'SF1234567890' } as const;
    expect(readDelivery({ formerHolder }, RECEIVERS)).toEqual({
      ...{ recipient: ADDRESSEE, method: 'IN_PERSON', expressNumber: null },
      formerHolder,
    });
    expect(refusalOf({ formerHolder }, 'TRANSFER')).toBeNull();
    expect(refusalOf({ formerHolder })).toEqual(['FIELD_MALFORMED', 'delivery.formerHolder']);
    expect(refusalOf({ formerHolder: { ...formerHolder, expressNumber: null } }, 'TRANSFER')).toEqual([
      'FIELD_MALFORMED',
      'delivery.formerHolder.expressNumber',
    ]);
    expect(refusalOf({ formerHolder: { recipient: ' ' } }, 'TRANSFER')).toEqual([
      'FIELD_MALFORMED',
      'delivery.formerHolder.recipient',
    ]);
  });

  test('names nobody whom no receipt can print', () => {
    const { text: recipient, code } = NOT_IN_FONT;
    for (const [input, field] of [
      [{ recipient }, 'delivery.recipient'],
      [{ formerHolder: { recipient } }, 'delivery.formerHolder.recipient'],
    ] as const)
      expect(() => requirePrintableRecipients(input)).toThrow(
        expect.objectContaining({ field, message: expect.stringContaining(code) }),
      );
    requirePrintableRecipients({ recipient: ADDRESSEE, formerHolder: { recipient: '李晓明' } });
  });
});

describe('a delivery of a case with an agent', () => {
  const agent: Agency = { name: '王代办', authority: 'MANDATE', until: TODAY, acts: [] };
  const of = (change: Partial<Agency> = {}, recipient: string | null = null): Receivers => {
    return { addressee: ADDRESSEE, service: { agent: { ...agent, ...change }, recipient } };
  };
  const NOT_AUTHORISED = ['AGENT_NOT_AUTHORISED', 'delivery.receiver'];

  test('reaches the agent if it says so, or names the agent, also where the name is the usual one', () => {
    const served = { recipient: agent.name, method: 'IN_PERSON', expressNumber: null, receiver: 'AGENT' };
    expect(readDelivery({ receiver: 'AGENT' }, of())).toEqual(served);
    expect(readDelivery({ recipient: agent.name }, of())).toEqual(served);
    expect(readDelivery(null, of({}, agent.name))).toEqual(served);
    expect(readDelivery(null, of())).toMatchObject({ recipient: ADDRESSEE });
    expect(readDelivery(null, of({}, '收发室'))).toEqual({ ...served, recipient: '收发室', receiver: undefined });
    expect(readDelivery({ receiver: 'APPLICANT' }, of({}, agent.name))).toMatchObject({ recipient: ADDRESSEE });
    // Somebody may have the name of the applicant.
    expect(readDelivery({ recipient: ADDRESSEE }, of({ name: ADDRESSEE }))).not.toHaveProperty('receiver');
  });

  test('needs an authorisation of the day that covers collecting', () => {
    const toAgent = (receivers: Receivers) => refusalOf({ receiver: 'AGENT' }, 'ISSUE', receivers);
    expect(toAgent(of())).toBeNull();
    expect(toAgent(of({ until: null, acts: ['APPLY', 'COLLECT'] }))).toBeNull();
    expect(toAgent(of({ until: '2026-03-01' }))).toEqual(NOT_AUTHORISED);
    expect(toAgent(of({ acts: ['APPLY'] }))).toEqual(NOT_AUTHORISED);
    expect(toAgent(RECEIVERS)).toEqual(NOT_AUTHORISED);
    const ended = of({ until: '2026-03-01' }, agent.name);
    expect(refusalOf({}, 'ISSUE', ended)).toEqual(NOT_AUTHORISED);
    expect(refusalOf({ recipient: agent.name }, 'ISSUE', ended)).toEqual(NOT_AUTHORISED);
    expect(refusalOf({ receiver: 'APPLICANT' }, 'ISSUE', ended)).toBeNull();
    expect(refusalOf({ receiver: 'AGENT', recipient: '别人' }, 'ISSUE', of())).toEqual([
      'FIELD_MALFORMED',
      'delivery.recipient',
    ]);
  });
});
