import { escapeHtml, type Lang, renderPage, type Words } from '../../../gateway/page/frame.ts';
import type { Person, Role } from '../../../subgraphs/kernel/actor.ts';

/** The page on which somebody chooses whom to be, in development. */

const TEXT = {
  title: { zh: '选择演示人员', en: 'Choose a demo person' },
  lead: {
    zh: '这是开发环境的登录页。人员都是虚构的，不用密码；正式运行时由本单位的身份认证服务代替。',
    en: 'This is the sign-in of development. All people are invented and have no password; in production the office’s own identity provider takes its place.',
  },
  client: { zh: '登录后返回', en: 'After that you return to' },
  person: { zh: '人员', en: 'Person' },
  others: { zh: '申请人、窗口及其他', en: 'Applicants, windows, others' },
  go: { zh: '登录', en: 'Sign in' },
  wrong: { zh: '登录请求有误', en: 'This request to sign in is wrong' },
  wrongWhat: {
    zh: '请回到原来的页面重新登录。开发人员请核对登录请求的参数，见 docs/sign-in.md。错误：',
    en: 'Go back to the page you came from and sign in again. Developers: docs/sign-in.md lists the parameters. The error:',
  },
} as const satisfies Record<string, Words>;

const ROLE_WORDS: Readonly<Record<Role, Words>> = {
  APPLICANT: { zh: '申请人', en: 'applicant' },
  WINDOW_CLERK: { zh: '窗口人员', en: 'window clerk' },
  REVIEWER: { zh: '审查人', en: 'reviewer' },
  APPROVER: { zh: '审批人', en: 'approver' },
  SEAL_KEEPER: { zh: '印章保管员', en: 'seal keeper' },
  SEAL_APPROVER: { zh: '印章审批人', en: 'seal approver' },
  SUPERVISOR: { zh: '监管人员', en: 'supervisor' },
  AUDITOR: { zh: '审计员', en: 'auditor' },
  LIBRARY: { zh: '证照库', en: 'library' },
  ADMINISTRATOR: { zh: '管理员', en: 'administrator' },
};

/** What the page shows. */
export interface ChoicePage {
  lang: Lang;
  /** Path with the parameters of the request, without the language. */
  path: string;
  /** Goes back with the choice. */
  parameters: readonly (readonly [name: string, value: string])[];
  /** Origin of the page to which the person returns. */
  origin: string;
  people: readonly Person[];
  /** Names of organs by id. */
  organNames: ReadonlyMap<string, string>;
}

/** Renders the page with one list of all people, by organ. It works without scripts. */
export function renderChoicePage({ lang, path, parameters, origin, people, organNames }: ChoicePage): string {
  const toHtml = (words: Words) => escapeHtml(words[lang]);
  const groups = Map.groupBy(people, ({ id, organ }) => (organ !== null && id.startsWith(`${organ}.`) ? organ : null));
  const options = [...groups].map(([organ, members]) => {
    const label = organ === null ? TEXT.others[lang] : (organNames.get(organ) ?? organ);
    const lines = members.map(({ id, name, roles }) => {
      const text = `${name}（${roles.map((role) => ROLE_WORDS[role][lang]).join('、')}）${id}`;
      return `<option value="${escapeHtml(id)}">${escapeHtml(text)}</option>`;
    });
    return `<optgroup label="${escapeHtml(label)}">${lines.join('')}</optgroup>`;
  });
  const hidden = parameters.map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  const body = `<h1>${toHtml(TEXT.title)}</h1>
<p class="lead">${toHtml(TEXT.lead)}</p>
<form method="post" action="authorize?lang=${lang}" class="card">${hidden.join('')}
<p>${toHtml(TEXT.client)} <strong>${escapeHtml(origin)}</strong></p>
<p><label for="person">${toHtml(TEXT.person)}</label>
<select id="person" name="person" required>${options.join('')}</select></p>
<p><button type="submit" class="primary">${toHtml(TEXT.go)}</button></p></form>`;
  return renderPage({ lang, path, title: TEXT.title[lang], body });
}

/** Renders what is wrong with a request whose client must not hear of it. */
export function renderProblemPage(lang: Lang, path: string, error: string): string {
  const body = `<h1>${escapeHtml(TEXT.wrong[lang])}</h1>
<p>${escapeHtml(TEXT.wrongWhat[lang])} <code>${escapeHtml(error)}</code></p>`;
  return renderPage({ lang, path, title: TEXT.wrong[lang], body });
}
