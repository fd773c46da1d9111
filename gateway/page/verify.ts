import { escapeHtml, type Lang, renderPage, type Words } from './frame.ts';

/** The verification page (核验). Without scripts, the page still explains manual verification. */

const TEXT = {
  title: { zh: '核验电子证照', en: 'Verify an electronic license' },
  lead: {
    zh: '核对一份电子证照是不是真的、有没有被改动，以及证照现在是否有效。不用登录。',
    en: 'Find out whether an electronic license is genuine and unaltered, and whether it is in force. No account is needed.',
  },
  noScript: {
    zh: '浏览器没有运行脚本，不能在本页核验文件和二维码。您仍可打开 /v/证照标识 查看证照状态，或按下面的方法自行核验。',
    en: 'Your browser does not run scripts, so files and codes cannot be verified on this page. You can still open /v/IDENTIFIER for a license’s state, or verify by hand as told below.',
  },
  file: { zh: '核验文件', en: 'Verify a file' },
  fileStays: {
    zh: '文件不会离开您的设备：浏览器在本机计算文件的 SHA-256 摘要，只发送这 64 个字符。',
    en: 'The file stays on your device: your browser computes its SHA-256 digest and sends these 64 characters only.',
  },
  choose: { zh: '选择文件，或把文件拖到这里', en: 'Choose a file, or drop it here' },
  chooseWhat: {
    zh: 'PDF 证照或文书；或声明（.json）；旧版证照可同时选择签名文件（.p7s）',
    en: 'A license or a notice (PDF), or a statement (.json); with an older one also its signature (.p7s)',
  },
  code: { zh: '核验二维码或证照标识', en: 'Verify a QR code or an identifier' },
  camera: { zh: '用摄像头扫描二维码', en: 'Scan the code with the camera' },
  cameraStop: { zh: '停止扫描', en: 'Stop scanning' },
  view: { zh: '摄像头画面', en: 'What the camera sees' },
  text: { zh: '二维码的文字、证照标识或文件摘要', en: 'Text of the code, identifier, or digest of a file' },
  textWhat: {
    zh: '例如 https://…/v/1.2.156.3005.2.…#eyJ…，或 1.2.156.3005.2.…',
    en: 'Such as https://…/v/1.2.156.3005.2.…#eyJ… or 1.2.156.3005.2.…',
  },
  go: { zh: '核验', en: 'Verify' },
  answer: { zh: '核验结果', en: 'Result' },
  hand: { zh: '自行核验', en: 'Verify by hand' },
  handWhy: {
    zh: '不必相信本页，也不必联网：有文件、证据包和根证书即可核验。根证书请另行取得，并与公布的指纹核对。',
    en: 'You need not trust this page, nor a network: the file, its evidence bundle and the root certificate are enough. Get the root from elsewhere too, and compare its fingerprint.',
  },
  files: { zh: '所需文件', en: 'What you need' },
  root: { zh: '根证书', en: 'Root certificate' },
  certificates: { zh: '全部证书', en: 'All certificates' },
  rootList: { zh: '根吊销列表', en: 'Revocation list of the root' },
  issuingList: { zh: '印章签发机构吊销列表', en: 'Revocation list of the issuing authority' },
  statusList: { zh: '证照状态列表', en: 'Status list of all licenses' },
  bundle: { zh: '证据包：/licenses/evidence/证照标识', en: 'Evidence bundle: /licenses/evidence/IDENTIFIER' },
  own: {
    zh: '用本系统的核验程序（单个文件，Node 20 以上，离线，逐步说明）：',
    en: 'By this system’s verifier, one file for Node 20 or later, offline, step by step:',
  },
  verifier: {
    zh: '核验程序 verify.mjs（其摘要记入透明日志）',
    en: 'The verifier, verify.mjs (its digest is in the log)',
  },
  pdfsig: { zh: '用 poppler 的 pdfsig：', en: 'By poppler’s pdfsig:' },
  openssl: { zh: '用 openssl：', en: 'By openssl:' },
  others: {
    zh: 'pdfsig 和 openssl 只核对签名和证书，不看吊销、时间戳和证照状态；后几项由核验程序一并核对。决定书、受理通知书等用印的文书也可在本页核验：文书不在证照存档中，须发送文件。',
    en: 'pdfsig and openssl check signature and certificates, and neither revocation, timestamps nor the license’s state; the verifier checks them all. Sealed decisions and notices are verified on this page too: they are not in the archive of licenses, so the file must be sent.',
  },
} as const satisfies Record<string, Words>;

/** Renders the verification page: drop a file, scan or type a code, instructions for manual verification. */
export function renderVerifyPage(lang: Lang): string {
  const toHtml = (words: Words) => escapeHtml(words[lang]);
  const body = `<h1>${toHtml(TEXT.title)}</h1>
<p class="lead">${toHtml(TEXT.lead)}</p>
<noscript><p class="note">${toHtml(TEXT.noScript)}</p></noscript>
<div id="tool" hidden>
<section class="card" aria-labelledby="file-heading"><h2 id="file-heading">${toHtml(TEXT.file)}</h2>
<p id="file-stays">${toHtml(TEXT.fileStays)}</p>
<div class="drop" id="drop"><input type="file" id="file" multiple accept=".pdf,.json,.p7s,application/pdf" aria-describedby="file-what file-stays">
<label for="file">${toHtml(TEXT.choose)}</label><span class="quiet" id="file-what">${toHtml(TEXT.chooseWhat)}</span></div></section>
<section class="card" aria-labelledby="text-heading"><h2 id="text-heading">${toHtml(TEXT.code)}</h2>
<p><button type="button" id="camera">${toHtml(TEXT.camera)}</button></p>
<div id="view" hidden><video id="video" playsinline muted aria-label="${toHtml(TEXT.view)}"></video>
<p><button type="button" id="camera-stop">${toHtml(TEXT.cameraStop)}</button></p></div>
<p id="camera-said" role="status"></p>
<form id="form"><label for="text">${toHtml(TEXT.text)}</label>
<textarea id="text" rows="3" maxlength="2048" spellcheck="false" autocapitalize="off" autocomplete="off" aria-describedby="text-what"></textarea>
<p class="quiet" id="text-what">${toHtml(TEXT.textWhat)}</p>
<p><button type="submit" class="primary">${toHtml(TEXT.go)}</button></p></form></section>
</div>
<p id="progress" role="status"></p>
<section id="result" hidden aria-labelledby="result-heading"><h2 id="result-heading" tabindex="-1">${toHtml(TEXT.answer)}</h2>
<div id="answer"></div></section>
${renderManualSteps(lang)}`;
  return renderPage({ lang, path: '/verify', title: TEXT.title[lang], body, script: 'verify.js' });
}

function renderManualSteps(lang: Lang): string {
  const toHtml = (words: Words) => escapeHtml(words[lang]);
  const [name, baseName] = lang === 'zh' ? ['证照.pdf', '证照'] : ['license.pdf', 'license'];
  const fileLink = (url: string, words: Words) => `<li><a href="${url}">${toHtml(words)}</a></li>`;
  return `<section aria-labelledby="hand-heading"><h2 id="hand-heading">${toHtml(TEXT.hand)}</h2>
<p>${toHtml(TEXT.handWhy)}</p>
<h3>${toHtml(TEXT.files)}</h3>
<ul>${fileLink('/root.pem', TEXT.root)}${fileLink('/seals/certificates.pem', TEXT.certificates)}${fileLink('/seals/root.crl', TEXT.rootList)}
${fileLink('/seals/issuing.crl', TEXT.issuingList)}${fileLink('/licenses/status-list', TEXT.statusList)}<li>${toHtml(TEXT.bundle)}</li>${fileLink('/log/verify.mjs', TEXT.verifier)}</ul>
<p>${toHtml(TEXT.own)}</p>
<pre>node verify.mjs ${name} --root root.pem --evidence ${baseName}.evidence.json
node verify.mjs --qr 'TEXT' --root root.pem --certificates certificates.pem --crl root.crl --crl issuing.crl</pre>
<p>${toHtml(TEXT.pdfsig)}</p>
<pre>certutil -N -d trust --empty-password
certutil -A -d trust -n root -t CT,CT,CT -i root.pem
pdfsig -nssdir trust ${name}</pre>
<p>${toHtml(TEXT.openssl)}</p>
<pre>npm run split -- ${name}
openssl cms -verify -cades -binary -inform DER -in ${baseName}.p7s -content ${baseName}.covered -CAfile root.pem -purpose any -out /dev/null</pre>
<p class="quiet">${toHtml(TEXT.others)}</p></section>`;
}
