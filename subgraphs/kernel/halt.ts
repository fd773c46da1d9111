/** Whether a running hub acts. Once halted, it seals, writes and sends nothing more until it is started again. */

/** Why a running hub halts: a sentence for people, in Chinese and in English. */
export const HALTS = {
  DATABASE_SET_BACK: '数据库被恢复到了较旧的状态 — the database was set back to an older state',
  DATABASE_IN_USE: '另一个系统也在使用这个数据库 — another hub is running on this database',
} as const;
/** What the operator does next, in Chinese and in English. */
export const HALT_REMEDIES: Readonly<Record<keyof typeof HALTS, string>> = {
  DATABASE_SET_BACK:
    '请停止后重新启动，启动检查会说明如何恢复 — stop and start again: the checks of the start say what to do',
  DATABASE_IN_USE: '请停止另一个系统，再重新启动 — stop the other hub, then start again',
};

export type HaltCode = keyof typeof HALTS;

export interface HaltReason {
  code: HaltCode;
  message: string;
}

/** Thrown by what does not act because the hub has halted. */
export class Halted extends Error {
  override readonly name = 'Halted';
  /** What GraphQL copies into its own error. */
  readonly extensions: { code: 'HUB_HALTED'; reason: HaltCode };
  readonly statusCode = 503;

  constructor({ code, message }: HaltReason) {
    super(message);
    this.extensions = { code: 'HUB_HALTED', reason: code };
  }
}

export interface Halt {
  /** Returns why the hub has halted, or null. */
  reason(): HaltReason | null;
  /** Halts the hub. The first reason stays. `detail` says what was seen: sizes, the name of a witness. */
  raise(code: HaltCode, detail?: string): void;
  /** Throws Halted if the hub has halted. */
  requireActing(): void;
}

/** Creates the switch of a hub that acts. `onRaise` is called once, when it halts. */
export function createHalt(onRaise: (reason: HaltReason) => void = () => {}): Halt {
  let reason: HaltReason | null = null;
  return {
    reason: () => reason,
    raise(code, detail) {
      if (reason) return;
      reason = { code, message: detail === undefined ? HALTS[code] : `${HALTS[code]}（${detail}）` };
      onRaise(reason);
    },
    requireActing() {
      if (reason) throw new Halted(reason);
    },
  };
}
