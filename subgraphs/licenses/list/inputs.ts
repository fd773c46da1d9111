import { MAX_SEARCH_CHARS } from '../../kernel/finding/fold.ts';
import type { TextRule } from '../../kernel/text.ts';

const SEARCH_TEXT: TextRule = { form: 'LINES', maxChars: MAX_SEARCH_CHARS };

/** Texts by which licenses are found, by coordinate. */
export const LICENSE_INPUTS: Readonly<Record<string, TextRule>> = {
  'LicenseFilter.number': SEARCH_TEXT,
  'LicenseFilter.blank': SEARCH_TEXT,
  'LicenseFilter.holder': SEARCH_TEXT,
  'LicenseFilter.typeCode': SEARCH_TEXT,
  'LicenseStatisticsFilter.licenseType': SEARCH_TEXT,
  'Query.searchLicenses.text': SEARCH_TEXT,
  'FindHolderLicensesInput.code': SEARCH_TEXT,
};
