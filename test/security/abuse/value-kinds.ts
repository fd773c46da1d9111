import { createRandom } from '../../tamper/random.ts';
import { type Abuse, alias, postDocument, postJson, times } from './abuse.ts';

/** Documents whose names, texts, numbers or variables are abusive. */

const COUNT = '{totalCount}';
const PROTOTYPE_KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  '__defineGetter__',
];

export function listNumbers(): Abuse[] {
  const literals = [
    '0',
    '-1',
    '101',
    '2147483647',
    '2147483648',
    '-2147483649',
    '1e999',
    '1.5',
    '00',
    '0x10',
    '1_000',
    '9'.repeat(100_000),
    `0.${'9'.repeat(100_000)}`,
    `1e${'9'.repeat(1_000)}`,
    'NaN',
    'Infinity',
  ];
  const values = ['1e999', '-0', '1e-400', '1.0000000000000001', '"1"', 'true', '[1]', '9'.repeat(50_000)];
  const query = 'query($n:Int!){matters(first:$n){totalCount}}';
  return [
    ...literals.map((text) => postDocument(`numbers: first: ${text.slice(0, 20)}`, `{matters(first:${text})${COUNT}}`)),
    ...values.map((text) =>
      postJson(`numbers: variable ${text.slice(0, 20)}`, `{"query":"${query}","variables":{"n":${text}}}`),
    ),
    postDocument('numbers: 1,900 in a list', `{queue(steps:[${'1 '.repeat(1_900)}],first:1){__typename}}`),
    postDocument('numbers: days beyond every calendar', '{workingDay(from:"0001-01-01",days:2147483647){day}}'),
  ];
}

export function listPrototypeKeys(): Abuse[] {
  const organs = `{organs(first:1){__typename}}`;
  return PROTOTYPE_KEYS.flatMap((key) => [
    postJson(
      `prototype keys: variable ${key}`,
      `{"query":"${organs}","variables":{"${key}":{"first":1,"isAdmin":true}}}`,
    ),
    postJson(`prototype keys: top level ${key}`, `{"query":"${organs}","${key}":{"query":"x"}}`),
    postDocument(`prototype keys: operation ${key}`, `query ${key}${organs}`, { operationName: key }),
    postDocument(`prototype keys: alias ${key}`, `{${key}:organs(first:1){${key}:__typename}}`),
    postDocument(`prototype keys: argument ${key}`, `{organs(first:1,${key}:1){__typename}}`),
    postDocument(
      `prototype keys: fragment ${key}`,
      `{organs(first:1){...${key}}} fragment ${key} on OrganConnection{__typename}`,
    ),
    postDocument(
      `prototype keys: id ${key}`,
      `{matter(id:"${key}"){id} license(identifier:"${key}"){identifier} __type(name:"${key}"){name}}`,
    ),
  ]);
}

export function listTexts(seed: number): Abuse[] {
  const random = createRandom(seed);
  const noise = (length: number) => random.bytes(length).toString('base64').slice(0, length);
  const filter = (text: string) => `matters(first:1,filter:{nameContains:${text}})${COUNT}`;
  const quoted = (text: string) => JSON.stringify(text);
  const contents: [string, string][] = [
    ['45 kB', '甲'.repeat(15_000)],
    ['900 kB', 'x'.repeat(900_000)],
    ['of percent signs', '%'.repeat(2_000)],
    ['of underscores', '_%'.repeat(400)],
    ['of backslashes', '\\'.repeat(999)],
    ['of NUL', '\u0000'],
    ['of a lone surrogate', '\ud800'],
    ['of direction marks', '\u202e'.repeat(50)],
    ['of combining marks', `甲${'\u0301'.repeat(500)}`],
    ['of SQL', "'; drop table matters.matter; --"],
    ['of noise', noise(5_000)],
  ];
  return [
    ...contents.map(([kind, text]) => postDocument(`texts: a filter ${kind}`, `{${filter(quoted(text))}}`)),
    ...contents.map(([kind, text]) =>
      postDocument(
        `texts: a variable ${kind}`,
        'query($t:String){matters(first:1,filter:{nameContains:$t}){totalCount}}',
        { variables: { t: text } },
      ),
    ),
    postDocument('texts: 45 kB under 20 aliases', `{${alias(20, filter(quoted('甲乙'.repeat(7_500))))}}`),
    postDocument('texts: 900 kB once, used by 20 aliases', `query($t:String){${alias(20, filter('$t'))}}`, {
      variables: { t: '甲'.repeat(300_000) },
    }),
    postDocument('texts: an id of 1 MB', '{license(identifier:$i){name}}'.replace('{', 'query($i:ID!){'), {
      variables: { i: '1'.repeat(1_000_000) },
    }),
    postDocument(
      'texts: an id of 900 kB in the document',
      `{licenseStatus(identifier:"${'9'.repeat(900_000)}"){state}}`,
    ),
    postDocument(
      'texts: a cursor of 100 kB',
      '{matters(first:1,after:$c){totalCount}}'.replace('{', 'query($c:String){'),
      { variables: { c: noise(100_000) } },
    ),
    postDocument(
      'texts: a cursor of nested JSON',
      `{matters(first:1,after:"${Buffer.from('['.repeat(60_000)).toString('base64url')}")${COUNT}}`,
    ),
  ];
}

export function listLexemes(): Abuse[] {
  const organs = `{organs(first:1){__typename}}`;
  return [
    ...[1_000, 900_000].map((n) => postDocument(`lexemes: a comment of ${n}`, `#${'x'.repeat(n)}\n${organs}`)),
    ...[1_000, 100_000].map((n) => postDocument(`lexemes: ${n} comments`, `${'#\n'.repeat(n)}${organs}`)),
    ...[1_000, 900_000].map((n) => postDocument(`lexemes: ${n} commas`, `${','.repeat(n)}${organs}`)),
    ...[4_001, 400_000].map((n) => postDocument(`lexemes: ${n} braces`, '{'.repeat(n))),
    postDocument('lexemes: a block string of 900 kB', `{matter(id:"""${' \n'.repeat(450_000)}"""){id}}`),
    postDocument('lexemes: a block string of quotation marks', `{matter(id:"""${'\\"""'.repeat(100_000)}"""){id}}`),
    postDocument('lexemes: a block string without end', `{matter(id:"""${'x'.repeat(500_000)}`),
    postDocument('lexemes: a string without end', `{matter(id:"${'x'.repeat(500_000)}`),
    postDocument('lexemes: 150,000 escapes', `{matter(id:"${'\\u0041'.repeat(150_000)}"){id}}`),
    postDocument('lexemes: a wide escape without end', `{matter(id:"\\u{${'0'.repeat(500_000)}"){id}}`),
    postDocument('lexemes: a name of 900 kB', `{${'a'.repeat(900_000)}}`),
    postDocument('lexemes: an alias of 300 kB', `{${'a'.repeat(300_000)}:organs(first:1){__typename}}`),
    postDocument('lexemes: a variable of 300 kB', `query($${'a'.repeat(300_000)}:Int){organs(first:1){__typename}}`),
    postDocument('lexemes: a BOM in every gap', organs.replaceAll('(', '\ufeff(')),
    postDocument('lexemes: nothing', ''),
    postDocument('lexemes: only comments', '#\n'.repeat(100)),
    postDocument('lexemes: only a fragment', 'fragment F on Query{organs(first:1){__typename}}'),
  ];
}

export function listErrors(): Abuse[] {
  const unknown = (n: number) => times(n, (index) => `organs(first:1){x${index}}`).join(' ');
  const broken = times(400, (index) => ({ [`k${index}`]: index }));
  return [
    ...[100, 650].map((n) => postDocument(`errors: ${n} unknown fields`, `{${unknown(n)}}`)),
    ...[100, 900].map((n) =>
      postDocument(
        `errors: ${n} wrong values`,
        `{queue(first:1,steps:[${times(n, (index) => `X${index}`).join(' ')}])${COUNT}}`,
      ),
    ),
    ...[100, 900].map((n) =>
      postDocument(
        `errors: ${n} names that are nearly right`,
        `{${times(n, (index) => `matter${'sx'[index % 2]}${index}`).join(' ')}}`,
      ),
    ),
    postDocument(
      'errors: 900 variables that are not defined',
      `{${alias(20, `queue(first:1,steps:[${times(40, (index) => `$u${index}`).join(' ')}])${COUNT}`)}}`,
    ),
    postDocument(
      'errors: 10,000 wrong values of a variable',
      `query($s:[CaseStep!]){queue(first:1,steps:$s){__typename}}`,
      { variables: { s: times(10_000, (index) => `X${index}`) } },
    ),
    postDocument('errors: a large wrong value', `query($f:MatterFilter){matters(first:1,filter:$f)${COUNT}}`, {
      variables: { f: { nameContains: broken } },
    }),
    postDocument('errors: an unknown key of 300 kB', `query($f:MatterFilter){matters(first:1,filter:$f)${COUNT}}`, {
      variables: { f: { ['k'.repeat(300_000)]: 1 } },
    }),
    postDocument('errors: 20 refusals at once', `{${alias(20, 'license(identifier:"\u202e"){name}')}}`),
    postDocument('errors: 20 who may not', `{${alias(20, `materialReads(first:100){__typename}`)}}`),
  ];
}

export function listScalars(): Abuse[] {
  const dates = [
    '2026-02-29',
    '0000-00-00',
    '9999-12-31',
    '+275760-09-13',
    '2026-01-01T00:00:00Z',
    '１９９９-01-01',
    'x'.repeat(100_000),
    `2026-01-01${' '.repeat(50_000)}`,
  ];
  const days = dates.map((text) =>
    postDocument(
      `scalars: the date ${text.slice(0, 24)} of ${text.length}`,
      'query($d:Date!){workingDay(from:$d,days:1){day}}',
      { variables: { d: text } },
    ),
  );
  const objects = [{}, [], [[]], { toString: 'x' }, { $date: 1 }, 1e308, null].map((value) =>
    postDocument(`scalars: the date ${JSON.stringify(value)}`, 'query($d:Date!){workingDay(from:$d,days:1){day}}', {
      variables: { d: value },
    }),
  );
  return [...days, ...objects];
}

export function listVariables(): Abuse[] {
  const organs = `{organs(first:1){__typename}}`;
  const keys = (n: number) => Object.fromEntries(times(n, (index) => [`v${index}`, index]));
  return [
    ...[1_000, 60_000].map((n) =>
      postDocument(`variables: ${n} that no operation has`, organs, { variables: keys(n) }),
    ),
    ...[1_000, 60_000].map((n) =>
      postDocument(`variables: ${n} keys of a filter`, `query($f:MatterFilter){matters(first:1,filter:$f)${COUNT}}`, {
        variables: { f: keys(n) },
      }),
    ),
    ...[1_000, 60_000].map((n) =>
      postDocument(`variables: a list of ${n}`, `query($s:[CaseStep!]){queue(first:1,steps:$s){__typename}}`, {
        variables: { s: times(n, () => 'DECIDED') },
      }),
    ),
    postDocument('variables: a list', organs, { variables: [1, 2, 3] }),
    postDocument('variables: a text', organs, { variables: '{"a":1}' }),
    postDocument('variables: none for a required one', `query($n:Int!){organs(first:$n){__typename}}`),
    postDocument('variables: numbers as keys that collide', organs, {
      variables: Object.fromEntries(times(50_000, (index) => [String(index * 65_536), 1])),
    }),
  ];
}
