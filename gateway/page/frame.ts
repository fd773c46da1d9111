/**
 * The public pages: plain HTML in Chinese or English. All styles and scripts are own files. Nothing loads from
 * elsewhere.
 */

export type Lang = 'zh' | 'en';
export type Words = Readonly<Record<Lang, string>>;

/**
 * Headers of every page: no inline scripts or styles, no foreign resources, no connections except to the hub itself.
 */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
} as const;

/** Returns the language of the parameter `?lang=`. Returns Chinese if it is absent or unknown. */
export function langOf(query: unknown): Lang {
  return typeof query === 'object' && query !== null && 'lang' in query && query.lang === 'en' ? 'en' : 'zh';
}

/** Returns the URL of a page in a language. The path may have parameters. */
export function toPageUrl(path: string, lang: Lang): string {
  return `${path}${path.includes('?') ? '&' : '?'}lang=${lang}`;
}

/** The parts of a page. `body` is HTML, everything else is text. */
export interface Page {
  lang: Lang;
  /** Its path, without the language. */
  path: string;
  title: string;
  body: string;
  /** The name of its script under /page/, if any. */
  script?: string;
  /** Names of further styles under /page/. */
  styles?: readonly string[];
  /** Names of scripts under /page/ that run before `script`. */
  libraries?: readonly string[];
}

const FRAME = {
  skip: { zh: '跳到正文', en: 'Skip to the content' },
  home: { zh: '同权', en: 'Tongquan' },
  verify: { zh: '核验证照', en: 'Verify a license' },
  log: { zh: '透明日志', en: 'Transparency log' },
  explorer: { zh: '接口探索', en: 'Explorer' },
  languages: { zh: '语言', en: 'Language' },
  test: {
    zh: '本系统使用测试 PKI 签发的测试印章，所制证照没有法律效力。',
    en: 'Test PKI, test seals: nothing issued here has legal effect.',
  },
} as const satisfies Record<string, Words>;

/** Renders a whole page: header with the language switch, main part, and the note that this is a test system. */
export function renderPage({ lang, path, title, body, script, styles = ['answer.css'], libraries = [] }: Page): string {
  const toHtml = (words: Words) => escapeHtml(words[lang]);
  const languageLink = (to: Lang, name: string) =>
    `<a href="${escapeHtml(toPageUrl(path, to))}" lang="${htmlLang(to)}" hreflang="${htmlLang(to)}"${to === lang ? ' aria-current="true"' : ''}>${name}</a>`;
  const libraryTags = libraries.map((name) => `<script defer src="/page/${name}"></script>`).join('');
  const scriptTag = script === undefined ? '' : `<script type="module" src="/page/${script}"></script>`;
  const styleTags = ['style.css', ...styles].map((name) => `<link rel="stylesheet" href="/page/${name}">`).join('');
  return `<!doctype html>
<html lang="${htmlLang(lang)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title><link rel="icon" href="/page/icon.svg" type="image/svg+xml">
${styleTags}${libraryTags}${scriptTag}</head>
<body><a class="skip" href="#main">${toHtml(FRAME.skip)}</a>
<header><p class="brand"><a href="${toPageUrl('/', lang)}">${toHtml(FRAME.home)}</a></p>
<p><a href="${toPageUrl('/verify', lang)}">${toHtml(FRAME.verify)}</a></p>
<p><a href="${toPageUrl('/log', lang)}">${toHtml(FRAME.log)}</a></p>
<p><a href="${toPageUrl('/explorer', lang)}">${toHtml(FRAME.explorer)}</a></p>
<nav aria-label="${toHtml(FRAME.languages)}">${languageLink('zh', '中文')} ${languageLink('en', 'English')}</nav></header>
<main id="main">
${body}
</main>
<footer><p>${toHtml(FRAME.test)}</p></footer></body></html>
`;
}

const htmlLang = (lang: Lang) => (lang === 'zh' ? 'zh-CN' : 'en');

/** Renders a list of labels and texts. */
export function renderFacts(lines: readonly (readonly [string, string])[]): string {
  return `<dl>${lines.map(([label, text]) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(text)}</dd></div>`).join('')}</dl>`;
}

/** Formats a time in Asia/Shanghai, in the same way as the browser's scripts. */
export function formatMoment(at: string | Date, lang: Lang): string {
  return MOMENT[lang].format(new Date(at));
}

const createTimeFormat = (locale: string) =>
  new Intl.DateTimeFormat(locale, { timeZone: 'Asia/Shanghai', dateStyle: 'long', timeStyle: 'medium' });
const MOMENT = { zh: createTimeFormat('zh-CN'), en: createTimeFormat('en-GB') };

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
