import { createParserPool, type ParserPool } from '../../subgraphs/kernel/foreign/pool.ts';

/**
 * The parser pool of all tests of one process. Its workers end with the process. A machine that runs other tests beside
 * may let a parser wait long, so the deadline is generous. Tests of the deadline make their own pool.
 */
export const testParsers: ParserPool = createParserPool({ deadlineMs: 20_000, waitMs: 60_000 });
