import { readGuideFile, readOverlayFile } from './guide/file.ts';
import { parseList } from './import/csv.ts';
import { readLicenseTypeFile } from './license-type/file.ts';
import { parseOrgans } from './organ/list.ts';

/** What matters parse of the files of offices. A worker runs these functions (`subgraphs/kernel/foreign/pool.ts`). */
export const PARSERS = { parseList, parseOrgans, readGuideFile, readLicenseTypeFile, readOverlayFile };
