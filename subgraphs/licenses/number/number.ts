import { fitsRunning, HUB_TEMPLATE, toSerial, writeNumber } from '../../kernel/license-type/number.ts';

/** How the numbers of licenses follow each other (编号). */

/** What a number is written for. */
export interface NumberRequest {
  template: string;
  typeCode: string;
  /** Organ id of the issuer, and its division code. */
  issuer: string;
  divisionCode: string;
  /** Day of reservation in Asia/Shanghai: gives year and month. */
  day: string;
}

/** A number that is free as far as its series knows. */
export interface Candidate {
  running: number;
  number: string;
  serial: string;
}

/**
 * Names the series in which running numbers follow each other within a year: that of the issuer and the type, whatever
 * the template, so that a new template goes on. The hub's own numbers have one series for each division.
 */
export function nameSeries({ template, typeCode, issuer, divisionCode }: NumberRequest): string {
  return template === HUB_TEMPLATE ? divisionCode : `${typeCode} ${issuer}`;
}

/** Returns type and issuer of a series, or null for one of the hub's own numbers. */
export function readSeries(series: string): Pick<NumberRequest, 'typeCode' | 'issuer'> | null {
  const [typeCode, issuer] = series.split(' ');
  return typeCode === undefined || issuer === undefined ? null : { typeCode, issuer };
}

/** Returns up to `count` candidates from a running number on. Fewer, or none, if the template has no room for more. */
export function listCandidates(request: NumberRequest, from: number, count: number): Candidate[] {
  const { template, divisionCode, day } = request;
  return Array.from({ length: count }, (_, i) => from + i)
    .filter((running) => fitsRunning(template, running))
    .map((running) => {
      const number = writeNumber(template, { divisionCode, day, running });
      return { running, number, serial: toSerial(number) };
    });
}

/** The serials by which an identifier may name a number: its own, then with a letter and a digit more. */
export function listSerials(number: string): string[] {
  const serial = toSerial(number);
  return [serial, ...Array.from({ length: 9 }, (_, i) => `${serial.slice(0, 34)}Z${i + 1}`)];
}
