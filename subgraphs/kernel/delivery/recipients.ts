import { requirePrintableText } from '../pdf/document.ts';
import { checkAll } from '../refusals/collector.ts';
import type { DeliveryInput } from './delivery.ts';

/** Refuses FIELD_MALFORMED for a recipient whom no receipt can name (送达回证). */
export function requirePrintableRecipients(input: DeliveryInput | null): void {
  const require = (recipient: string | null | undefined, field: string) =>
    recipient && requirePrintableText(recipient, { field, label: '收件人' });
  checkAll(
    () => require(input?.recipient, 'delivery.recipient'),
    () => require(input?.formerHolder?.recipient, 'delivery.formerHolder.recipient'),
  );
}
