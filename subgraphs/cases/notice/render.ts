import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCache } from '../../kernel/cache.ts';
import { computeContentDigest, toCanonicalJson } from '../../kernel/events/events.ts';
import type { CoOwnership } from '../../kernel/identity/co-ownership.ts';
import {
  collectTexts,
  createTypesetter,
  RenderError,
  requirePrintableText,
  requireVisible,
  type TextPlace,
  type TypesetDocument,
} from '../../kernel/pdf/document.ts';
import { drawCode } from '../../kernel/pdf/qr.ts';
import { toSealImage } from '../../kernel/pdf/seal-image.ts';
import { drawSeal } from '../../kernel/pdf/seal-picture.ts';
import { makeSealable } from '../../kernel/pdf/sealed-pdf.ts';
import { checkAll, checkEach } from '../../kernel/refusals/collector.ts';
import type { Agent, Contact } from '../party/party.ts';
import { progressLink } from '../progress/progress.ts';
import type { NoticeContent } from './notice.ts';

/** Rendering holds this process for tens of milliseconds. A cached notice takes up to a few hundred kB. */
const MAX_CACHED_NOTICES = 200;
const noticesByDigest = createCache<Uint8Array>(MAX_CACHED_NOTICES);

const typeset = createTypesetter(dirname(fileURLToPath(import.meta.url)));

/**
 * Renders a notice as PDF/A-3b (ISO 19005-3) with its content attached as `notice.json`.
 * The same content gives the same bytes in any process. Throws UnprintableText, RenderError.
 */
export function renderNotice(content: NoticeContent): Uint8Array {
  return typesetContent(content).pdf;
}

/** Returns what `renderNotice` gives, rendered once while it is cached. The caller must not change the bytes. */
export function renderNoticeOnce(content: NoticeContent): Uint8Array {
  return noticesByDigest.getOrCompute(computeContentDigest(content), () => renderNotice(content));
}

/**
 * Renders a notice that is sealed, ready for the signature, with the picture of its organ's seal where the template
 * puts it.
 * The picture is `ownPicture`, the office's own PNG, or a drawn one if that is null.
 * Throws UnprintableText, RenderError.
 */
export function renderSealable(content: NoticeContent, ownPicture: Uint8Array | null): Uint8Array {
  const { pdf, seal } = typesetContent(content);
  if (!seal) throw new RenderError(`the template of ${content.number} says nowhere where the seal goes`);
  const { name } = content.organ;
  const picture = ownPicture ? toSealImage(ownPicture) : drawSeal(name, content.seal ? '受理专用章' : '电子印章');
  const place = { page: seal.page, x: seal.x - picture.width / 2, y: seal.y - picture.height / 2 };
  return makeSealable(pdf, { name, at: new Date(content.issuedAt), picture, place });
}

function typesetContent(content: NoticeContent): TypesetDocument {
  requireVisible(content, 'LINES');
  const text = toCanonicalJson(content);
  const { progress, caseNumber } = content;
  const files: Record<string, string> = { 'content.json': text, 'notice.json': text };
  if (progress !== undefined) files['qr.svg'] = drawCode(progressLink(progress, caseNumber), 'medium');
  return typeset({
    template: 'notice.typ',
    files,
    name: content.number,
    createdAt: content.issuedAt,
  });
}

/**
 * Refuses FIELD_MALFORMED if a notice could not be printed. Entry refuses such a text; this check is for what
 * the hub adds, and for texts that an earlier release took.
 */
export function requirePrintableNotice(content: Omit<NoticeContent, 'number'>): void {
  const { organ, addressee, matterName, received, missing, granted, reason } = content;
  requirePrintableApplication({ applicant: { name: addressee }, fields: granted });
  requireAll([reason ?? ''], { field: 'reason', label: '理由' });
  requireAll(
    missing.flatMap(({ name, remark }) => [name, remark ?? '']),
    { field: 'items', label: '补正内容' },
  );
  requireAll(
    received.map(({ name }) => name),
    { field: 'materials', label: '材料名称' },
  );
  requireAll([organ.name], { field: null, label: '机关名称' });
  requireAll([matterName], { field: null, label: '事项名称' });
  requireAll(collectTexts(content), { field: null, label: '文书' });
}

/** Refuses FIELD_MALFORMED if an application has a text that no license and no notice could show. */
export function requirePrintableApplication(application: {
  applicant: { name: string };
  coOwnership?: CoOwnership | null;
  fields: readonly { label: string; text: string }[];
  agent?: Agent | null;
  contact?: Contact | null;
}): void {
  const { applicant, coOwnership, fields } = application;
  checkAll(
    () => requirePrintableText(applicant.name, { field: 'applicant.name', label: '申请人名称' }),
    () => requirePrintableParties(application),
    () =>
      checkEach(coOwnership?.coHolders ?? [], ({ name }, i) =>
        requirePrintableText(name, { field: `coOwnership.coHolders[${i}].name`, label: '共有人姓名' }),
      ),
    () =>
      checkEach(fields, ({ label, text }, i) =>
        checkAll(
          () => requirePrintableText(label, { field: `fields[${i}].label`, label: '内容项名称' }),
          () => requirePrintableText(text, { field: `fields[${i}].text`, label: `内容“${label}”` }),
        ),
      ),
  );
}

/** Refuses FIELD_MALFORMED for an agent or an address for service that no notice could show. */
export function requirePrintableParties({ agent, contact }: { agent?: Agent | null; contact?: Contact | null }): void {
  const require = (text: string | null | undefined, field: string, label: string) =>
    text && requirePrintableText(text, { field, label });
  checkAll(
    () => require(agent?.name, 'agent.name', '代办人姓名'),
    () => require(contact?.recipient, 'contact.recipient', '收件人'),
    () => require(contact?.address, 'contact.address', '送达地址'),
  );
}

function requireAll(texts: readonly string[], place: TextPlace): void {
  for (const text of texts) requirePrintableText(text, { ...place, form: 'LINES' });
}
