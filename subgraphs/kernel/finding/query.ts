import { buildInputError } from '../list/page.ts';
import { foldQuery, MIN_FIND_CHARS } from './keys.ts';

/** Returns a text folded. Throws BAD_USER_INPUT if it is too short to look for. */
export function requireQuery(text: string, argument: string): string {
  const folded = foldQuery(text);
  if (folded === null) throw buildInputError(`请至少填写 ${MIN_FIND_CHARS} 个字来查找。`, argument);
  return folded;
}
