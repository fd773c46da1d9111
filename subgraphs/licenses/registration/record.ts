import type { LicenseRecord, SealedRecord } from '../act/record.ts';

/** The record of a license that was entered from paper (存量登记): version 1, which no seal is on. */
export interface RegisteredRecord extends LicenseRecord {
  KZ_CZ: 'REGISTER';
  /** Day of entry, who proposed and approved the ledger (拟办人、审批人), its SHA-256, and the line in it (登记). */
  KZ_DJ: { DJRQ: string; NBR: string; SPR: string; WJZY: string; HH: number };
  /** SHA-256 of the scan of the paper (扫描件摘要). Absent if the ledger names none. */
  KZ_SMJ?: string;
}

/** Whether a version was entered from paper, so that it has no document, no seal and no case. */
export function isRegistered(record: LicenseRecord): record is RegisteredRecord {
  return record.KZ_CZ === 'REGISTER';
}

/** Returns the record of a version that the hub sealed. Throws an Error if it was entered from paper. */
export function requireSealed(record: LicenseRecord): SealedRecord {
  if (isRegistered(record)) throw new Error(`${record.ZZBS} was entered from paper`);
  return record as SealedRecord;
}
