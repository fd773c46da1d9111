import type { RenderProblem } from '../../subgraphs/kernel/http/answer/problem-hook.ts';
import { escapeHtml, langOf, PAGE_HEADERS, renderPage, toPageUrl, type Words } from './frame.ts';

/** The page that shows an error to a person. */

const HEADINGS: Readonly<Record<number, Words>> = {
  401: { zh: '需要登录', en: 'Sign-in needed' },
  403: { zh: '不允许', en: 'Not allowed' },
  404: { zh: '没有此页面', en: 'No such page' },
  410: { zh: '链接已失效', en: 'The link has ended' },
  429: { zh: '请求过多', en: 'Too many requests' },
  500: { zh: '系统故障', en: 'A fault of the system' },
  503: { zh: '暂时不能办理', en: 'Not available now' },
};
const OTHER: Words = { zh: '不能处理此请求', en: 'This request cannot be handled' };
const TEXT = {
  answer: { zh: '系统的答复：', en: 'The system answered, in Chinese: ' },
  code: { zh: '代码', en: 'Code' },
  incident: { zh: '故障编号', en: 'Incident' },
  home: { zh: '返回首页', en: 'To the start page' },
} as const satisfies Record<string, Words>;

/** Renders an error: what happened, its code, its incident number if it has one, and the way back. */
export const renderProblemPage: RenderProblem = ({ query, url }, status, { code, message, incident }) => {
  const lang = langOf(query);
  const toHtml = (words: Words) => escapeHtml(words[lang]);
  const title = (HEADINGS[status] ?? OTHER)[lang];
  const number =
    typeof incident === 'string' ? `<p>${toHtml(TEXT.incident)}: <code>${escapeHtml(incident)}</code></p>` : '';
  const body = `<h1>${escapeHtml(title)}</h1>
<p>${toHtml(TEXT.answer)}<span lang="zh-CN">${escapeHtml(message)}</span></p>
<p class="quiet">HTTP ${status} · ${toHtml(TEXT.code)} <code>${escapeHtml(code)}</code></p>${number}
<p><a class="button" href="${toPageUrl('/', lang)}">${toHtml(TEXT.home)}</a></p>`;
  return { headers: PAGE_HEADERS, body: renderPage({ lang, path: readPath(url), title, body }) };
};

/** Returns the path of a request without parameters, which may be anything. */
const readPath = (url: string) => (/^\/[\w./~-]{0,200}$/.exec(url.split('?')[0] ?? '') ?? ['/'])[0];
