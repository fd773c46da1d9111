import { z } from 'zod';
import { type Act, changesHolder } from '../license-acts.ts';
import { Refusal } from '../refusal.ts';
import { checkAll } from '../refusals/collector.ts';
import { requireLine } from '../text.ts';

/** How a document reached whom (送达): 民事诉讼法 arts. 87 to 91 name the ways, and the receipt (送达回证). */

/** 直接送达, 邮寄送达, 电子送达. */
export const DELIVERY_METHODS = ['IN_PERSON', 'EXPRESS', 'ELECTRONIC'] as const;
export type DeliveryMethod = (typeof DELIVERY_METHODS)[number];

const partyDelivery = z.object({
  /** Who received it: the addressee, or somebody on their behalf. */
  recipient: z.string(),
  method: z.enum(DELIVERY_METHODS),
  /** Number of the express parcel. Null unless the method is EXPRESS. */
  expressNumber: z.string().nullable(),
});
type PartyDelivery = z.infer<typeof partyDelivery>;
export const deliverySchema = partyDelivery.extend({
  /** How a decision on a transfer reached the former holder (原持证人). Absent otherwise. */
  formerHolder: partyDelivery.optional(),
});
export type Delivery = z.infer<typeof deliverySchema>;

interface PartyDeliveryInput {
  recipient?: string | null;
  method?: DeliveryMethod | null;
  expressNumber?: string | null;
}

/** What a counter enters. What is absent is the usual: the addressee, in person. */
export interface DeliveryInput extends PartyDeliveryInput {
  formerHolder?: (PartyDeliveryInput & { recipient: string }) | null;
}

const MAX_RECIPIENT_CHARS = 64;
const EXPRESS_NUMBER = /^[0-9A-Z]{6,32}$/;

/**
 * Refuses FIELD_TOO_LONG, FIELD_MALFORMED for a recipient that is no line, an express delivery
 * without a number, a number without an express delivery, and a former holder where the act changes no holder.
 */
export function requireDelivery(input: DeliveryInput | null, act: Act | null): void {
  const formerHolder = input?.formerHolder ?? null;
  checkAll(
    () => requireParty(input ?? {}, 'delivery'),
    () => {
      if (formerHolder === null) return;
      if (act === null || !changesHolder(act))
        throw new Refusal('FIELD_MALFORMED', 'delivery.formerHolder', '只有转让还须送达原持证人');
      requireParty(formerHolder, 'delivery.formerHolder');
    },
  );
}

function requireParty({ recipient, method, expressNumber }: PartyDeliveryInput, field: string): void {
  checkAll(
    () => recipient != null && requireRecipient(recipient, `${field}.recipient`),
    () => {
      if (method === 'EXPRESS' ? EXPRESS_NUMBER.test(expressNumber ?? '') : expressNumber == null) return;
      const why = '邮寄须写快递单号（6 至 32 位数字或大写字母），其他方式不写';
      throw new Refusal('FIELD_MALFORMED', `${field}.expressNumber`, why);
    },
  );
}

/** Returns a delivery that `requireDelivery` accepts, as a counter entered it. */
export function readDelivery(input: DeliveryInput | null, addressee: string): Delivery {
  const { formerHolder } = input ?? {};
  return {
    ...readParty(input ?? {}, addressee),
    ...(formerHolder && { formerHolder: readParty(formerHolder, formerHolder.recipient) }),
  };
}

/** Returns how a document reached a party, as a counter entered it: the usual is the addressee, in person. */
export function readParty({ recipient, method, expressNumber }: PartyDeliveryInput, addressee: string): PartyDelivery {
  return {
    recipient: recipient ?? addressee,
    method: method ?? 'IN_PERSON',
    expressNumber: expressNumber ?? null,
  };
}

function requireRecipient(recipient: string, field: string): void {
  if (recipient.trim() === '') throw new Refusal('FIELD_MALFORMED', field, '请填写收件人');
  requireLine(recipient, MAX_RECIPIENT_CHARS, field);
}
