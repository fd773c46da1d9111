import { type LicenseType, licenseTypeFile, listTypeProblems } from '../../kernel/license-type/type.ts';
import {
  checkSchema,
  type FileReading,
  MAX_FILE_CHARS,
  parseJson,
  readFile,
  requireNoProblems,
} from '../guide/file.ts';

/** Reads a file that holds one license type, JSON, with every problem of it. docs/license-types.md describes it. */
export function readLicenseTypeFile({ text }: { text: string }): FileReading<LicenseType> {
  return readFile(() => {
    if (text.length > MAX_FILE_CHARS) requireNoProblems([{ place: '', message: `文件最多 ${MAX_FILE_CHARS} 字` }]);
    const file = parseJson(text);
    const type = checkSchema(licenseTypeFile, file);
    requireNoProblems(listTypeProblems(type), file);
    return type;
  });
}
