import { describe, expect, test } from 'vitest';
import { type DeliveryInput, readDelivery, requireDelivery } from '../../subgraphs/kernel/delivery/delivery.ts';
import { requirePrintableRecipients } from '../../subgraphs/kernel/delivery/recipients.ts';
import type { LicenseAction } from '../../subgraphs/kernel/license-acts.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import { NOT_IN_FONT } from '../support/odd-text.ts';

const ADDRESSEE = '于都县贡江示范药业有限公司';

function refusalOf(input: DeliveryInput, act: LicenseAction = 'ISSUE'): [string, string | null] | null {
  try {
    requireDelivery(input, act);
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
      expect(readDelivery(input, ADDRESSEE)).toEqual(usual);
    const express = { recipient: '门卫 王示范', method: 'EXPRESS', expressNumber: 'SF1234567890' } as const;
    expect(readDelivery(express, ADDRESSEE)).toEqual(express);
    expect(readDelivery({ method: 'ELECTRONIC' }, ADDRESSEE)).toEqual({ ...usual, method: 'ELECTRONIC' });
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
    expect(readDelivery({ formerHolder }, ADDRESSEE)).toEqual({
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
