import { MAX_SEARCH_CHARS } from '../../kernel/finding/fold.ts';
import { FILE_INPUT } from '../../kernel/graphql/inputs.ts';
import type { TextRule } from '../../kernel/text.ts';

const SEARCH_TEXT: TextRule = { form: 'LINES', maxChars: MAX_SEARCH_CHARS };

/** Texts of this subgraph whose rule is not that of their type, by coordinate. */
export const LICENSE_INPUTS: Readonly<Record<string, TextRule>> = {
  'VerifyLicenseInput.document': FILE_INPUT,
  'VerifyLicenseInput.signature': FILE_INPUT,
  'LicenseFilter.number': SEARCH_TEXT,
  'LicenseFilter.blank': SEARCH_TEXT,
  'LicenseFilter.holder': SEARCH_TEXT,
  'LicenseFilter.typeCode': SEARCH_TEXT,
  'Query.searchLicenses.text': SEARCH_TEXT,
};
