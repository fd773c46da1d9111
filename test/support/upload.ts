import { buildPdf } from './files.ts';
import type { TestHub } from './hub.ts';

/** Uploads a file as `person`. By default the headers are those of a browser. */
export async function uploadFile(
  hub: TestHub,
  person: string | null,
  bytes: Uint8Array,
  { name = '材料.pdf', type = 'application/pdf' as string | null } = {},
) {
  const response = await hub.hub.app.inject({
    method: 'POST',
    url: '/cases/materials',
    headers: {
      'x-file-name': encodeURIComponent(name),
      ...(type === null ? {} : { 'content-type': type }),
      ...(person === null ? {} : { authorization: `Bearer ${await hub.token(person)}` }),
    },
    payload: Buffer.from(bytes),
  });
  return { status: response.statusCode, headers: response.headers, body: response.json() };
}

/** Uploads a valid file and returns its id. */
export async function createUpload(
  hub: TestHub,
  person: string,
  bytes: Uint8Array = buildPdf(crypto.randomUUID()),
): Promise<string> {
  const { status, body } = await uploadFile(hub, person, bytes);
  if (status !== 201) throw new Error(JSON.stringify(body));
  return body.id;
}
