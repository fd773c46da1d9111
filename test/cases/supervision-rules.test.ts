import { describe, expect, test } from 'vitest';
import { PUBLISHED } from '../../subgraphs/cases/calendar/published.ts';
import { calendarOf } from '../../subgraphs/cases/calendar/working-day.ts';
import {
  deadlineOf,
  FINDING_KINDS,
  isOnTime,
  isOverdue,
  levelsOf,
  orderOf,
  requireFinding,
  requireOrderable,
} from '../../subgraphs/cases/supervision/supervision.ts';
import {
  requireValidSignature,
  requireWebhookUrl,
  writeSignature,
} from '../../subgraphs/cases/supervision/webhook/webhook.ts';
import { VALIDITY_STATES } from '../../subgraphs/kernel/license-acts.ts';

const refusalWith = (code: string) => expect.objectContaining({ code });

describe('the deadline for a push to the supervisors', () => {
  const calendar = calendarOf(PUBLISHED);
  test.each([
    ['over the National Day holiday and two make-up Saturdays and Sundays', '2022-09-29', '2022-10-09'],
    ['within a week', '2022-09-05', '2022-09-08'],
    ['over a weekend', '2022-09-15', '2022-09-20'],
    ['from a Sunday', '2022-06-12', '2022-06-15'],
    ['over Spring Festival with make-up days', '2022-01-28', '2022-02-07'],
  ])('%s', (_, decidedOn, dueOn) => {
    expect(deadlineOf(calendar, decidedOn).dueOn).not.toBeNull();
    expect(deadlineOf(calendar, decidedOn)).toEqual({ dueOn: dueOn, missingYear: null });
  });

  test('names a year without a calendar', () => {
    const until2022 = calendarOf(PUBLISHED.filter((notice) => notice.year <= 2022));
    expect(deadlineOf(until2022, '2022-12-30')).toEqual({ dueOn: null, missingYear: 2023 });
    expect(deadlineOf(until2022, '2023-05-04')).toEqual({ dueOn: null, missingYear: 2023 });
  });

  test('a push is on time, overdue or open', () => {
    const push = { dueOn: '2022-10-09', reachedAt: null };
    expect([isOverdue(push, '2022-10-09'), isOnTime(push, '2022-10-09')]).toEqual([false, null]);
    expect([isOverdue(push, '2022-10-10'), isOnTime(push, '2022-10-10')]).toEqual([true, false]);
    // The last second of the last day in Asia/Shanghai, and the first second after it.
    const at = (text: string) => ({ dueOn: '2022-10-09', reachedAt: new Date(text) });
    expect(isOnTime(at('2022-10-09T15:59:59Z'), '2022-10-20')).toBe(true);
    expect(isOnTime(at('2022-10-09T16:00:00Z'), '2022-10-20')).toBe(false);
    expect(isOverdue(at('2022-10-12T00:00:00Z'), '2022-10-20')).toBe(false);
    expect(isOnTime({ dueOn: null, reachedAt: null }, '2022-10-20')).toBeNull();
  });

  test('pushes to the county in every mode, and to the city where it supervises', () => {
    expect(levelsOf('DIRECT')).toEqual(['COUNTY']);
    expect(levelsOf('SUBSTANTIVE_REVIEW')).toEqual(['COUNTY', 'CITY']);
    expect(levelsOf('WINDOW_FORWARD')).toEqual(['COUNTY', 'CITY']);
  });
});

describe('what a finding may contain and order', () => {
  const finding = { kind: 'NOTICE' as const, text: '请核对地址', papers: [], dueOn: null };
  test.each([
    ['an empty text', { text: '  ' }, 'REASON_MISSING'],
    ['a text that is too long', { text: '字'.repeat(501) }, 'FIELD_TOO_LONG'],
    ['a control character', { text: '甲\u0000' }, 'FIELD_MALFORMED'],
    ['a paper that is no digest', { papers: ['x'] }, 'FIELD_MALFORMED'],
    ['too many papers', { papers: Array.from({ length: 21 }, () => 'a'.repeat(64)) }, 'FIELD_TOO_LONG'],
    ['a rectification without a day', { kind: 'RECTIFICATION' as const }, 'FIELD_MALFORMED'],
    ['a rectification until yesterday', { kind: 'RECTIFICATION' as const, dueOn: '2022-06-30' }, 'FIELD_MALFORMED'],
    ['a notice with a day', { dueOn: '2022-07-30' }, 'FIELD_MALFORMED'],
  ])('%s is refused', (_, changes, code) => {
    expect(() => requireFinding({ ...finding, ...changes }, '2022-07-01')).toThrow(refusalWith(code));
  });

  const ALLOWED: Record<string, readonly string[]> = {
    SUSPENSION: ['VALID', 'NOT_YET_VALID'],
    REVOCATION: ['VALID', 'SUSPENDED', 'NOT_YET_VALID'],
    LIFTED: ['SUSPENDED', 'NOT_YET_VALID'],
  };
  test.each(FINDING_KINDS.filter((kind) => orderOf(kind) !== null))(
    '%s is allowed by the state of the license',
    (kind) => {
      for (const state of VALIDITY_STATES) {
        const order = () => requireOrderable(kind, state, kind === 'LIFTED' && state !== 'VALID');
        if (ALLOWED[kind]?.includes(state)) expect(order()).toBeUndefined();
        else expect(order).toThrow(refusalWith('LICENSE_ACT_NOT_ALLOWED'));
      }
      expect(() => requireOrderable(kind, null, false)).toThrow(refusalWith('FINDING_NEEDS_LICENSE'));
    },
  );

  test('a suspension that is ordered but not carried out may be lifted; other findings order nothing', () => {
    expect(requireOrderable('LIFTED', 'VALID', true)).toBeUndefined();
    expect(() => requireOrderable('LIFTED', 'SUSPENDED', false)).toThrow(refusalWith('LICENSE_ACT_NOT_ALLOWED'));
    expect(() => requireOrderable('LIFTED', 'REVOKED', true)).toThrow(refusalWith('LICENSE_ACT_NOT_ALLOWED'));
    expect(requireOrderable('NOTICE', null, false)).toBeUndefined();
    expect(requireOrderable('RECTIFICATION', null, false)).toBeUndefined();
  });
});

describe('the webhook', () => {
  const surroundings = { isProduction: false, ownAddresses: [] };
  test.each(['https://jg.example.cn/pushes', 'http://127.0.0.1:4020/pushes', 'http://[::1]:1/', 'http://localhost/x'])(
    '%s is allowed',
    (url) => {
      expect(requireWebhookUrl(url, [], surroundings).href).toBe(new URL(url).href);
    },
  );
  test.each([
    'http://jg.example.cn/pushes',
    'http://10.0.0.1/',
    'https://10.0.0.1/',
    'https://[::ffff:169.254.169.254]/',
    'ftp://jg.example.cn/',
    'file:///etc/passwd',
    'https://user:secret@jg.example.cn/',
    'https://jg.example.cn/#x',
    'jg.example.cn',
    `https://jg.example.cn/${'x'.repeat(500)}`,
    'http://127.0.0.1.example.cn/',
  ])('%s is refused', (url) => {
    expect(() => requireWebhookUrl(url, [], surroundings)).toThrow(refusalWith('WEBHOOK_URL_REFUSED'));
  });

  // The example of the Standard Webhooks specification.
  const secret = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1_614_265_330, body: '{"test": 2432232314}' };
  const signature = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
  const signedMessage = { ...message, webhook: 'w', signatures: [signature] };
  const at = (seconds: number) => new Date((message.timestamp + seconds) * 1000);
  test('signs as Standard Webhooks specifies', () => {
    expect(writeSignature(secret, message)).toBe(signature);
    expect(requireValidSignature(signedMessage, secret, at(300))).toBeUndefined();
    expect(
      requireValidSignature({ ...signedMessage, signatures: ['v1,AAAA', signature] }, secret, at(-300)),
    ).toBeUndefined();
  });
  test.each([
    ['another body', { body: '{"test": 2432232315}' }, 0, 'SIGNATURE_INVALID'],
    ['another id', { id: 'msg_x' }, 0, 'SIGNATURE_INVALID'],
    ['another time', { timestamp: message.timestamp + 1 }, 0, 'SIGNATURE_INVALID'],
    ['another version', { signatures: [signature.replace('v1', 'v2')] }, 0, 'SIGNATURE_INVALID'],
    ['an empty list of signatures', { signatures: [] }, 0, 'SIGNATURE_INVALID'],
    ['a stale timestamp', {}, 301, 'TIMESTAMP_NOT_FRESH'],
    ['a timestamp in the future', {}, -301, 'TIMESTAMP_NOT_FRESH'],
  ])('%s is refused', (_, changes, seconds, code) => {
    expect(() => requireValidSignature({ ...signedMessage, ...changes }, secret, at(seconds))).toThrow(
      refusalWith(code),
    );
  });
});
