import { element, facts } from './element.js';
import { ACTS, REASONS, STATES, STEPS_EN, VERDICTS } from './terms.js';
import { lang, momentText, say } from './words.js';

/** Shows a verification result: verdict, separate state, license, seal, steps, history, evidence. */

/** @typedef {import('./ask.js').Verification} Verification */
/** @typedef {import('./terms.js').Tone} Tone */
/** The verified subject: a file with its name and digest, or the text of a code. */
/** @typedef {{ kind: 'file', name: string, digest: string } | { kind: 'code', text: string }} Subject */

/**
 * Creates the whole answer. `more` goes below the verdict. A `brief` answer omits what the page already
 * shows, and what `detailsOf` shows at its end.
 * @param {Verification} found
 * @param {Subject} subject
 * @param {{ more?: Node | null, brief?: boolean }} options
 */
export function answerOf(found, subject, { more = null, brief = false } = {}) {
  const unknown = isUnknown(found);
  const parts = [
    verdictOf(found, subject),
    more,
    unknown || brief ? null : stateOf(found),
    brief ? null : licenseOf(found),
    brief ? null : sealOf(found, subject),
    unknown || brief ? null : stepsOf(found),
    brief ? null : lifeOf(found),
    unknown || brief ? null : proofOf(found, subject),
  ];
  const shown = document.createDocumentFragment();
  shown.append(...parts.filter((part) => part !== null));
  return shown;
}

/**
 * Creates what a brief answer leaves to the end of the page, for experts: who sealed it, and each step.
 * @param {Verification} found
 * @param {Subject} subject
 */
export function detailsOf(found, subject) {
  const parts = [sealOf(found, subject), isUnknown(found) ? null : stepsOf(found)];
  const shown = document.createDocumentFragment();
  shown.append(...parts.filter((part) => part !== null));
  return shown;
}

/**
 * Returns whether the hub does not know the file, so that it checked only the digest.
 * @param {Verification} found
 */
export function isUnknown({ subIndication, steps }) {
  return subIndication === 'SIGNED_DATA_NOT_FOUND' && steps.length === 1;
}

/**
 * Returns the verdict in a few words, for the heading and the progress line.
 * @param {Verification} found
 */
export function verdictText(found) {
  return isUnknown(found) ? say.notFound : (VERDICTS[found.verdict]?.[lang] ?? found.verdict);
}

/**
 * @param {Tone} tone
 * @param {string} sign
 * @param {string} word
 * @param {...(Node | null)} more
 */
function banner(tone, sign, word, ...more) {
  return element(
    'div',
    { class: `banner ${tone}` },
    element('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
    element('div', {}, element('p', { class: 'word' }, word), ...more),
  );
}

/**
 * @param {Verification} found
 * @param {Subject} subject
 */
function verdictOf(found, subject) {
  const { tone, sign, file, code } = VERDICTS[found.verdict] ?? VERDICTS.INDETERMINATE ?? never();
  const about =
    subject.kind === 'file'
      ? facts([
          [say.file, subject.name],
          [say.digest, subject.digest],
        ])
      : null;
  if (isUnknown(found)) {
    return banner(
      'hold',
      '?',
      say.notFound,
      element('p', {}, say.notFoundWhat),
      element('p', {}, say.notFoundWhy),
      about,
    );
  }
  const { subIndication } = found;
  const reason = subIndication && REASONS[subIndication]?.[lang];
  const failed = found.steps.find((step) => step.passed === false);
  const sentence = subject.kind === 'file' ? file : code;
  return banner(
    tone,
    sign,
    verdictText(found),
    reason ? element('p', {}, reason) : null,
    element('p', {}, sentence[lang]),
    subIndication && failed ? element('p', { class: 'quiet' }, say.detail, hubText(failed.detail)) : null,
    about,
    element('p', { class: 'quiet' }, say.reason, code_(found)),
  );
}

/** @param {Verification} found */
function code_({ verdict, subIndication }) {
  return element('code', {}, subIndication ? `${verdict} / ${subIndication}` : verdict);
}

/** @param {Verification} found */
function stateOf({ status, license }) {
  const { state, asOf, reason } = status;
  const known = state === null ? undefined : STATES[state];
  const newer = license?.supersededBy ? linkTo(license.supersededBy) : null;
  return element(
    'section',
    { class: 'apart' },
    element('h3', {}, say.state),
    banner(
      known?.tone ?? 'hold',
      known?.sign ?? '?',
      known?.[lang] ?? say.stateUnknown,
      asOf ? element('p', { class: 'quiet' }, say.asOf(momentText(asOf))) : null,
      known || !reason ? null : element('p', { class: 'quiet' }, hubText(reason)),
      newer && element('p', {}, say.newer, newer),
    ),
    element('p', { class: 'quiet' }, say.stateWhy),
  );
}

/** @param {Verification} found */
function licenseOf({ license }) {
  if (!license) return null;
  const end = license.validUntil === null ? say.endless : `${say.to}${license.validUntil}`;
  return element(
    'section',
    {},
    element('h3', {}, say.license),
    facts([
      [say.name, license.name],
      [say.holder, license.holderName],
      [say.number, license.number],
      [say.version, String(license.version)],
      [say.issuer, license.issuerName],
      [say.issuedOn, license.issuedOn],
      [say.validity, `${license.validFrom}${end}`],
    ]),
    element('p', {}, say.identifier, linkTo(license.identifier)),
  );
}

/** @param {string} identifier */
function linkTo(identifier) {
  return element('a', { class: 'long', href: `/v/${encodeURIComponent(identifier)}?lang=${lang}` }, identifier);
}

/**
 * @param {Verification} found
 * @param {Subject} subject
 */
function sealOf({ signer, claimedAt, provenAt, license }, { kind }) {
  if (!signer) return null;
  return element(
    'section',
    {},
    element('h3', {}, say.seal),
    kind === 'file' && license ? sealPicture(license) : null,
    facts([
      [say.sealName, kind === 'file' ? license?.sealName : null],
      [kind === 'file' ? say.signer : say.codeSigner, signer.name],
      [say.organisation, signer.organisation],
      [say.claimedAt, claimedAt && momentText(claimedAt)],
      [say.provenAt, provenAt && momentText(provenAt)],
    ]),
  );
}

/**
 * Creates the picture of the seal on the document. Its alternative text is empty, because its name is shown as text.
 * @param {import('./ask.js').License} license
 */
function sealPicture({ identifier }) {
  return element('img', {
    class: 'seal',
    src: `/licenses/seal/${encodeURIComponent(identifier)}`,
    alt: '',
    width: '120',
    height: '120',
  });
}

/** The hub's name of the status step. If the license is not valid, the signature is still good. */
const STATE_STEP = '查询证照状态';

/** @param {Verification} found */
function stepsOf({ steps, status }) {
  const state = status.state === null ? undefined : STATES[status.state];
  const items = steps.map(({ name, passed, detail }) => {
    const { tone, sign, word } =
      name === STATE_STEP && state
        ? { tone: state.tone, sign: state.sign, word: state[lang] }
        : (NOTHING_DONE.get(detail) ?? OUTCOMES.get(passed) ?? never());
    return element(
      'li',
      { class: tone },
      element('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
      element(
        'div',
        {},
        element('strong', {}, lang === 'zh' ? name : (STEPS_EN[name] ?? name)),
        ' ',
        element('span', { class: 'how' }, word),
        NOTHING_DONE.has(detail) ? null : element('p', { class: 'quiet' }, hubText(detail)),
      ),
    );
  });
  return element('section', {}, element('h3', {}, say.steps), element('ol', { class: 'steps' }, ...items));
}

/** @type {Map<boolean | null, { tone: string, sign: string, word: string }>} */
const OUTCOMES = new Map([
  [true, { tone: 'good', sign: '✓', word: say.passed }],
  [false, { tone: 'bad', sign: '✗', word: say.failed }],
  [null, { tone: 'none', sign: '·', word: '' }],
]);
/** The hub's texts for steps that it did not run. */
const NOTHING_DONE = new Map([
  ['未进行', { tone: 'none', sign: '·', word: say.notReached }],
  ['不适用', { tone: 'none', sign: '·', word: say.notApplicable }],
]);

/** @param {Verification} found */
function lifeOf({ license }) {
  if (!license || license.life.length === 0) return null;
  const items = license.life.map(({ act, version, state, at }) => {
    const { tone, sign, [lang]: word } = STATES[state] ?? { tone: 'hold', sign: '?', zh: state, en: state };
    return element(
      'li',
      { class: tone },
      element('time', { datetime: at }, momentText(at)),
      element('span', { class: 'act' }, ACTS[act]?.[lang] ?? act),
      element(
        'span',
        { class: 'after' },
        element('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
        say.versionIs(version, word),
      ),
    );
  });
  return element('section', {}, element('h3', {}, say.life), element('ol', { class: 'life' }, ...items));
}

/**
 * @param {Verification} found
 * @param {Subject} subject
 */
function proofOf({ evidence, license }, subject) {
  const bundle = license ? `${license.number}.evidence.json` : '';
  /** @type {[string, string, string][]} */
  const files = [
    ['/root.pem', say.root, 'root.pem'],
    ['/seals/certificates.pem', say.certificates, 'certificates.pem'],
    ['/seals/root.crl', say.rootList, 'root.crl'],
    ['/seals/issuing.crl', say.issuingList, 'issuing.crl'],
    ['/licenses/status-list', say.statusList, 'status-list.jwt'],
  ];
  if (evidence) files.unshift([evidence, say.evidence, bundle]);
  const links = files.map(([href, text, name]) =>
    element('li', {}, element('a', { href, download: name }, text), ' ', element('code', {}, name)),
  );
  const lists = '--crl root.crl --crl issuing.crl';
  const command =
    subject.kind === 'file'
      ? `npm run verify -- ${quoted(subject.name || 'FILE.pdf')} --root root.pem ${evidence ? `--evidence ${bundle}` : lists}`
      : `npm run verify -- --qr ${quoted(subject.text)} --root root.pem --certificates certificates.pem ${lists} --address ${location.origin}`;
  return element(
    'section',
    {},
    element('h3', {}, say.proof),
    evidence ? element('p', {}, say.proofWhat) : null,
    element('ul', {}, ...links),
    element('p', {}, say.repeat),
    element('pre', {}, command),
  );
}

/**
 * Quotes a text as one shell word.
 * @param {string} text
 */
function quoted(text) {
  return /^[\w.-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Creates a text from the hub. It is Chinese in both languages of the page.
 * @param {string} text
 */
function hubText(text) {
  return element('span', lang === 'zh' ? {} : { lang: 'zh-CN' }, text);
}

/** @returns {never} */
function never() {
  throw new Error('no words');
}
