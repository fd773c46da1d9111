import { answerOf, detailsOf, verdictText } from './answer.js';
import { AskError, ask } from './ask.js';
import { byId } from './element.js';
import { say } from './words.js';

/** The page behind a QR code. Browsers do not send the part after `#`, so this script sends it to be verified. */

async function checkCode() {
  const section = byId('code');
  const code = location.hash.slice(1);
  // The fragment of the link that skips to the content.
  if (code === 'main') return;
  section.hidden = code === '';
  byId('details').replaceChildren();
  for (const link of document.querySelectorAll('header nav a')) {
    /** @type {HTMLAnchorElement} */ (link).hash = code;
  }
  if (code === '') return;
  byId('answer').replaceChildren();
  const progress = byId('progress');
  progress.className = '';
  progress.textContent = say.asking;
  // With the path, the hub detects a code under the page of another license. Which host this is, its reader sees.
  const text = `${location.origin}${location.pathname}#${code}`;
  try {
    const found = await ask({ code: `${location.pathname}#${code}` });
    byId('answer').replaceChildren(answerOf(found, { kind: 'code', text }, { brief: true }));
    byId('details').replaceChildren(detailsOf(found, { kind: 'code', text }));
    // The banner below shows the result. This text is only for screen readers.
    progress.className = 'heard';
    progress.textContent = `${say.result}${verdictText(found)}`;
  } catch (error) {
    if (!(error instanceof AskError)) throw error;
    progress.textContent = error.message || say.away;
  }
}

globalThis.addEventListener('hashchange', checkCode);
checkCode();
