import { createHash } from 'node:crypto';
import { finished } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { Refusal } from '../../../../kernel/refusal.ts';
import type { ReceivedBody } from '../body-client.ts';
import { MAX_FILE_BYTES } from '../file.ts';

/** Reads the file out of a form (`multipart/form-data`, RFC 7578) that has arrived whole. */

/** What the frame of a form may take beside its file: boundaries, headers of parts, a few other fields. */
const MAX_FRAME_BYTES = 65_536;
/** Longest body of an upload by form. */
export const MAX_FORM_BYTES: number = MAX_FILE_BYTES + MAX_FRAME_BYTES;

const LIMITS = {
  ...{ files: 2, fields: 16, parts: 18, fieldNameSize: 200, fieldSize: 4_096, fileSize: MAX_FILE_BYTES },
  ...{ headerPairs: 16, headerSize: 8_192 },
} as const;
/** The parser gets so many bytes at a time. A form of nothing but boundaries costs most: 20 ms for as many. */
const PIECE_BYTES = 16_384;
/** The type that the library gives to a part without one. It says nothing of a file that is PDF or a picture. */
const DEFAULT_PART_TYPE = 'text/plain';

/** A file as its part of the form names it. */
export interface FormFile extends ReceivedBody {
  name: string;
  contentType: string | null;
}

/** Whether a request's content type is that of a form. */
export function isForm(contentType: string | undefined): boolean {
  return /^multipart\/form-data\s*(?:;|$)/i.test(contentType ?? '');
}

/**
 * Returns the only file of a form. Its other fields are ignored. Returns BROKEN_OFF if the form has no end. Refuses
 * FIELD_MALFORMED for a form without a boundary, with no file or with several, and FILE_TOO_LARGE.
 */
export async function readFormFile(contentType: string, body: Buffer): Promise<FormFile | 'BROKEN_OFF'> {
  const parser = openParser(contentType);
  const files: { name: string; contentType: string; parts: Buffer[]; isTooLarge: boolean }[] = [];
  parser.on('file', (_field, stream, name, _encoding, type) => {
    const file = { name: name ?? '', contentType: type, parts: [] as Buffer[], isTooLarge: false };
    files.push(file);
    stream.on('data', (part: Buffer) => file.parts.push(part));
    stream.on('limit', () => {
      file.isTooLarge = true;
    });
    // The parser itself reports how the form is broken.
    stream.on('error', () => {});
  });
  if (!(await feed(parser, body))) return 'BROKEN_OFF';
  const [file, ...others] = files;
  if (!file || others.length > 0) throw new Refusal('FIELD_MALFORMED', 'file', '表单中须有且只有一个文件');
  if (file.isTooLarge) throw new Refusal('FILE_TOO_LARGE');
  const bytes = Buffer.concat(file.parts);
  const digest = createHash('sha256').update(bytes).digest('hex');
  return {
    name: file.name,
    contentType: file.contentType === DEFAULT_PART_TYPE ? null : file.contentType,
    bytes,
    digest,
  };
}

/**
 * Gives a form to the parser, in pieces: others have their turn in between. Returns false if the form is broken.
 * Refuses FIELD_MALFORMED at the piece with which it has too many parts, and reads no further: the parser makes an
 * object of each boundary, counted or not.
 */
async function feed(parser: BusboyInstance, body: Buffer): Promise<boolean> {
  let hasTooManyParts = false;
  for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
    parser.on(limit, () => {
      hasTooManyParts = true;
    });
  }
  const end = finished(parser).then(
    () => true,
    () => false,
  );
  for (let at = 0; at < body.length && !parser.errored && !parser.destroyed; at += PIECE_BYTES) {
    parser.write(body.subarray(at, at + PIECE_BYTES));
    if (hasTooManyParts) {
      parser.destroy();
      throw new Refusal('FIELD_MALFORMED', 'file', '表单的部分过多');
    }
    await nextTurn();
  }
  parser.end();
  return end;
}

function openParser(contentType: string): BusboyInstance {
  try {
    // The rule for names refuses one with a folder, as it does in a header.
    return new Busboy({ headers: { 'content-type': contentType }, limits: LIMITS, preservePath: true });
  } catch {
    throw new Refusal('FIELD_MALFORMED', 'content-type', '缺少 boundary');
  }
}
