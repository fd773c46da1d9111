import { z } from 'zod';
import type { Day } from '../day.ts';
import { type Act, changesHolder } from '../license-acts.ts';
import { Refusal } from '../refusal.ts';
import { checkAll } from '../refusals/collector.ts';
import { requireLine } from '../text.ts';
import { agencySchema, requireAuthorised } from './agent.ts';

/** How a document reached whom (送达): 民事诉讼法 arts. 87 to 91 name the ways, and the receipt (送达回证). */

/** 直接送达, 邮寄送达, 电子送达. */
export const DELIVERY_METHODS = ['IN_PERSON', 'EXPRESS', 'ELECTRONIC'] as const;
export type DeliveryMethod = (typeof DELIVERY_METHODS)[number];

/** Whom a counter may name as the one who received (收件人身份). */
export type DeliveryReceiver = 'APPLICANT' | 'AGENT';

/** Whom the papers of a case reach besides its addressee. Absent of a case that names nobody. */
export const serviceSchema = z.object({
  /** The agent (代办人), or null. */
  agent: agencySchema.nullable(),
  /** Who receives at the address for service (送达地址), or null: the addressee. */
  recipient: z.string().nullable(),
});
export type Service = z.infer<typeof serviceSchema>;

/** Everybody whom the papers of a case may reach by default. */
export interface Receivers {
  addressee: string;
  service: Service | null;
}

const partyDelivery = z.object({
  /** Who received it: the addressee, or somebody on their behalf. */
  recipient: z.string(),
  method: z.enum(DELIVERY_METHODS),
  /** Number of the express parcel. Null unless the method is EXPRESS. */
  expressNumber: z.string().nullable(),
});
type PartyDelivery = z.infer<typeof partyDelivery>;
export const deliverySchema = partyDelivery.extend({
  /** Only if the agent (代办人) received it. */
  receiver: z.literal('AGENT').optional(),
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
  receiver?: DeliveryReceiver | null;
  formerHolder?: (PartyDeliveryInput & { recipient: string }) | null;
}

export const MAX_RECIPIENT_CHARS = 64;
const EXPRESS_NUMBER = /^[0-9A-Z]{6,32}$/;

/**
 * Refuses FIELD_TOO_LONG, FIELD_MALFORMED for a recipient that is no line, an express delivery
 * without a number, a number without an express delivery, and a former holder where the act changes no holder.
 * Refuses AGENT_NOT_AUTHORISED for an agent who may not receive it on that day.
 */
export function requireDelivery(
  input: DeliveryInput | null,
  act: Act | null,
  { receivers, on }: { receivers: Receivers; on: Day },
): void {
  const formerHolder = input?.formerHolder ?? null;
  checkAll(
    () => requireParty(input ?? {}, 'delivery'),
    () => requireReceiver(input ?? {}, receivers, on),
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

/** Whether the agent receives a delivery: named as such, or by name, also where the name is the default. */
function reachesAgent({ receiver, recipient }: DeliveryInput, { addressee, service }: Receivers): boolean {
  if (receiver) return receiver === 'AGENT';
  const name = recipient ?? service?.recipient ?? addressee;
  return name !== addressee && name === service?.agent?.name;
}

function requireReceiver(input: DeliveryInput, receivers: Receivers, on: Day): void {
  if (!reachesAgent(input, receivers)) return;
  const agent = receivers.service?.agent ?? null;
  if (agent === null) throw new Refusal('AGENT_NOT_AUTHORISED', 'delivery.receiver', '此办件没有代办人');
  if (input.recipient != null && input.recipient !== agent.name)
    throw new Refusal('FIELD_MALFORMED', 'delivery.recipient', `代办人是${agent.name}`);
  requireAuthorised(agent, on, 'COLLECT', 'delivery.receiver');
}

/**
 * Returns a delivery that `requireDelivery` accepts, as a counter entered it. What it does not say is the usual: the
 * recipient at the address for service, else the addressee.
 */
export function readDelivery(input: DeliveryInput | null, receivers: Receivers): Delivery {
  const { formerHolder, receiver } = input ?? {};
  const { addressee, service } = receivers;
  const isToAgent = reachesAgent(input ?? {}, receivers);
  const named = receiver === 'APPLICANT' ? addressee : (service?.recipient ?? addressee);
  const usual = isToAgent ? (service?.agent?.name ?? named) : named;
  return {
    ...readParty(input ?? {}, usual),
    ...(isToAgent && { receiver: 'AGENT' as const }),
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
