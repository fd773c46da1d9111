import type { RecordedOwnership } from '../../kernel/identity/co-ownership.ts';
import type { RecordCodeKind } from '../../kernel/identity/identity.ts';

/**
 * The canonical record of one license version: metadata elements of GB/T 36903-2018 by their standard short names, and
 * extensions (KZ_*). A sealed version has the members of SealedRecord too, one entered from paper those of
 * RegisteredRecord (registration/record.ts).
 */
export interface LicenseRecord {
  /** Name of the license (证照名称). */
  ZZMC: string;
  /** Type code (证照类型代码), 21 characters. */
  ZZLXDM: string;
  /** License number (证照编号). */
  ZZBH: string;
  /** Identifier (证照标识, GB/T 36904). */
  ZZBS: string;
  /** Issuing organ and its USCC (证照颁发机构、代码). */
  ZZBFJG: string;
  ZZBFJGDM: string;
  /** Issue date (证照颁发日期), YYYY-MM-DD. */
  ZZBFRQ: string;
  /** Holder, code, and kind of code (持证主体): `IDENTITY_KINDS`. */
  CZZT: string;
  CZZTDM: string;
  CZZTDMLX: RecordCodeKind;
  /** Validity (有效期起始、截止). The end is 长期 if there is none. */
  ZZYXQQSRQ: string;
  ZZYXQJZRQ: string;
  /** Version under the number, from 1. */
  KZ_BB: number;
  /** Act that made this version, as `Act` names it. */
  KZ_CZ: string;
  /** Matter id. */
  KZ_SX: string;
  /** Division code of the issuer, and of the county that handled the case. */
  KZ_XZQH: string;
  KZ_BLXZQH: string;
  /** Lines of the license, in order. */
  KZ_NR: readonly { label: string; text: string }[];
  /** Identifier of the version that this one replaces, or null. */
  KZ_XGBS: string | null;
  /** Address of the public page with the state of the license: the link in the QR code (核验地址). */
  KZ_HYDZ: string;
  /** Index of this version in the status list (状态列表). Absent in versions made before the list existed. */
  KZ_ZTXH?: number;
  /** Random element (随机数): see `saltSchema`. Absent in versions of releases up to 0.4. */
  KZ_SJS?: string;
  /** Version of the license type that its lines were judged by (证照类型版本). Absent where the grant names none. */
  KZ_LXBB?: number;
  /** Labels of the lines that the sheet does not show (不印项). Absent if it shows all. */
  KZ_BYX?: readonly string[];
  /** The other holders, and all shares (共有). Absent if there is one holder. */
  KZ_GY?: RecordedOwnership;
}

/**
 * The record of a sealed version. Its canonical text (RFC 8785) is attached to the PDF as `metadata.json`.
 * The PDF is rendered only from it, so that the same record always gives the same bytes.
 */
export interface SealedRecord extends LicenseRecord {
  /** Who authorised the seal, when (RFC 3339, UTC), and the seal's name (签章人、签章时间、签章名称). */
  ZZQZR: string;
  ZZQZSJ: string;
  ZZQZMC: string;
  /** Case number (办件编号). */
  KZ_BJBH: string;
}

/** The attachment of a license's PDF: the record with the text of its QR code (二维码). The code signs its digest. */
export type AttachedRecord = SealedRecord & { KZ_EWM?: string };

/**
 * A sealed statement of an act that makes no new document (suspension, restoration, an ending). Releases up to 0.4
 * sealed one for a spoiled sheet too.
 */
export interface ActStatement {
  /** Act as `Act` names it, or SPOIL in a statement of a release up to 0.4. */
  CZ: string;
  ZZBH: string;
  ZZBS: string;
  KZ_BB: number;
  ZZBFJG: string;
  ZZBFJGDM: string;
  /** State of the license after the act. */
  ZZZT: string;
  /** Reason, in words. */
  SM: string;
  /** Case number if the act is based on a case, or null. */
  KZ_BJBH: string | null;
  ZZQZR: string;
  ZZQZSJ: string;
  ZZQZMC: string;
  /** For SPOIL: the spoiled sheet and the blank that replaces it. Null since the register states it. */
  KZ_KBZZ: { spoiled: string; replacement: string } | null;
  /** Id of the supervisor's order (监管指令) that the act carries out. Absent if it carries out none. */
  KZ_JGZL?: string;
  /** Random element (随机数): see `saltSchema`. Absent in statements of releases up to 0.4. */
  KZ_SJS?: string;
  /** Id of the approved proposal (拟办编号). Its ledger names who prepared the act. Absent before proposals existed. */
  KZ_NBBH?: string;
  /** Number of the written decision (决定文号). Absent if the act rests on none. */
  KZ_JDWH?: string;
  /** How the holder was heard (告知日期、听证或陈述申辩结果、举行日期). Absent if the law asks for nothing. */
  KZ_TZ?: { GZRQ: string; JG: string; JXRQ: string | null };
}
