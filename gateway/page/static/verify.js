import { answerOf, isUnknown, verdictText } from './answer.js';
import { AskError, ask } from './ask.js';
import { startCamera, stopCamera } from './camera.js';
import { byId, element } from './element.js';
import { lang, say } from './words.js';

/** The verification page. Verifies a file by its digest and a code by its text. */

const FILE_LIMIT_BYTES = 64 * 1024 * 1024;
/** 700 000 characters of base64. */
const SEND_LIMIT_BYTES = 525_000;
const SIGNATURE_LIMIT_BYTES = 45_000;
const IDENTIFIER = /^1\.2\.156\.3005\.2\.[0-9A-Z.]{1,100}$/i;
const LINK = /^https?:\/\/[^\s#?]*\/v\/([^/?#\s]{1,200})(?:\?[^#\s]*)?$/;

/** @typedef {import('./answer.js').Subject} Subject */
/** @typedef {import('./ask.js').Asked} Asked */

/** Number of the newest request. A late answer to an older request is discarded. */
let newestRequest = 0;

/** @param {string} text */
function tell(text) {
  byId('progress').textContent = text;
}

/** @param {string} text */
function complain(text) {
  newestRequest++;
  byId('result').hidden = true;
  tell(text);
}

/**
 * Verifies and shows the answer. `more` creates the element below the verdict.
 * @param {Asked} request
 * @param {Subject} subject
 * @param {string} meanwhile
 * @param {(found: import('./ask.js').Verification) => Node | null} more
 */
async function judge(request, subject, meanwhile, more = () => null) {
  const requestNumber = ++newestRequest;
  byId('result').hidden = true;
  tell(meanwhile);
  try {
    const found = await ask(request);
    if (requestNumber !== newestRequest) return;
    byId('answer').replaceChildren(answerOf(found, subject, { more: more(found) }));
    byId('result').hidden = false;
    tell('');
    const heading = byId('result-heading');
    heading.textContent = `${say.result}${verdictText(found)}`;
    heading.focus();
  } catch (error) {
    if (requestNumber !== newestRequest) return;
    if (!(error instanceof AskError)) throw error;
    complain(error.message || say.away);
  }
}

/** @param {readonly File[]} files */
async function takeFiles(files) {
  const signature = files.find((file) => /\.p7s$/i.test(file.name)) ?? null;
  const documents = files.filter((file) => !/\.p7s$/i.test(file.name));
  const [file] = documents;
  if (!file) {
    if (signature) complain(say.onlySignature);
    return;
  }
  if (documents.length > 1) return complain(say.several);
  if (file.size > FILE_LIMIT_BYTES) return complain(say.tooLarge);
  if (!globalThis.crypto?.subtle) return complain(say.insecure);
  const requestNumber = ++newestRequest;
  byId('result').hidden = true;
  tell(say.hashing);
  let bytes;
  try {
    bytes = await file.arrayBuffer();
  } catch {
    return complain(say.unreadable);
  }
  const digest = hex(await crypto.subtle.digest('SHA-256', bytes));
  if (requestNumber !== newestRequest) return;
  /** @type {Subject} */
  const subject = { kind: 'file', name: file.name, digest };
  await judge({ digest }, subject, say.asking, (found) => (isUnknown(found) ? offer(subject, bytes, signature) : null));
}

/**
 * Creates the offer to send a file that the hub does not know. Nothing is sent before the click.
 * @param {Subject} subject
 * @param {ArrayBuffer} bytes
 * @param {File | null} signature
 */
function offer(subject, bytes, signature) {
  if (bytes.byteLength > SEND_LIMIT_BYTES || bytes.byteLength === 0) {
    return bytes.byteLength === 0 ? null : element('p', { class: 'note' }, say.offerTooLarge);
  }
  const button = element('button', { type: 'button', id: 'send' }, say.offerSend);
  button.addEventListener('click', async () => {
    const signatureBytes = signature && signature.size <= SIGNATURE_LIMIT_BYTES ? await signature.arrayBuffer() : null;
    const request = { document: base64(bytes), signature: signatureBytes && base64(signatureBytes) };
    await judge(request, subject, say.sending);
  });
  return element('div', { class: 'note' }, element('p', {}, say.offer), element('p', {}, button));
}

/** @param {string} enteredText */
async function takeText(enteredText) {
  const text = enteredText.trim();
  if (text === '') return complain(say.empty);
  const identifier = IDENTIFIER.test(text) ? text.toUpperCase() : (LINK.exec(text)?.[1] ?? null);
  if (identifier !== null) {
    location.assign(`/v/${encodeURIComponent(decoded(identifier))}?lang=${lang}`);
    return;
  }
  if (/^[0-9a-f]{64}$/i.test(text)) {
    const digest = text.toLowerCase();
    return judge({ digest }, { kind: 'file', name: '', digest }, say.asking);
  }
  if (text.split('.').length < 3) return complain(say.notText);
  return judge({ code: text }, { kind: 'code', text }, say.asking);
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {ArrayBuffer} bytes */
function hex(bytes) {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {ArrayBuffer} bytes */
function base64(bytes) {
  let text = '';
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte);
  return btoa(text);
}

function listen() {
  const input = /** @type {HTMLInputElement} */ (byId('file'));
  const text = /** @type {HTMLTextAreaElement} */ (byId('text'));
  const drop = byId('drop');
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    // Allows choosing the same file again after it was changed.
    input.value = '';
    takeFiles(files);
  });
  for (const name of ['dragover', 'drop', 'dragleave']) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle('over', name === 'dragover');
      if (name === 'drop' && event instanceof DragEvent) takeFiles([...(event.dataTransfer?.files ?? [])]);
    });
  }
  byId('form').addEventListener('submit', (event) => {
    event.preventDefault();
    takeText(text.value);
  });
  byId('camera').addEventListener('click', () =>
    startCamera((read) => {
      text.value = read;
      takeText(read);
    }),
  );
  byId('camera-stop').addEventListener('click', () => {
    stopCamera();
    byId('camera-said').textContent = '';
    byId('camera').focus();
  });
  globalThis.addEventListener('pagehide', stopCamera);
  byId('tool').hidden = false;
}

listen();
