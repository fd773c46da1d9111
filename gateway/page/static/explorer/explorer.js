import { byId, element } from '../element.js';
import { EXAMPLES } from './examples.js';
import { endSession, finishSignIn, readSession, startSignIn } from './sign-in.js';

/** The explorer: GraphiQL with examples, and the token of whoever signs in. */

const lang = document.documentElement.lang.startsWith('zh') ? 'zh' : 'en';
const WORDS = {
  nobody: { zh: '未登录', en: 'Not signed in' },
  failed: { zh: '登录未成功：', en: 'The sign-in failed: ' },
  anyone: { zh: '不用登录', en: 'no sign-in' },
};

const root = byId('explorer');
const { issuer, client: clientId } = root.dataset;
const provider = issuer && clientId ? { issuer, clientId } : null;
const returnTo = location.origin + location.pathname;

/** @param {string} text */
function showPerson(text) {
  byId('person').textContent = text;
}

/**
 * @param {unknown} operation
 * @param {Record<string, string>} headers
 */
async function send(operation, headers = {}) {
  const session = readSession();
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(session && { authorization: `Bearer ${session.token}` }),
      ...headers,
    },
    body: JSON.stringify(operation),
  });
  return response.json();
}

async function showViewer() {
  const { data } = await send({ query: '{ viewer { name organ { name } } }' });
  const viewer = data?.viewer;
  if (!viewer) return showPerson(WORDS.nobody[lang]);
  showPerson([viewer.organ?.name, viewer.name].filter(Boolean).join(' '));
}

function addExamples() {
  const list = /** @type {HTMLSelectElement} */ (byId('example'));
  for (const { key, title, person } of EXAMPLES) {
    list.append(element('option', { value: key }, `${title[lang]}（${person ?? WORDS.anyone[lang]}）`));
  }
  const chosen = new URLSearchParams(location.search).get('example');
  list.value = EXAMPLES.some(({ key }) => key === chosen) ? String(chosen) : '';
  list.addEventListener('change', () => {
    location.search = String(new URLSearchParams({ lang, example: list.value }));
  });
  return EXAMPLES.find(({ key }) => key === list.value) ?? null;
}

function addButtons() {
  const isSignedIn = readSession() !== null;
  byId('sign-in').hidden = isSignedIn || provider === null;
  byId('sign-out').hidden = !isSignedIn;
  byId('sign-in').addEventListener('click', () => {
    if (provider) startSignIn(provider, returnTo).catch((error) => showPerson(WORDS.failed[lang] + error.message));
  });
  byId('sign-out').addEventListener('click', () => {
    endSession();
    location.reload();
  });
}

/** @param {(typeof EXAMPLES)[number] | null} example */
function showEditor(example) {
  const workers = { graphql: 'graphql', json: 'json' };
  Object.assign(globalThis, {
    MonacoEnvironment: {
      globalAPI: false,
      /** @param {string} _module @param {string} label */
      getWorkerUrl: (_module, label) =>
        `/page/graphiql/${workers[/** @type {'graphql'} */ (label)] ?? 'editor'}.worker.js`,
    },
  });
  const first = example ?? EXAMPLES[0];
  const { YogaGraphiQL } = /** @type {any} */ (globalThis);
  YogaGraphiQL.renderYogaGraphiQL(root, {
    /** @param {unknown} operation @param {{ headers?: Record<string, string> }} [options] */
    fetcher: (operation, options) => send(operation, options?.headers),
    query: first?.query,
    variables: first?.variables && JSON.stringify(first.variables, null, 2),
    // A token typed by hand is for this tab only.
    shouldPersistHeaders: false,
    defaultTheme: matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
  });
}

if (provider) {
  await finishSignIn(provider).catch((error) => showPerson(WORDS.failed[lang] + error.message));
}
addButtons();
showEditor(addExamples());
if (readSession()) await showViewer();
else if (byId('person').textContent === '') showPerson(WORDS.nobody[lang]);
