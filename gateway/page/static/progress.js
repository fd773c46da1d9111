import { byId } from './element.js';

/**
 * The page of a case's progress, opened by the QR code of a receipt: number and code stand behind `#`.
 * Browsers do not send that part. This script puts both into the form and sends it.
 * It takes the code out of the address and the history.
 */

function readLink() {
  const typed = new URLSearchParams(location.hash.slice(1));
  const [number, code] = [typed.get('number'), typed.get('code')];
  if (!number || !code) return;
  history.replaceState(null, '', location.pathname + location.search);
  const fields = {
    number: /** @type {HTMLInputElement} */ (byId('number')),
    code: /** @type {HTMLInputElement} */ (byId('code')),
  };
  fields.number.value = number;
  fields.code.value = code;
  // Does nothing but show the fault where a field takes no such text.
  fields.code.form?.requestSubmit();
}

globalThis.addEventListener('hashchange', readLink);
readLink();
