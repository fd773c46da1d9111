import { MAX_SEARCH_CHARS } from '../../kernel/finding/fold.ts';
import { MAX_INPUT_FILE_CHARS, type TextRule } from '../../kernel/text.ts';

const KEY_FILE: TextRule = { form: 'FILE', maxChars: MAX_INPUT_FILE_CHARS };
const SEARCH_TEXT: TextRule = { form: 'LINES', maxChars: MAX_SEARCH_CHARS };

/** Texts of this subgraph whose rule is not that of their type, by coordinate. */
export const CASE_INPUTS: Readonly<Record<string, TextRule>> = {
  'RegisterPlatformInput.publicKey': KEY_FILE,
  'AddPlatformKeyInput.publicKey': KEY_FILE,
  'CaseFilter.number': SEARCH_TEXT,
  'CaseFilter.text': SEARCH_TEXT,
  'CaseFilter.applicantName': SEARCH_TEXT,
  'Query.searchCases.text': SEARCH_TEXT,
  'FindApplicantCasesInput.code': SEARCH_TEXT,
  'Query.caseProgress.number': SEARCH_TEXT,
  'Query.caseProgress.code': SEARCH_TEXT,
};
