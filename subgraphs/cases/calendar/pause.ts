import { Refusal } from '../../kernel/refusal.ts';
import { checkEach } from '../../kernel/refusals/collector.ts';
import { requireLine } from '../../kernel/text.ts';
import { MAX_TEXT_CHARS } from '../reception/application.ts';

/** Most papers that a pause may name. */
const MAX_PAPERS = 20;

/** Refuses PAPERS_MISSING, FIELD_TOO_LONG, FIELD_MALFORMED unless a pause names papers that it may be based on. */
export function requirePapers(papers: readonly string[]): void {
  if (papers.length === 0) throw new Refusal('PAPERS_MISSING', 'papers');
  if (papers.length > MAX_PAPERS) throw new Refusal('FIELD_TOO_LONG', 'papers', `最多 ${MAX_PAPERS} 份`);
  checkEach(papers, (paper, i) => requireLine(paper, MAX_TEXT_CHARS, `papers[${i}]`));
}
