import { createHash } from 'node:crypto';
import type { LicenseState } from '../subgraphs/kernel/events.ts';

/** The public pages: plain HTML, nothing loaded from anywhere, no script. */

/** What the page behind a license's QR code shows: `LicenseStatus` of the schema. */
export interface LicenseStatus {
  identifier: string;
  number: string;
  version: number;
  state: LicenseState;
  name: string;
  holderName: string;
  issuerName: string;
  issuedOn: string;
  validFrom: string;
  validUntil: string | null;
  documentDigest: string;
  sealName: string;
  sealedAt: string;
  supersededBy: string | null;
}

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, "Noto Sans CJK SC", sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; }
.en { opacity: .7; font-size: .9rem; margin-top: 0; }
.state { display: inline-block; padding: .2rem .8rem; border: 2px solid; border-radius: .3rem; font-weight: 700; }
.good { color: #18794e; } .bad { color: #cd2b31; } .hold { color: #ad5700; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
pre { padding: .8rem; overflow-x: auto; border: 1px solid #8886; border-radius: .3rem; font-size: .85rem; }
.note { border-left: 4px solid #ad5700; padding-left: .8rem; }
`;

/** Headers of every page: the one style is named by its digest, and nothing else may load, run, frame or be sent. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

const STATES: Readonly<Record<LicenseState, { zh: string; en: string; tone: 'good' | 'bad' | 'hold' }>> = {
  VALID: { zh: '有效', en: 'in force', tone: 'good' },
  SUSPENDED: { zh: '暂扣', en: 'suspended', tone: 'hold' },
  SUPERSEDED: { zh: '已被新版本取代', en: 'superseded by a newer version', tone: 'bad' },
  LAPSED: { zh: '失效', en: 'lapsed', tone: 'bad' },
  RESCINDED: { zh: '撤销', en: 'rescinded: the grant was wrong', tone: 'bad' },
  WITHDRAWN: { zh: '撤回', en: 'withdrawn: a lawful grant was taken back', tone: 'bad' },
  REVOKED: { zh: '吊销', en: 'revoked as a penalty', tone: 'bad' },
  CANCELLED: { zh: '注销', en: 'cancelled', tone: 'bad' },
};

const shanghaiTime = new Intl.DateTimeFormat('zh-CN', {
  timeZone: 'Asia/Shanghai',
  dateStyle: 'long',
  timeStyle: 'medium',
});

/** The state of one license version, what is sealed, and how anyone checks a copy without the hub. */
export function licensePage(license: LicenseStatus): string {
  const { zh, en, tone } = STATES[license.state];
  const lines: [string, string][] = [
    ['证照名称', license.name],
    ['持证主体', license.holderName],
    ['证照编号', license.number],
    ['证照标识', license.identifier],
    ['版本', String(license.version)],
    ['颁发机构', license.issuerName],
    ['颁发日期', license.issuedOn],
    ['有效期', `${license.validFrom} 至 ${license.validUntil ?? '长期'}`],
  ];
  const sealed: [string, string][] = [
    ['印章', license.sealName],
    ['用印时间', shanghaiTime.format(new Date(license.sealedAt))],
    ['加盖印章的文件（PDF）SHA-256', license.documentDigest],
  ];
  const newer = license.supersededBy
    ? `<p>现行版本：<a href="/v/${encodeURIComponent(license.supersededBy)}">${escapeHtml(license.supersededBy)}</a></p>`
    : '';
  return page(
    `${license.name} ${zh}`,
    `<h1>电子证照状态</h1><p class="en">Status of an electronic license: ${en}</p>
<p><span class="state ${tone}">${zh}</span></p>${newer}
${list(lines)}
<h2>盖章的内容</h2><p class="en">What is sealed</p>
<p>电子印章盖在整份 PDF 文件上：版面文字和附在其中的证照元数据（metadata.json，GB/T 36903）有任何改动，校验即不通过。</p>
${list(sealed)}
<h2>如何核验</h2><p class="en">How to verify a copy, without trusting this page</p>
<ol><li>核对文件摘要，应与上面的 SHA-256 一致：<pre>sha256sum 证照.pdf</pre></li>
<li>核验签名（证照.p7s 与证照.pdf 一并由持证主体或机关提供，根证书见 <a href="/root.pem">root.pem</a>）：
<pre>openssl cms -verify -binary -cades -inform DER -in 证照.p7s -content 证照.pdf -CAfile root.pem -purpose any -out /dev/null</pre></li>
<li>签名通过只说明文件由印章所属机关加盖且未被改动；证照现在是否有效，以本页状态为准。</li></ol>
${TEST_NOTE}`,
  );
}

/** For a text that is no identifier, or one whose check character is wrong. */
export function badIdentifierPage(identifier: string, verdict: 'KNOWN_VARIANT' | 'INVALID'): string {
  const why =
    verdict === 'KNOWN_VARIANT'
      ? '校验位是某已知系统按另一种算法得出的，不符合 GB/T 36904（ISO 7064 MOD 37,36），不能采信。'
      : '电子证照标识的形式或校验位不正确（GB/T 36904，ISO 7064 MOD 37,36），请核对是否抄录有误。';
  return page(
    '证照标识不正确',
    `<h1>证照标识不正确</h1><p class="en">This is not a valid license identifier: its check character is wrong</p>
<p>${why}</p><pre>${escapeHtml(identifier)}</pre>`,
  );
}

/** For an identifier that is well formed and names no license of this hub. */
export function unknownLicensePage(identifier: string): string {
  return page(
    '没有此证照',
    `<h1>没有此证照</h1><p class="en">No license with this identifier was issued here</p>
<p>标识的形式正确，但本系统没有制发过这一证照。</p><pre>${escapeHtml(identifier)}</pre>`,
  );
}

/** The front page. */
export function frontPage(): string {
  return page(
    '同权 Tongquan',
    `<h1>同权：电子证照与电子印章数据枢纽</h1>
<p class="en">Tongquan: a GraphQL federated data hub for electronic licenses and electronic seals</p>
<p>于都县“市县同权”改革 108 项事项的目录、办件、电子证照、电子印章，经一个 GraphQL 接口提供：<code>POST /graphql</code>。</p>
<p>事项目录无需令牌，例如：</p>
<pre>curl -s /graphql -H 'content-type: application/json' \\
  -d '{"query":"{ matters(first: 3) { totalCount edges { node { id name } } } }"}'</pre>
<ul><li><a href="/health/ready">/health/ready</a> 运行状态</li>
<li>/v/&lt;证照标识&gt; 公众核验</li><li><a href="/root.pem">/root.pem</a> 测试根证书</li></ul>
${TEST_NOTE}`,
  );
}

const TEST_NOTE =
  '<p class="note">本系统使用测试 PKI 签发的测试印章，所制证照没有法律效力。<br><span class="en">Test PKI, test seals: nothing issued here has legal effect.</span></p>';

function list(lines: readonly [string, string][]): string {
  return `<dl>${lines.map(([label, text]) => `<dt>${escapeHtml(label)}</dt><dd>${escapeHtml(text)}</dd>`).join('')}</dl>`;
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body>${body}</body></html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (one) => ENTITIES[one] ?? one);
}
