/** Why the hub does not accept a proof, a note, a checkpoint or a path of the log. */
export type LogFaultCode =
  // proofs
  | 'TREE_EMPTY'
  | 'SIZE_MALFORMED'
  | 'INDEX_MALFORMED'
  | 'INDEX_OUTSIDE_TREE'
  | 'HASH_LENGTH'
  | 'PROOF_TOO_SHORT'
  | 'PROOF_TOO_LONG'
  | 'ROOT_WRONG'
  | 'OLD_ROOT_WRONG'
  | 'OLD_SIZE_LARGER'
  | 'ROOTS_OF_ONE_SIZE_DIFFER'
  // notes
  | 'NOTE_TOO_LARGE'
  | 'NOTE_NOT_UTF8'
  | 'NOTE_CONTROL_CHARACTER'
  | 'NOTE_WITHOUT_TEXT'
  | 'NOTE_WITHOUT_SIGNATURE'
  | 'SIGNATURES_TOO_MANY'
  | 'SIGNATURE_LINE_MALFORMED'
  | 'KEY_NAME_MALFORMED'
  | 'KEY_MALFORMED'
  | 'KEY_ID_WRONG'
  | 'KEY_TYPE_UNKNOWN'
  | 'BASE64_MALFORMED'
  | 'SIGNATURE_BY_NOBODY_KNOWN'
  | 'SIGNATURE_WRONG'
  | 'TIMESTAMP_OUT_OF_RANGE'
  // checkpoints and proofs as texts
  | 'LINES_MISSING'
  | 'LINE_EMPTY'
  | 'ORIGIN_WRONG'
  | 'PROOF_HEADER_WRONG'
  | 'PROOF_INDEX_LINE';

/** Thrown by all functions that read or verify texts and proofs of a log. */
export class LogFault extends Error {
  override readonly name = 'LogFault';
  readonly code: LogFaultCode;
  constructor(code: LogFaultCode) {
    super(code);
    this.code = code;
  }
}
