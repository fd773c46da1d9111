import { readNote, readSignatures, readWitnessKey, verifySignatures, writeSignature } from '../../kernel/tlog/note.ts';

/**
 * Verifies a witness's answer to a signed checkpoint (C2SP tlog-witness). Returns the signature line and the witness's
 * time in seconds, or null if the witness did not sign with its key. Throws LogFault for any other answer.
 */
export function readCosignature({ note, vkey, answer }: { note: string; vkey: string; answer: string }) {
  const key = readWitnessKey(vkey);
  const signedNote = { text: readNote(note).text, signatures: readSignatures(answer) };
  const [cosignature] = verifySignatures(signedNote, [key]);
  return cosignature ? { line: writeSignature(key, cosignature.signature), time: Number(cosignature.time) } : null;
}
