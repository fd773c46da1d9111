import { escapeHtml, type Lang, renderPage, type Words } from './frame.ts';

/** The page of the transparency log (透明日志): size, last checkpoint, witnesses, and a drawing of a license's proof. */

const TEXT = {
  title: { zh: '用印透明日志', en: 'Transparency log of seals' },
  lead: {
    zh: '每一次用印、每一张证书、每一份状态列表都记入这本只能续写的日志，由日志和见证人签名。任何人都可以抄录、核对：谁改写了过去，谁就会被发现。',
    en: 'Every use of a seal, every certificate and every status list is entered in a log that only grows, signed by the log and its witnesses. Anybody may copy and check it: whoever rewrites the past is found.',
  },
  noScript: {
    zh: '浏览器没有运行脚本，不能在本页查看日志。您仍可直接取得下列文件自行核对。',
    en: 'Your browser does not run scripts, so the log cannot be shown. You can still get the files below and check them yourself.',
  },
  now: { zh: '日志现状', en: 'The log now' },
  proof: { zh: '一份证照的日志证明', en: 'The proof of one license' },
  identifier: { zh: '证照标识', en: 'License identifier' },
  identifierWhat: { zh: '例如 1.2.156.3005.2.…', en: 'Such as 1.2.156.3005.2.…' },
  show: { zh: '查看证明', en: 'Show the proof' },
  hand: { zh: '自行核对', en: 'Check it yourself' },
  checkpoint: { zh: '最新检查点', en: 'The newest checkpoint' },
  key: { zh: '日志公钥', en: 'The log’s key' },
  how: {
    zh: '各条目和树的散列值按 C2SP tlog-tiles 公布在 /log/tile/ 下；一次用印的证明在 /log/proof/用印编号。审计程序：',
    en: 'Entries and hashes are published under /log/tile/ as C2SP tlog-tiles lays them out; the proof of one use stands at /log/proof/ISSUANCE-ID. The auditor:',
  },
} as const satisfies Record<string, Words>;

export function renderLogPage(lang: Lang): string {
  const toHtml = (words: Words) => escapeHtml(words[lang]);
  const body = `<h1>${toHtml(TEXT.title)}</h1>
<p class="lead">${toHtml(TEXT.lead)}</p>
<noscript><p class="note">${toHtml(TEXT.noScript)}</p></noscript>
<div id="tool" hidden>
<section class="card" aria-labelledby="now-heading"><h2 id="now-heading">${toHtml(TEXT.now)}</h2><div id="now" role="status"></div></section>
<section class="card" aria-labelledby="proof-heading"><h2 id="proof-heading">${toHtml(TEXT.proof)}</h2>
<form id="form"><label for="identifier">${toHtml(TEXT.identifier)}</label>
<input id="identifier" type="text" maxlength="120" spellcheck="false" autocapitalize="off" autocomplete="off" aria-describedby="identifier-what">
<p class="quiet" id="identifier-what">${toHtml(TEXT.identifierWhat)}</p>
<p><button type="submit" class="primary">${toHtml(TEXT.show)}</button></p></form>
<p id="progress" role="status"></p><div id="proof"></div></section>
</div>
<section aria-labelledby="hand-heading"><h2 id="hand-heading">${toHtml(TEXT.hand)}</h2>
<ul><li><a href="/log/checkpoint">${toHtml(TEXT.checkpoint)}</a></li><li><a href="/log/key">${toHtml(TEXT.key)}</a></li></ul>
<p>${toHtml(TEXT.how)}</p>
<pre>npm run audit -- --log-key keys.txt --checkpoint https://…/log/checkpoint</pre></section>`;
  return renderPage({ lang, path: '/log', title: TEXT.title[lang], body, script: 'log.js' });
}
