import { escapeHtml, type Lang, PAGE_HEADERS, renderPage, type Words } from './frame.ts';

/** The explorer (接口探索): GraphiQL, served by the hub itself, with examples and sign-in. */

/** How a person signs in on the explorer: an issuer, and the client that the explorer is there. */
export interface ExplorerSignIn {
  issuer: string;
  clientId: string;
}

const TEXT = {
  title: { zh: '接口探索', en: 'Explorer' },
  example: { zh: '示例', en: 'Example' },
  choose: { zh: '选择示例', en: 'Choose an example' },
  signIn: { zh: '登录', en: 'Sign in' },
  signOut: { zh: '退出', en: 'Sign out' },
  noScript: {
    zh: '接口探索需要浏览器运行脚本。不用脚本时，见 /schema.graphql 和 docs/front-end.md。',
    en: 'The explorer needs scripts. Without them, see /schema.graphql and docs/front-end.md.',
  },
} as const satisfies Record<string, Words>;

/**
 * Returns the headers of the page. Unlike every other page it lets styles stand within the document: the editor makes
 * them. It connects to the hub and to the issuer only.
 */
export function buildExplorerHeaders(signIn: ExplorerSignIn | null): Record<string, string> {
  const origin = signIn === null ? '' : ` ${new URL(signIn.issuer).origin}`;
  const policy = PAGE_HEADERS['content-security-policy']
    .replace("style-src 'self'", "style-src 'self' 'unsafe-inline'; font-src 'self' data:; worker-src 'self'")
    .replace("connect-src 'self'", `connect-src 'self'${origin}`);
  return { ...PAGE_HEADERS, 'content-security-policy': policy };
}

/** Renders the explorer. */
export function renderExplorerPage(lang: Lang, signIn: ExplorerSignIn | null): string {
  const toHtml = (words: Words) => escapeHtml(words[lang]);
  const settings =
    signIn === null ? '' : ` data-issuer="${escapeHtml(signIn.issuer)}" data-client="${escapeHtml(signIn.clientId)}"`;
  const body = `<div class="tools"><h1>${toHtml(TEXT.title)}</h1>
<p><label>${toHtml(TEXT.example)} <select id="example"><option value="">${toHtml(TEXT.choose)}</option></select></label></p>
<p class="person" id="person" role="status"></p>
<p><button type="button" id="sign-in" hidden>${toHtml(TEXT.signIn)}</button>
<button type="button" id="sign-out" hidden>${toHtml(TEXT.signOut)}</button></p></div>
<noscript><p class="note">${toHtml(TEXT.noScript)}</p></noscript>
<div id="explorer"${settings}></div>`;
  const styles = ['graphiql/graphiql.css', 'explorer/explorer.css'];
  const scripts = { libraries: ['graphiql/graphiql.js'], script: 'explorer/explorer.js' };
  return renderPage({ lang, path: '/explorer', title: TEXT.title[lang], body, styles, ...scripts });
}
