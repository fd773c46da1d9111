import { readMatters, readOrgans } from '../../seeds/load.ts';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import type { SealedRecord } from '../../subgraphs/licenses/act/record.ts';
import { FORMS_BY_TYPE, type Form } from '../../subgraphs/licenses/document/forms.ts';

/** Invented records, one for each form, to look at the form. Holder, number and seal say that they are samples. */

/** What a sample record says. */
interface Sample {
  /** Organ id of the issuer. */
  issuer: string;
  number: string;
  holder: string;
  /** Last day, or 长期. */
  until: string;
  lines: Readonly<Record<string, string>>;
}

/** 矿产资源勘查许可证: a type without a form of its own. */
const GENERAL_TYPE = '11000000000090018B023';
const FIRST_DAY = '2026-11-23';
const DEVICE_LINES = {
  法定代表人: '刘建平',
  企业负责人: '陈晓燕',
  经营方式: '批发',
  住所: '江西省赣州市于都县贡江镇长征大道示范路18号A栋201室',
  经营场所: '江西省赣州市于都县贡江镇长征大道示范路18号A栋201室、202室',
  库房地址: '江西省赣州市于都县工业园区示范二路6号3栋一层',
};

/** Forms of earlier releases. */
type FirstForm = Extract<Form, `${string}-first`>;

/** Samples by form. The general form shows a type that has no form of its own. */
const SAMPLES: Readonly<Record<Exclude<Form, FirstForm>, Sample>> = {
  general: {
    issuer: 'ganzhou-zrzyj',
    number: '样本T3600002026110300001',
    holder: '赣州示范地质勘查有限公司（样本）',
    until: '2031-11-22',
    lines: { 勘查项目名称: '江西省于都县示范矿区铜多金属矿普查', 勘查面积: '12.36平方公里', 图幅号: 'G50E013010' },
  },
  'forest-cutting': {
    issuer: 'yudu-lyj',
    number: '样本〔2026〕采字第0123号',
    holder: '于都县示范林场（样本）',
    until: '2027-11-22',
    lines: {
      林权所有者: '于都县示范林场',
      采伐地点: '盘古山镇示范村示范林班3小班、5小班',
      四至: '东至山脊，南至示范河，西至林区公路，北至示范村村界',
      林种: '用材林',
      树种: '杉木、马尾松',
      采伐类型: '主伐',
      采伐方式: '皆伐',
      '采伐面积（公顷）': '4.6',
      采伐蓄积: '386立方米',
      出材量: '270立方米',
      更新期限: '2028年12月31日前，更新面积4.6公顷',
    },
  },
  'real-estate': {
    issuer: 'ganzhou-zrzyj',
    number: '赣（2026）于都县不动产权第0001234号（样本）',
    holder: '张示范（样本）',
    until: '长期',
    lines: {
      权利人: '张示范（样本）、李示范',
      共有情况: '共同共有',
      坐落: '江西省赣州市于都县贡江镇示范路18号示范花园3栋2单元501室',
      不动产单元号: '360731 001002 GB00003 F00030025',
      权利类型: '国有建设用地使用权/房屋所有权',
      权利性质: '出让/市场化商品房',
      用途: '城镇住宅用地/住宅',
      面积: '共有宗地面积18236.50平方米/房屋建筑面积118.62平方米',
      使用期限: '国有建设用地使用权 2019年06月01日起至2089年05月31日止',
      权利其他状况:
        '房屋结构：钢筋混凝土结构；专有建筑面积95.30平方米，分摊建筑面积23.32平方米；房屋总层数18层，所在层5层',
      附记: '业务编号：样本202611230001；原不动产权证号：赣（2019）于都县不动产权第0000987号',
    },
  },
  gas: {
    issuer: 'ganzhou-xzspj',
    number: '样本赣202607310005GJ',
    holder: '于都示范燃气有限公司（样本）',
    until: '2029-11-22',
    lines: {
      注册地址: '江西省赣州市于都县贡江镇示范大道66号',
      法定代表人: '黄志强',
      经营类别: '管道燃气（天然气）',
      经营区域: '于都县中心城区、工业园区，东至示范河，西至示范大道，南至高速公路，北至铁路线',
    },
  },
  'special-equipment': {
    issuer: 'ganzhou-xzspj',
    number: '样本梯11赣B00123（26）',
    holder: '于都县示范医院（样本）',
    until: '长期',
    lines: {
      使用单位: '于都县示范医院（样本）',
      设备种类: '电梯',
      设备类别: '曳引与强制驱动电梯',
      设备品种: '曳引驱动乘客电梯',
      设备代码: '311010236202600123',
      单位内编号: '住院楼2号梯',
      使用地点: '于都县贡江镇示范路8号住院楼',
    },
  },
  mining: {
    issuer: 'ganzhou-zrzyj',
    number: '样本C3607002026117110123456',
    holder: '于都示范矿业有限公司（样本）',
    until: '2036-11-22',
    lines: {
      采矿权人: '于都示范矿业有限公司（样本）',
      地址: '江西省赣州市于都县盘古山镇示范村',
      矿山名称: '于都示范矿业有限公司示范萤石矿',
      经济类型: '有限责任公司',
      开采矿种: '萤石（普通）',
      开采方式: '地下开采',
      生产规模: '3.00万吨/年',
      '矿区面积（平方公里）': '0.8652',
      开采深度: '由260米至-40米标高',
      拐点坐标:
        '1，2859123.45，39412345.67；2，2859123.45，39413300.12；3，2858217.90，39413300.12；4，2858217.90，39412345.67',
    },
  },
  'ship-manning': {
    issuer: 'ganzhou-jtysj',
    number: '样本070026110012',
    holder: '于都示范航运有限公司（样本）',
    until: '2031-11-22',
    lines: {
      船名: '赣于都货示范1号',
      船籍港: '赣州',
      船舶识别号: 'CN20261234567',
      总吨: '498',
      '主机功率（千瓦）': '220',
      航区: '内河B级',
      配员表: '船长，二类船长，1；大副，二类大副，1；轮机长，二类轮机长，1；普通船员，值班水手，2',
      备注: '连续航行时间不超过16小时',
    },
  },
  'medical-device-filing': {
    issuer: 'ganzhou-xzspj',
    number: '样本赣虔药监械经营备20260123号',
    holder: '于都示范医疗器械有限公司（样本）',
    until: '长期',
    lines: { ...DEVICE_LINES, 经营范围: '第二类医疗器械：6820普通诊察器械，6827中医器械，6864医用卫生材料及敷料' },
  },
  'medical-device': {
    issuer: 'ganzhou-xzspj',
    number: '样本赣虔药监械经营许20260045号',
    holder: '于都示范医疗器械有限公司（样本）',
    until: '2031-11-22',
    lines: {
      ...DEVICE_LINES,
      经营范围: '第三类医疗器械：02无源手术器械，03神经和心血管手术器械，14注输、护理和防护器械，22临床检验器械',
    },
  },
  medicine: {
    issuer: 'ganzhou-xzspj',
    number: '样本赣DA7970123',
    holder: '于都示范大药房连锁有限公司贡江一店（样本）',
    until: '2031-11-22',
    lines: {
      法定代表人: '刘建平',
      企业负责人: '陈晓燕',
      质量负责人: '吴海霞',
      注册地址: '江西省赣州市于都县贡江镇示范路20号一层',
      仓库地址: '无',
      经营方式: '零售（连锁门店）',
      经营范围: '处方药、甲类非处方药、乙类非处方药：中药饮片、中成药、化学药、生物制品（限诊断药品、治疗性生物制品）',
    },
  },
};

const organs = new Map(readOrgans().map((organ) => [organ.id, organ]));
const matters = readMatters();

/** Returns the sample record of each form that is printed now, by the form's name. */
export function listSampleRecords(): (readonly [Form, SealedRecord])[] {
  const types: [string, Form][] = [...FORMS_BY_TYPE].map(([type, [form]]) => [type, form]);
  return [[GENERAL_TYPE, 'general'] as const, ...types].map(([type, form]) => {
    if (form === 'medical-device-first' || form === 'general-first') throw new Error('not printed any more');
    return [form, buildSample(type, SAMPLES[form])];
  });
}

function buildSample(type: string, { issuer, number, holder, until, lines }: Sample): SealedRecord {
  const organ = organs.get(issuer);
  const matter = matters.find(({ outcome }) => outcome.licenseType === type);
  if (!organ || !matter) throw new Error(`no organ ${issuer}, or no matter of ${type}`);
  const serial = `SAMPLE${type.slice(-3)}`;
  const identifier = writeLicenseIdentifier({ type, issuer: organ.uscc, serial, version: 1 });
  return {
    ...{ ZZMC: matter.outcome.name, ZZLXDM: type, ZZBH: number, ZZBS: identifier },
    ...{ ZZBFJG: organ.name, ZZBFJGDM: organ.uscc, ZZBFRQ: FIRST_DAY },
    ...{ CZZT: holder, CZZTDM: '91000000MA0000001R', CZZTDMLX: '001' },
    ...{ ZZYXQQSRQ: FIRST_DAY, ZZYXQJZRQ: until },
    ...{ ZZQZR: '样本', ZZQZSJ: `${FIRST_DAY}T01:02:03.000Z`, ZZQZMC: `${organ.name}样本专用章` },
    ...{
      KZ_BB: 1,
      KZ_CZ: 'ISSUE',
      KZ_SX: matter.id,
      KZ_BJBH: '样本',
      KZ_XZQH: organ.divisionCode,
      KZ_BLXZQH: '360731',
    },
    KZ_NR: Object.entries(lines).map(([label, text]) => ({ label, text })),
    KZ_XGBS: null,
    KZ_HYDZ: `http://127.0.0.1:4000/v/${identifier}`,
  };
}
