import type { Day } from '../../kernel/day.ts';
import type { Holder } from '../../kernel/events/events.ts';
import { isPersonKind, requireHolderCode } from '../../kernel/identity/identity.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { requireLine } from '../../kernel/text.ts';

export const MAX_NAME_CHARS = 100;

/** The dot in a person's name (间隔号): U+00B7 and nothing else (民委发〔2016〕33号). */
const NAME_DOT = '\u00b7';

/** Signs that keyboards and other systems write for it. They are wrong only between two Han letters. */
const OTHER_DOTS =
  /(?<=\p{Script=Han})[ \u3000]?[.\u0387\u02d9\u16eb\u2022\u2024\u2027\u2219\u22c5\u25cf\u2e31\u2e33\u3002\u30fb\ua78f\uff0e\uff61\uff65][ \u3000]?(?=\p{Script=Han})/gu;

/**
 * Refuses NAME_DOT_WRONG with the corrected name if a person's name has another dot between its letters. The name is
 * not changed silently: it must be that of the person's paper, so the clerk compares the two and decides.
 */
export function requireNameDot(name: string, field: string): void {
  const corrected = name.replace(OTHER_DOTS, NAME_DOT);
  if (corrected !== name) throw new Refusal('NAME_DOT_WRONG', field, `应为“${corrected}”`);
}

/**
 * Checks name and code of a person or an organisation. Refuses FIELD_TOO_LONG, FIELD_MALFORMED, NAME_DOT_WRONG,
 * HOLDER_CODE_INVALID.
 */
export function requireIdentity({ name, codeKind, code }: Holder, field: string, today: Day): void {
  checkAll(
    () => requireLine(name, MAX_NAME_CHARS, `${field}.name`),
    () => isPersonKind(codeKind) && requireNameDot(name, `${field}.name`),
    () => requireHolderCode(codeKind, code, `${field}.code`, today),
  );
}
