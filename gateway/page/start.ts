import { escapeHtml, type Lang, renderPage, toPageUrl, type Words } from './frame.ts';

/** The start page: what this is, and where everybody goes from here. */

const TEXT = {
  title: {
    zh: '同权：电子证照与电子印章数据枢纽',
    en: 'Tongquan: a data hub for electronic licenses and electronic seals',
  },
  what: {
    zh: '于都县“市县同权”改革 108 项事项的目录、办件、电子证照、电子印章，经一个 GraphQL 接口提供。证照与纸质证照同步制发，任何人都能核验。',
    en: 'The 108 matters that Yudu county takes over from its city, their cases, electronic licenses and seals, by one GraphQL endpoint. Licenses are issued in lock-step with their paper, and anyone can verify them.',
  },
  verify: { zh: '核验电子证照', en: 'Verify an electronic license' },
  everyone: { zh: '群众和企业', en: 'Everybody' },
  developers: { zh: '前端团队', en: 'Front-end teams' },
  auditors: { zh: '审计和核验', en: 'Auditors and verifiers' },
  operators: { zh: '运行维护', en: 'Operators' },
} as const satisfies Record<string, Words>;

type Link = readonly [path: string, name: Words, what: Words];

const LINKS = {
  everyone: [
    [
      '/verify',
      { zh: '核验电子证照', en: 'Verify a license' },
      { zh: '核对文件、二维码或证照标识', en: 'by file, QR code or identifier' },
    ],
    [
      '/v',
      { zh: '查询证照状态', en: 'Look up a license' },
      { zh: '按证照标识查现在是否有效', en: 'by its identifier: whether it is in force' },
    ],
    [
      '/progress',
      { zh: '办理进度查询', en: 'Follow a case' },
      { zh: '按受理通知书上的办件编号和查询码', en: 'by the number and the code on its receipt' },
    ],
  ],
  developers: [
    [
      '/explorer',
      { zh: '接口探索', en: 'Explorer' },
      { zh: 'GraphiQL，有示例，可用演示人员登录', en: 'GraphiQL with examples and sign-in' },
    ],
    [
      '/reference',
      { zh: '接口参考', en: 'Reference' },
      { zh: '每个查询、操作、类型和字段的说明', en: 'every query, mutation, type and field, described' },
    ],
    [
      '/schema.graphql',
      { zh: '接口定义', en: 'Schema' },
      { zh: '全部类型和字段，供代码生成器读取', en: 'all types and fields, for code generators' },
    ],
    [
      '/labels.json',
      { zh: '枚举值的名称', en: 'Labels of enums' },
      { zh: '每个值的中文和英文名称', en: 'what a screen shows for each value, in Chinese and English' },
    ],
  ],
  auditors: [
    [
      '/log',
      { zh: '透明日志', en: 'Transparency log' },
      { zh: '每次用印都在其中，只能追加', en: 'holds every use of a seal, and only grows' },
    ],
    [
      '/root.pem',
      { zh: '测试根证书', en: 'Root certificate of the test PKI' },
      { zh: '离线核验时使用', en: 'for verification without this system' },
    ],
    [
      '/seals/certificates.pem',
      { zh: '全部证书', en: 'All certificates' },
      { zh: '印章、时间戳和状态签名的证书', en: 'of seals, timestamps and statements' },
    ],
  ],
  operators: [
    ['/health/ready', { zh: '运行状态', en: 'Readiness' }, { zh: '各部分是否就绪', en: 'whether every part runs' }],
  ],
} as const satisfies Record<string, readonly Link[]>;

/** Renders the start page. */
export function renderStartPage(lang: Lang): string {
  const toHtml = (words: Words) => escapeHtml(words[lang]);
  const toItem = ([path, name, what]: Link) =>
    `<li><a href="${PAGES.has(path) ? toPageUrl(path, lang) : path}">${toHtml(name)}</a> ${toHtml(what)}</li>`;
  const toSection = (group: keyof typeof LINKS) =>
    `<section class="card" aria-labelledby="${group}"><h2 id="${group}">${toHtml(TEXT[group])}</h2>
<ul>${LINKS[group].map(toItem).join('')}</ul></section>`;
  const body = `<h1>${toHtml(TEXT.title)}</h1>
<p class="lead">${toHtml(TEXT.what)}</p>
<p><a class="button" href="${toPageUrl('/verify', lang)}">${toHtml(TEXT.verify)}</a></p>
${(['everyone', 'developers', 'auditors', 'operators'] as const).map(toSection).join('\n')}`;
  return renderPage({ lang, path: '/', title: TEXT.title[lang], body });
}

/** Paths of pages for people, which have two languages. */
const PAGES: ReadonlySet<string> = new Set(['/verify', '/v', '/progress', '/explorer', '/log', '/reference']);
