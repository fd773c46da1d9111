import { type Abuse, callPath, postDocument, postJson, times } from './abuse.ts';

/** Requests that are abusive before GraphQL reads them: their method, type, encoding, JSON and path. */

const QUERY = '{organs(first:1){__typename}}';
const BODY = JSON.stringify({ query: QUERY });
const JSON_TYPE = 'application/json';

export function listBatches(): Abuse[] {
  const batch = (n: number) => JSON.stringify(times(n, () => ({ query: QUERY })));
  return [
    ...[0, 1, 2, 20_000].map((n) => postJson(`batches: ${n} operations`, batch(n))),
    postJson('batches: within a batch', `[${batch(2)}]`),
    postJson('batches: 400,000 times nothing', `[${'0,'.repeat(400_000)}0]`),
    postJson('batches: an object with numbers', '{"0":{"query":"{__typename}"},"length":1000000000}'),
  ];
}

export function listTypes(): Abuse[] {
  const types = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'multipart/form-data',
    'application/xml',
    'application/graphql',
    'application/octet-stream',
    'application/json; charset=utf-16',
    'application/json; charset=utf-7',
    `application/json; x=${'a'.repeat(4_000)}`,
    'application/JSON ; charset="utf-8"',
    ';',
    '*/*',
    'application/json, text/plain',
  ];
  const encodings = ['gzip', 'br', 'deflate', 'identity', 'x'.repeat(2_000)];
  const part = '--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n{"query":"{__typename}"}\r\n';
  return [
    ...types.map((type) => postJson(`types: ${type.slice(0, 60)}`, BODY, { 'content-type': type })),
    postJson('types: none', BODY, {}),
    ...encodings.map((coding) =>
      postJson(`types: encoded as ${coding.slice(0, 10)}`, BODY, {
        'content-type': JSON_TYPE,
        'content-encoding': coding,
      }),
    ),
    postJson('types: 2,000 parts of a form', `${part.repeat(2_000)}--x--`, {
      'content-type': 'multipart/form-data; boundary=x',
    }),
    postJson(
      'types: a form in the manner of uploads',
      `${part}--x\r\ncontent-disposition: form-data; name="map"\r\n\r\n{"0":["variables.__proto__"]}\r\n--x--`,
      { 'content-type': 'multipart/form-data; boundary=x', 'apollo-require-preflight': '1' },
    ),
    postJson('types: accept of 6 kB', BODY, { 'content-type': JSON_TYPE, accept: 'a/b;q=0.1,'.repeat(600) }),
    postJson('types: accept of parts', BODY, {
      'content-type': JSON_TYPE,
      accept: 'multipart/mixed; deferSpec=20220824',
    }),
    postJson('types: 300 languages', BODY, { 'content-type': JSON_TYPE, 'accept-language': 'zh;q=0.1,'.repeat(300) }),
  ];
}

export function listEncodings(): Abuse[] {
  const utf16 = Buffer.from(`\ufeff${BODY}`, 'utf16le');
  return [
    postJson('encodings: UTF-8 with a BOM', `\ufeff${BODY}`),
    postJson('encodings: UTF-16LE', utf16),
    postJson('encodings: UTF-16BE', Buffer.from(utf16).swap16()),
    postJson(
      'encodings: invalid UTF-8',
      Buffer.concat([
        Buffer.from('{"query":"{organs(first:1,after:\\"'),
        Buffer.from([0xff, 0xfe, 0xc0, 0x80]),
        Buffer.from('\\"){totalCount}}"}'),
      ]),
    ),
    postJson('encodings: overlong quotation marks', Buffer.from([0x7b, 0xc0, 0xa2, 0x7d])),
    postJson(
      'encodings: surrogates in UTF-8',
      Buffer.concat([Buffer.from('{"query":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
    ),
    postJson('encodings: escaped lone surrogates', `{"query":"{matter(id:\\"\\ud800\\"){id}}"}`),
    postJson('encodings: NUL', `{"query":"${'\\u0000'.repeat(1_000)}"}`),
    postJson('encodings: 1 MB of NUL', Buffer.alloc(1_000_000)),
    postJson('encodings: spaces around', `${' '.repeat(500_000)}${BODY}${'\n'.repeat(500_000)}`),
  ];
}

export function listJson(): Abuse[] {
  const deep = (n: number) => '['.repeat(n) + ']'.repeat(n);
  const objects = (n: number) => '{"a":'.repeat(n) + 1 + '}'.repeat(n);
  const withVariables = (variables: string) => `{"query":"${QUERY}","variables":${variables}}`;
  return [
    ...[1_000, 100_000, 400_000].map((n) => postJson(`JSON: ${n} lists deep`, withVariables(`{"a":${deep(n)}}`))),
    ...[1_000, 100_000].map((n) => postJson(`JSON: ${n} objects deep`, withVariables(objects(n)))),
    postJson('JSON: query twice', `{"query":"{__typename}","query":"${QUERY}"}`),
    postJson('JSON: query 30,000 times', `{${'"query":"{__typename}",'.repeat(30_000)}"query":"${QUERY}"}`),
    postJson('JSON: a key of 900 kB', `{"${'k'.repeat(900_000)}":1}`),
    postJson('JSON: 90,000 keys', `{${times(90_000, (index) => `"k${index}":0`).join(',')}}`),
    postJson('JSON: without end', `{"query":"${'x'.repeat(900_000)}`),
    postJson('JSON: a list without end', '['.repeat(900_000)),
    postJson('JSON: a number of 900 kB', '9'.repeat(900_000)),
    postJson('JSON: beyond the limit of a body', `{"query":"${'x'.repeat(1_100_000)}"}`),
    ...[
      'null',
      '1',
      '"x"',
      'true',
      '',
      '{}',
      '{"query":1}',
      '{"query":null}',
      '{"query":{}}',
      '{"query":["x"]}',
      "{'query':'{__typename}'}",
      '{"query":"{__typename}",}',
      `${BODY}${BODY}`,
      'NaN',
    ].map((body, index) => postJson(`JSON: no request (${index}) ${body.slice(0, 20)}`, body)),
    postJson(
      'JSON: extensions of a stored query',
      `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"${'a'.repeat(500_000)}"}}}`,
    ),
    postJson('JSON: extensions 1,000 deep', `{"query":"${QUERY}","extensions":${objects(1_000)}}`),
    postJson('JSON: an operation that is no text', `{"query":"${QUERY}","operationName":{"toString":1}}`),
  ];
}

export function listOperations(): Abuse[] {
  return [
    postDocument('operations: one that is not there', `query A${QUERY}`, { operationName: 'B' }),
    postDocument('operations: a name of 500 kB', `query A${QUERY}`, { operationName: 'A'.repeat(500_000) }),
    postDocument('operations: none of two', `query A${QUERY} query B${QUERY}`),
    postDocument('operations: 300 without a name', QUERY.repeat(300)),
    postDocument('operations: one name 300 times', `query A${QUERY}`.repeat(300), { operationName: 'A' }),
    postDocument('operations: a subscription', 'subscription{organs(first:1){__typename}}'),
    postDocument('operations: a schema', 'schema{query:Query} type Query{a:Int}'),
    postDocument('operations: 500 types', times(500, (index) => `type T${index}{a:Int}`).join(' ')),
    postDocument(
      'operations: a mutation of 20 rehearsals',
      `mutation{${times(20, (index) => `a${index}:acceptCase(input:{case:"x",dryRun:true}){refusal{code}}`).join(' ')}}`,
    ),
  ];
}

export function listPaths(): Abuse[] {
  const preflight = { 'apollo-require-preflight': '1' };
  const query = (text: string) => `/graphql?query=${encodeURIComponent(text)}`;
  const ids = [
    '%00',
    '%ff',
    '%',
    '..%2f..%2fetc%2fpasswd',
    '%252e%252e',
    'a'.repeat(300),
    '9'.repeat(10_000),
    '%F0%9F%98%80'.repeat(30),
    '__proto__',
    "'%20or%201=1--",
  ];
  return [
    callPath('paths: GET without the header', query(QUERY)),
    callPath('paths: GET of a mutation', query('mutation{__typename}'), 'GET', preflight),
    callPath(
      'paths: GET of introspection',
      query(`{${times(60, (index) => `a${index}:__schema{types{name}}`).join(' ')}}`),
      'GET',
      preflight,
    ),
    callPath('paths: GET with a query of 14 kB', query('#'.repeat(4_600)), 'GET', preflight),
    callPath('paths: GET with 2,000 parameters', `/graphql?${'a=1&'.repeat(2_000)}`, 'GET', preflight),
    callPath('paths: GET with deep parameters', `/graphql?query${'[a]'.repeat(1_000)}=1`, 'GET', preflight),
    callPath('paths: GET with query twice', `${query(QUERY)}&query=x`, 'GET', preflight),
    callPath('paths: GET with __proto__', '/graphql?__proto__[x]=1&constructor=1', 'GET', preflight),
    ...['HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'].map((method) =>
      callPath(`paths: ${method} /graphql`, '/graphql', method),
    ),
    ...ids.flatMap((id, index) => [
      callPath(`paths: evidence of (${index}) ${id.slice(0, 20)}`, `/licenses/evidence/${id}`),
      callPath(`paths: page of (${index}) ${id.slice(0, 20)}`, `/v/${id}`),
      callPath(`paths: log file (${index}) ${id.slice(0, 20)}`, `/log/${id}`),
    ]),
  ];
}
