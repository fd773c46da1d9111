import { z } from 'zod';
import { Refusal } from '../refusal.ts';
import { checkAll } from '../refusals/collector.ts';
import { requireLine } from '../text.ts';

/** How a document reached whom (送达): 民事诉讼法 arts. 87 to 91 name the ways, and the receipt (送达回证). */

/** 直接送达, 邮寄送达, 电子送达. */
export const DELIVERY_METHODS = ['IN_PERSON', 'EXPRESS', 'ELECTRONIC'] as const;
export type DeliveryMethod = (typeof DELIVERY_METHODS)[number];

export const deliverySchema = z.object({
  /** Who received it: the addressee, or somebody on their behalf. */
  recipient: z.string(),
  method: z.enum(DELIVERY_METHODS),
  /** Number of the express parcel. Null unless the method is EXPRESS. */
  expressNumber: z.string().nullable(),
});
export type Delivery = z.infer<typeof deliverySchema>;

/** What a counter enters. What is absent is the usual: the addressee, in person. */
export interface DeliveryInput {
  recipient?: string | null;
  method?: DeliveryMethod | null;
  expressNumber?: string | null;
}

const MAX_RECIPIENT_CHARS = 64;
const EXPRESS_NUMBER = /^[0-9A-Z]{6,32}$/;

/**
 * Refuses FIELD_TOO_LONG, FIELD_MALFORMED for a recipient that is no line, an express delivery
 * without a number, and a number without an express delivery.
 */
export function requireDelivery(input: DeliveryInput | null): void {
  const { recipient, method, expressNumber } = input ?? {};
  checkAll(
    () => recipient != null && requireRecipient(recipient),
    () => {
      if (method === 'EXPRESS' ? EXPRESS_NUMBER.test(expressNumber ?? '') : expressNumber == null) return;
      const why = '邮寄须写快递单号（6 至 32 位数字或大写字母），其他方式不写';
      throw new Refusal('FIELD_MALFORMED', 'delivery.expressNumber', why);
    },
  );
}

/** Returns a delivery that `requireDelivery` accepts, as a counter entered it. */
export function readDelivery(input: DeliveryInput | null, addressee: string): Delivery {
  const { recipient, method, expressNumber } = input ?? {};
  return {
    recipient: recipient ?? addressee,
    method: method ?? 'IN_PERSON',
    expressNumber: expressNumber ?? null,
  };
}

function requireRecipient(recipient: string): void {
  const field = 'delivery.recipient';
  if (recipient.trim() === '') throw new Refusal('FIELD_MALFORMED', field, '请填写收件人');
  requireLine(recipient, MAX_RECIPIENT_CHARS, field);
}
