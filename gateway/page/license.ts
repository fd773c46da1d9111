import { dayOf } from '../../subgraphs/kernel/day.ts';
import type { Act, ValidityState } from '../../subgraphs/kernel/license-acts.ts';
import {
  escapeHtml,
  formatMoment,
  type Lang,
  PAGE_HEADERS,
  renderFacts,
  renderPage,
  toPageUrl,
  type Words,
} from './frame.ts';
import { ACTS, STATES } from './static/terms.js';

/** The page behind a license's QR code: its state, its history, and its proofs. */

/** The data of the page: `LicenseStatus` of the schema. */
export interface LicenseStatus {
  identifier: string;
  number: string;
  version: number;
  state: ValidityState;
  name: string;
  holderName: string;
  /** All holders with their shares. Null for a sole holder. */
  owners: string | null;
  issuerName: string;
  issuedOn: string;
  validFrom: string;
  validUntil: string | null;
  /** The lines that everybody may see. */
  fields: readonly { label: string; text: string }[];
  /** How many lines its sheet does not show. */
  unprinted: number;
  /** Null for versions of releases up to 0.4. */
  documentDigest: string | null;
  origin: 'ISSUED' | 'REGISTERED';
  /** How it was entered from paper. Null for a sealed version, as its seal is null for one from paper. */
  registration: { registeredOn: string } | null;
  sealName: string | null;
  sealedAt: string | null;
  supersededBy: string | null;
  lostPapers: readonly { blankNumber: string; kind: 'ORIGINAL' | 'DUPLICATE'; lostOn: string; isReturned: boolean }[];
  /** The renewal that waits for its first day, and that day. */
  nextVersion: string | null;
  nextFrom: string | null;
  /** Since when it counts as renewed. */
  deemedRenewedSince: string | null;
  /** Whether the renewal is granted and its version is being made. */
  isRenewalGranted: boolean;
  /** When it counted as renewed. */
  deemedRenewals: readonly { from: string; until: string | null }[];
  life: readonly { act: Act; version: number; state: ValidityState; at: string }[];
}

const TEXT = {
  heading: { zh: '电子证照状态', en: 'Status of an electronic license' },
  codeHeading: { zh: '二维码核验', en: 'The code that was scanned' },
  newer: { zh: '现行版本：', en: 'The version in force: ' },
  next: { zh: '已准予延续，自该日起由新版本接替：', en: 'Renewed. The new version takes its place from this day: ' },
  deemed: {
    zh: '期限届满前申请延续，尚未作出决定，视为准予延续（行政许可法第五十条），起始日：',
    en: 'Its renewal was asked for in time and is undecided, so it counts as renewed since: ',
  },
  registered: {
    zh: '存量纸质证照：由发证机关两名工作人员按台账登记，没有加盖电子印章，不是电子证照文件。登记日期：',
    en: 'A license on paper: two officials of its issuer entered it from their ledger. No electronic seal is on it. Entered on: ',
  },
  statement: {
    zh: '没有加盖印章的文件。登记机关对这次登记出具了声明，其 SHA-256 为：',
    en: 'There is no sealed file. The register has stated the entry; the SHA-256 of its statement is: ',
  },
  granted: {
    zh: '已准予延续，正在制证。新证照制成前，本证照继续有效。',
    en: 'Its renewal is granted and the new license is being made. Until then this one stays in force.',
  },
  deemedTimes: { zh: '视为准予延续（行政许可法第五十条）的期间', en: 'When it counted as renewed' },
  deemedOpen: { zh: '今', en: 'now' },
  name: { zh: '证照名称', en: 'License' },
  holder: { zh: '持证主体', en: 'Holder' },
  owners: { zh: '共有人', en: 'Joint holders' },
  number: { zh: '证照编号', en: 'Number' },
  identifier: { zh: '证照标识', en: 'Identifier' },
  version: { zh: '版本', en: 'Version' },
  issuer: { zh: '颁发机构', en: 'Issued by' },
  issuedOn: { zh: '颁发日期', en: 'Issued on' },
  validity: { zh: '有效期', en: 'Validity' },
  unprinted: {
    zh: '证照另有不印在纸面和版式上的登记项，载于电子证照文件的附件，项数：',
    en: 'Lines of its record that the sheet does not show. The attachment of the electronic license has them. Number: ',
  },
  to: { zh: ' 至 ', en: ' to ' },
  endless: { zh: '起长期有效', en: ' on, without an end' },
  lost: { zh: '遗失作废的纸质证照', en: 'Paper certificates declared lost and void' },
  original: { zh: '正本', en: 'Original' },
  duplicate: { zh: '副本', en: 'Duplicate' },
  lostSince: { zh: '作废日期', en: 'void since' },
  returned: { zh: '已找回并收回', en: 'found and handed in' },
  life: { zh: '证照沿革', en: 'What happened to it' },
  sealed: { zh: '盖章的内容', en: 'What is sealed' },
  sealedWhat: {
    zh: '电子印章盖在整份 PDF 文件上：版面文字和附在其中的证照元数据（metadata.json，GB/T 36903）有任何改动，核验即不通过。',
    en: 'The seal covers the whole PDF. Any change to the page or to the record attached to it (metadata.json, GB/T 36903) makes verification fail.',
  },
  seal: { zh: '印章', en: 'Seal' },
  sealedAt: { zh: '用印时间', en: 'Sealed at' },
  secretDigest: { zh: '只有持有文件的人知道', en: 'known to whoever has the file' },
  digest: { zh: '加盖印章的文件（PDF）SHA-256', en: 'SHA-256 of the sealed file (PDF)' },
  verify: { zh: '如何核验', en: 'How to verify a copy' },
  verifyHow: {
    zh: '本页说的是证照现在的状态。手上的文件是不是真的，请在核验页核验：文件不会离开您的设备。',
    en: 'This page tells the license’s state now. Whether a file in your hands is genuine, the verification page tells: the file stays on your device.',
  },
  verifyLink: { zh: '核验文件或二维码', en: 'Verify a file or a code' },
  evidence: { zh: '下载证据包', en: 'Download the evidence bundle' },
  evidenceWhat: {
    zh: '证据包与 PDF 放在一起，多年以后不经本系统也能核验。',
    en: 'Kept beside the PDF, it lets anyone verify the file years from now without asking this system.',
  },
} as const satisfies Record<string, Words>;

/**
 * Renders the state of one license version, the verdict of a scanned code, its data and history, where to verify a
 * copy, and last what experts ask for.
 */
export function renderLicensePage(license: LicenseStatus, lang: Lang): string {
  const toHtml = (words: Words) => escapeHtml(words[lang]);
  const state = STATES[license.state];
  const path = `/v/${encodeURIComponent(license.identifier)}`;
  const notes = `${renderVersionLink(license.supersededBy, toHtml(TEXT.newer), lang)}${renderVersionLink(
    license.nextVersion,
    `${toHtml(TEXT.next)}${escapeHtml(license.nextFrom ?? '')} `,
    lang,
  )}${license.registration === null ? '' : `<p class="registered"><strong>${toHtml(TEXT.registered)}${escapeHtml(license.registration.registeredOn)}</strong></p>`}${renderRenewal(license, lang)}`;
  const body = `<h1>${toHtml(TEXT.heading)}</h1>
<p class="state ${state?.tone}"><span class="sign" aria-hidden="true">${state?.sign}</span><strong>${state && toHtml(state)}</strong></p>${notes}
<section id="code" hidden aria-labelledby="code-heading"><h2 id="code-heading" tabindex="-1">${toHtml(TEXT.codeHeading)}</h2>
<p id="progress" role="status"></p><div id="answer"></div></section>
${renderFacts(listFacts(license, lang))}
${
  license.unprinted === 0
    ? ''
    : `<p>${toHtml(TEXT.unprinted)}${license.unprinted}</p>
`
}${renderLost(license, lang)}<h2>${toHtml(TEXT.life)}</h2>
${renderLife(license, lang)}
<h2>${toHtml(TEXT.verify)}</h2>
<p>${toHtml(TEXT.verifyHow)}</p>
<p><a class="button" href="${toPageUrl('/verify', lang)}">${toHtml(TEXT.verifyLink)}</a></p>
${renderExpertPart(license, lang)}`;
  return renderPage({ lang, path, title: `${license.name} ${state?.[lang]}`, body, script: 'status.js' });
}

/** What its running renewal means for it, or nothing. */
function renderRenewal({ isRenewalGranted, deemedRenewedSince }: LicenseStatus, lang: Lang): string {
  if (isRenewalGranted) return `<p>${escapeHtml(TEXT.granted[lang])}</p>`;
  if (deemedRenewedSince === null) return '';
  return `<p>${escapeHtml(TEXT.deemed[lang])}${escapeHtml(deemedRenewedSince)}</p>`;
}

/** The sheets of this version that nobody should accept any more. */
function renderLost({ lostPapers }: LicenseStatus, lang: Lang): string {
  if (lostPapers.length === 0) return '';
  const facts = lostPapers.map(({ blankNumber, kind, lostOn, isReturned }): [string, string] => [
    TEXT[kind === 'ORIGINAL' ? 'original' : 'duplicate'][lang],
    `${blankNumber} · ${TEXT.lostSince[lang]} ${lostOn}${isReturned ? ` · ${TEXT.returned[lang]}` : ''}`,
  ]);
  return `<h2>${escapeHtml(TEXT.lost[lang])}</h2>\n${renderFacts(facts)}\n`;
}

/** A paragraph that leads to another version, or nothing. */
function renderVersionLink(identifier: string | null, leadHtml: string, lang: Lang): string {
  if (identifier === null) return '';
  const url = toPageUrl(`/v/${encodeURIComponent(identifier)}`, lang);
  return `<p>${leadHtml}<a class="long" href="${url}">${escapeHtml(identifier)}</a></p>`;
}

/** What only experts ask for comes last: what exactly is sealed, digests, and the evidence for a verifier. */
function renderExpertPart(license: LicenseStatus, lang: Lang): string {
  const toHtml = (words: Words) => escapeHtml(words[lang]);
  const identifier = encodeURIComponent(license.identifier);
  const { sealName, sealedAt } = license;
  if (sealName === null || sealedAt === null)
    return `<div id="details"></div>
<section id="experts"><p class="quiet">${toHtml(TEXT.statement)}${escapeHtml(license.documentDigest ?? '')}</p></section>`;
  return `<div id="details"></div>
<section id="experts" aria-labelledby="experts-heading"><h2 id="experts-heading">${toHtml(TEXT.sealed)}</h2>
<p>${toHtml(TEXT.sealedWhat)}</p>
<img class="seal" src="/licenses/seal/${identifier}" alt="" width="120" height="120">
${renderFacts([
  [TEXT.seal[lang], sealName],
  [TEXT.sealedAt[lang], formatMoment(sealedAt, lang)],
  [TEXT.digest[lang], license.documentDigest ?? TEXT.secretDigest[lang]],
])}
<p><a href="/licenses/evidence/${identifier}" download="${escapeHtml(license.number)}.evidence.json">${toHtml(TEXT.evidence)}</a><br>
<span class="quiet">${toHtml(TEXT.evidenceWhat)}</span></p></section>`;
}

function listFacts(license: LicenseStatus, lang: Lang): [string, string][] {
  const { validFrom, validUntil } = license;
  const period = `${validFrom}${validUntil === null ? TEXT.endless[lang] : `${TEXT.to[lang]}${validUntil}`}`;
  return [
    [TEXT.name[lang], license.name],
    [TEXT.holder[lang], license.holderName],
    ...(license.owners === null ? [] : [[TEXT.owners[lang], license.owners] satisfies [string, string]]),
    [TEXT.number[lang], license.number],
    [TEXT.identifier[lang], license.identifier],
    [TEXT.version[lang], String(license.version)],
    [TEXT.issuer[lang], license.issuerName],
    [TEXT.issuedOn[lang], license.issuedOn],
    [TEXT.validity[lang], period],
    ...license.fields.map(({ label, text }): [string, string] => [label, text]),
  ];
}

/** The state in which an act left a version. One that begins later was not valid yet. */
function stateAfterwards({ version, state, at }: LicenseStatus['life'][number], license: LicenseStatus): ValidityState {
  const from = version === license.version ? license.validFrom : version > license.version ? license.nextFrom : null;
  return state === 'VALID' && from !== null && dayOf(new Date(at)) < from ? 'NOT_YET_VALID' : state;
}

function renderLife(license: LicenseStatus, lang: Lang): string {
  const items = license.life.map((entry) => {
    const { act, version, at } = entry;
    const state = stateAfterwards(entry, license);
    const { tone, sign, [lang]: word } = STATES[state] ?? { tone: 'hold', sign: '?', zh: state, en: state };
    const time = `<time datetime="${escapeHtml(new Date(at).toISOString())}">${escapeHtml(formatMoment(at, lang))}</time>`;
    const stateText = lang === 'zh' ? `第 ${version} 版：${word}` : `version ${version}: ${word}`;
    return `<li class="${tone}">${time}<span class="act">${escapeHtml(ACTS[act]?.[lang] ?? act)}</span>
<span class="after"><span class="sign" aria-hidden="true">${sign}</span>${escapeHtml(stateText)}</span></li>`;
  });
  const deemed = license.deemedRenewals.map(({ from, until }): [string, string] => [
    TEXT.deemedTimes[lang],
    `${from}${TEXT.to[lang]}${until ?? TEXT.deemedOpen[lang]}`,
  ]);
  return `<ol class="life">${items.join('\n')}</ol>${deemed.length === 0 ? '' : renderFacts(deemed)}`;
}

const BAD_IDENTIFIER = {
  heading: { zh: '证照标识不正确', en: 'Not a license identifier' },
  variant: {
    zh: '校验位是某已知系统按另一种算法得出的，不符合 GB/T 36904（ISO 7064 MOD 37,36），不能采信。',
    en: 'Its check character was made by another algorithm, that of a known system. It is not that of GB/T 36904 (ISO 7064 MOD 37,36) and cannot be relied on.',
  },
  invalid: {
    zh: '电子证照标识的形式或校验位不正确（GB/T 36904，ISO 7064 MOD 37,36），请核对是否抄录有误。',
    en: 'Its form or its check character is wrong (GB/T 36904, ISO 7064 MOD 37,36). Please check how it was copied.',
  },
} as const satisfies Record<string, Words>;

/** Renders the page for a text that is not an identifier or has a wrong check character. */
export function renderBadIdentifierPage(identifier: string, verdict: 'KNOWN_VARIANT' | 'INVALID', lang: Lang): string {
  const why = verdict === 'KNOWN_VARIANT' ? BAD_IDENTIFIER.variant : BAD_IDENTIFIER.invalid;
  return renderNotice(identifier, BAD_IDENTIFIER.heading, why, lang);
}

const UNKNOWN_LICENSE = {
  heading: { zh: '没有此证照', en: 'No such license' },
  why: {
    zh: '标识的形式正确，但本系统没有制发过这一证照。',
    en: 'The identifier is well formed, but no license with it was issued here.',
  },
} as const satisfies Record<string, Words>;

/** Renders the page for a well-formed identifier that no license of this hub has. */
export function renderUnknownLicensePage(identifier: string, lang: Lang): string {
  return renderNotice(identifier, UNKNOWN_LICENSE.heading, UNKNOWN_LICENSE.why, lang);
}

const ASK = {
  title: { zh: '查询证照状态', en: 'Look up a license' },
  label: { zh: '证照标识', en: 'Identifier of the license' },
  what: {
    zh: '印在证照上，以 1.2.156.3005.2 开头；可粘贴二维码的网址。',
    en: 'It is printed on the license and begins with 1.2.156.3005.2. The address in the QR code does too.',
  },
  go: { zh: '查询', en: 'Look up' },
} as const satisfies Record<string, Words>;

/** Headers of a page with the field for an identifier, which the hub itself answers. */
export const ASK_HEADERS = {
  ...PAGE_HEADERS,
  'content-security-policy': PAGE_HEADERS['content-security-policy'].replace(
    "form-action 'none'",
    "form-action 'self'",
  ),
};

/** Renders the page that asks for an identifier. */
export function renderAskPage(lang: Lang): string {
  const body = `<h1>${escapeHtml(ASK.title[lang])}</h1>${renderField('', lang)}`;
  return renderPage({ lang, path: '/v', title: ASK.title[lang], body });
}

/** Renders the field for an identifier, filled if it looks like one. It works without scripts. */
function renderField(text: string, lang: Lang): string {
  const identifier = /^[\w.-]{1,120}$/.test(text) ? text : '';
  const toHtml = (words: Words) => escapeHtml(words[lang]);
  return `<form method="get" action="/v" class="card"><input type="hidden" name="lang" value="${lang}">
<label for="identifier">${toHtml(ASK.label)}</label>
<input type="text" id="identifier" name="identifier" value="${escapeHtml(identifier)}" required maxlength="300"
 spellcheck="false" autocapitalize="off" autocomplete="off" aria-describedby="identifier-what">
<p class="quiet" id="identifier-what">${toHtml(ASK.what)}</p>
<p><button type="submit" class="primary">${toHtml(ASK.go)}</button></p></form>`;
}

function renderNotice(identifier: string, heading: Words, why: Words, lang: Lang): string {
  const body = `<h1>${escapeHtml(heading[lang])}</h1>
<p>${escapeHtml(why[lang])}</p><pre>${escapeHtml(identifier)}</pre>${renderField(identifier, lang)}`;
  return renderPage({ lang, path: `/v/${encodeURIComponent(identifier)}`, title: heading[lang], body });
}
