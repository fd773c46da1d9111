import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import type { SealedRecord } from '../../subgraphs/licenses/act/record.ts';

const type = '11000000000090018B023';
const issuer = '11000000000000027K';
const ZZBS = writeLicenseIdentifier({ type, issuer, serial: '3607002026000001', version: 1 });

/** A sample license record in the form that the hub writes. */
export const sampleRecord: SealedRecord = {
  ZZMC: '第三类医疗器械经营许可证',
  ZZLXDM: type,
  ZZBH: '3607002026000001',
  ZZBS,
  ZZBFJG: '赣州市行政审批局',
  ZZBFJGDM: issuer,
  ZZBFRQ: '2026-11-23',
  CZZT: '于都县贡江示范药业有限公司',
  CZZTDM: '91000000MA0000001R',
  CZZTDMLX: '001',
  ZZYXQQSRQ: '2026-11-23',
  ZZYXQJZRQ: '2031-11-22',
  ZZQZR: '王志强',
  ZZQZSJ: '2026-11-23T01:02:03.000Z',
  ZZQZMC: '赣州市行政审批局审批专用章',
  KZ_BB: 1,
  KZ_CZ: 'ISSUE',
  KZ_SX: 'yd2022-3-25',
  KZ_BJBH: '3607312026112300001',
  KZ_XZQH: '360700',
  KZ_BLXZQH: '360731',
  KZ_NR: [{ label: '经营方式', text: '批零兼营' }],
  KZ_XGBS: null,
  KZ_HYDZ: `http://127.0.0.1:4000/v/${ZZBS}`,
};
