import { Refusal } from '../../../../kernel/refusal.ts';
import { findOfdFault, OFD_ENCRYPTION, OFD_ENDINGS, OFD_ROOT } from './ofd.ts';
import {
  CONTENT_TYPES,
  OFFICE_ENDINGS,
  PRINTER_SETTINGS,
  readOfficeFormat,
  requireInertName,
  requireInertOfficePart,
} from './office.ts';
import { findPartEnding, requirePart } from './parts.ts';
import { requirePlainXml } from './xml.ts';
import { listZipEntries, unpackEntry } from './zip.ts';

/** Documents in a ZIP: which they are, and whether everything in them may be there. */

export type ContainerFormat = 'OFD' | 'DOCX' | 'XLSX';

/**
 * Returns the format of a document by its parts. Refuses FILE_TYPE_NOT_ALLOWED, FILE_BROKEN, FILE_ENCRYPTED,
 * FILE_INFECTED, FILE_TOO_COMPLEX.
 */
export function readContainerFormat(bytes: Buffer): ContainerFormat {
  const entries = new Map(listZipEntries(bytes).map((entry) => [entry.name, entry]));
  const read = (name: string): Buffer | null => {
    const entry = entries.get(name);
    if (!entry) return null;
    const part = unpackEntry(bytes, entry);
    requirePlainXml(part);
    return part;
  };
  const root = read(OFD_ROOT);
  if (root && !entries.has(CONTENT_TYPES)) {
    const fault = findOfdFault(root, new Set(entries.keys()));
    if (fault !== null) throw new Refusal('FILE_BROKEN', null, fault);
    return 'OFD';
  }
  const format = root ? null : readOfficeFormat(read);
  if (format === null) throw new Refusal('FILE_TYPE_NOT_ALLOWED');
  return format;
}

/**
 * Checks every part of a document of this format. Calls `visit` with each. Refuses FILE_BROKEN, FILE_ENCRYPTED,
 * FILE_INFECTED, FILE_TOO_COMPLEX.
 */
export function examineContainer(bytes: Buffer, format: ContainerFormat, visit: (part: Buffer) => void): void {
  for (const entry of listZipEntries(bytes)) {
    const { name } = entry;
    if (format === 'OFD' && OFD_ENCRYPTION.test(name)) throw new Refusal('FILE_ENCRYPTED');
    if (format !== 'OFD') requireInertName(name);
    const part = unpackEntry(bytes, entry);
    visit(part);
    if (format === 'XLSX' && PRINTER_SETTINGS.test(name)) continue;
    const ending = findPartEnding(name);
    const endings = format === 'OFD' ? OFD_ENDINGS : OFFICE_ENDINGS;
    if (ending === null || !endings.includes(ending)) {
      throw new Refusal('FILE_TOO_COMPLEX', null, `文档含有不接受的部分 ${name}`);
    }
    requirePart(name, ending, part);
    if (format !== 'OFD') requireInertOfficePart(name, part);
  }
}
