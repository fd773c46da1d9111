/**
 * Which form a license type is printed on: the one table of templates. The first form of a row is printed; the others
 * are those of earlier releases, on which sealed sheets exist. A released form never changes: a new layout is a new
 * file before it in the row.
 */

/** Names of the forms: files `templates/<name>.typ`. */
export const FORMS = [
  'general',
  'general-first',
  'medical-device-first',
  'real-estate',
  'forest-cutting',
  'mining',
  'medicine',
  'medical-device',
  'medical-device-filing',
  'gas',
  'ship-manning',
  'special-equipment',
] as const;
export type Form = (typeof FORMS)[number];

/** Forms by type code (证照类型代码), newest first. */
export const FORMS_BY_TYPE: ReadonlyMap<string, readonly [Form, ...Form[]]> = new Map([
  // 林木采伐许可证
  ['11000000000090018B004', ['forest-cutting', 'general-first']],
  // 不动产权证书
  ['11000000000090018B006', ['real-estate', 'general-first']],
  // 燃气经营许可证
  ['11000000000090018B015', ['gas', 'general-first']],
  // 特种设备使用登记证
  ['11000000000090018B016', ['special-equipment', 'general-first']],
  // 采矿许可证
  ['11000000000090018B024', ['mining', 'general-first']],
  // 船舶最低安全配员证书
  ['11000000000090018B026', ['ship-manning', 'general-first']],
  // 第二类医疗器械经营备案凭证
  ['11000000000090018B032', ['medical-device-filing', 'general-first']],
  // 第三类医疗器械经营许可证
  ['11000000000090018B033', ['medical-device', 'medical-device-first']],
  // 药品经营许可证（零售）
  ['11000000000090018B034', ['medicine', 'general-first']],
]);

/** Returns the forms of a license type, newest first. A type without a row has the general form. */
export function listForms(type: string): readonly [Form, ...Form[]] {
  return FORMS_BY_TYPE.get(type) ?? ['general', 'general-first'];
}
