import { byId, element, facts } from './element.js';
import { drawProof } from './proof.js';
import { climb, readCheckpoint, readProof } from './tlog.js';
import { lang, momentText } from './words.js';

/** The page of the transparency log. It does not trust the hub for hashes: it computes the path from leaf to root. */

const ZH = {
  size: '条数',
  root: '树根（SHA-256）',
  origin: '日志名称',
  signers: '所列签名（本页未核对）',
  witness: '见证人',
  log: '日志',
  away: '现在取不到日志，请稍后再试。',
  unknown: '没有这一证照，或它的用印还没有排入日志。',
  bad: '这不是证照标识。',
  reading: '正在取得并核对……',
  right: '逐级算出的树根与检查点上的树根相同：这次用印确在日志中。',
  wrong: '逐级算出的树根与检查点不同，或这一条不是关于这份证照的：这一证明不成立！',
  insecure: '浏览器只在 HTTPS 页面上计算摘要，请用 HTTPS 打开本页。',
  entry: '日志中的这一条',
  index: '序号',
  at: '时间',
  seal: '印章',
  by: '授权人（工号）',
  act: '事项',
};
const EN = {
  size: 'Entries',
  root: 'Root (SHA-256)',
  origin: 'Name of the log',
  signers: 'Signatures named (not checked on this page)',
  witness: 'witness',
  log: 'log',
  away: 'The log cannot be had at the moment; please try again later.',
  unknown: 'There is no such license, or its seal’s use has no place in the log yet.',
  bad: 'This is no license identifier.',
  reading: 'Getting and checking …',
  right: 'The root reckoned step by step is the checkpoint’s: this use of the seal stands in the log.',
  wrong:
    'The root reckoned step by step is another than the checkpoint’s, or the entry is not about this license: this proof does not hold!',
  insecure: 'Browsers compute digests on HTTPS pages only: please open this page by HTTPS.',
  entry: 'This entry of the log',
  index: 'Index',
  at: 'Time',
  seal: 'Seal',
  by: 'Authorised by (staff number)',
  act: 'Act',
};
const say = lang === 'zh' ? ZH : EN;

/** @param {import('./tlog.js').Checkpoint} checkpoint */
function signersOf({ signatures }) {
  return signatures
    .map(({ name, time }) =>
      time === null ? `${name}（${say.log}）` : `${name}（${say.witness}，${momentText(time)}）`,
    )
    .join('；');
}

/** @param {import('./tlog.js').Checkpoint} checkpoint */
function factsOf(checkpoint) {
  return facts([
    [say.origin, checkpoint.origin],
    [say.size, String(checkpoint.size)],
    [say.root, checkpoint.root],
    [say.signers, signersOf(checkpoint)],
  ]);
}

async function showNow() {
  try {
    const response = await fetch('/log/checkpoint');
    if (!response.ok) throw new Error(String(response.status));
    byId('now').replaceChildren(factsOf(readCheckpoint(await response.text())));
  } catch {
    byId('now').replaceChildren(say.away);
  }
}

/** @param {string} identifier */
async function showProof(identifier) {
  byId('proof').replaceChildren();
  if (!/^1\.2\.156\.3005\.2\.[0-9A-Z.]{1,100}$/i.test(identifier)) return tell(say.bad);
  if (!globalThis.crypto?.subtle) return tell(say.insecure);
  tell(say.reading);
  try {
    const response = await fetch(`/licenses/evidence/${encodeURIComponent(identifier)}`);
    const bundle = response.ok ? await response.json() : null;
    const logged = bundle?.log ?? bundle?.latest?.log;
    if (!logged) return tell(response.ok || response.status === 404 ? say.unknown : say.away);
    const proof = readProof(logged.proof);
    const steps = await climb(logged.entry, proof);
    const isOfLicense = logged.entry.kind === 'SEAL_USE' && logged.entry.identifier === identifier;
    const right = isOfLicense && steps.at(-1)?.hash === proof.checkpoint.root;
    const { entry } = logged;
    const entryFacts = facts([
      [say.index, String(proof.index)],
      [say.at, momentText(entry.at)],
      [say.seal, entry.sealId],
      [say.by, entry.authorisedById],
      [say.act, entry.act],
    ]);
    byId('proof').replaceChildren(
      element('p', { class: right ? 'good' : 'bad' }, element('strong', {}, right ? say.right : say.wrong)),
      drawProof(steps, proof),
      element('h3', {}, say.entry),
      entryFacts,
      factsOf(proof.checkpoint),
    );
    tell('');
  } catch {
    tell(say.away);
  }
}

/** @param {string} text */
function tell(text) {
  byId('progress').textContent = text;
}

byId('tool').hidden = false;
byId('form').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (byId('identifier'));
  void showProof(input.value.trim());
});
void showNow();
const requestedLicense = new URLSearchParams(location.search).get('license');
if (requestedLicense) {
  /** @type {HTMLInputElement} */ (byId('identifier')).value = requestedLicense;
  void showProof(requestedLicense);
}
