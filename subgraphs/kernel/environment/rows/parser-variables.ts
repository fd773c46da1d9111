import * as kinds from '../kinds.ts';

/** Every process that parses what strangers send. */
const useInAll = <const Text extends string>(value: Text) => {
  const use = { default: value } as const;
  return { start: use, gateway: use, matters: use, cases: use, licenses: use, seals: use };
};

/** What a process may spend on data of strangers. */
export const PARSERS = {
  PARSER_WORKERS: {
    kind: kinds.count,
    about:
      'Threads that parse what strangers send and plan their long operations. With one a caller can make others wait.',
    uses: useInAll('2'),
  },
  PARSER_DEADLINE_MS: {
    kind: kinds.count,
    about:
      'Milliseconds that parsing one file or text may take, or planning. After that the request is DEADLINE_EXCEEDED.',
    uses: useInAll('1000'),
  },
  PARSER_MEMORY_MB: {
    kind: kinds.count,
    about: 'Megabytes of memory that parsing one file or text may take.',
    uses: useInAll('128'),
  },
} as const;
