import { Refusal } from '../refusal.ts';

/**
 * All faults of an input at once. A rule with several checks writes them to one collector. It may call other rules that
 * collect: their refusals join the list. The order is that of the checks, and the first refusal is that of the whole.
 */

/** Most refusals of one answer. */
export const MAX_REFUSALS = 50;

/** Several refusals of one input. It is read as the first of them wherever one refusal is enough. */
class RefusalList extends Refusal {
  readonly #all: readonly Refusal[];

  constructor(first: Refusal, all: readonly Refusal[]) {
    super(first.code, first.field);
    this.message = first.message;
    this.#all = all;
  }

  override get all(): readonly Refusal[] {
    return this.#all;
  }
}

/** Whether two rules refuse one value for the same reason, as a form and a font do. */
function isSame(one: Refusal, other: Refusal): boolean {
  return one.field !== null && one.field === other.field && one.code === other.code;
}

/** Runs checks and keeps what they refuse. */
export class RefusalCollector {
  readonly #refusals: Refusal[] = [];
  #hasMore = false;

  /** Returns the result of a check, or `fallback` if it refuses. Rethrows every other error. */
  check<Result>(rule: () => Result, fallback: Result): Result;
  check(rule: () => void): void;
  check<Result>(rule: () => Result, fallback?: Result): Result | undefined {
    try {
      return rule();
    } catch (error) {
      this.#keep(error);
      return fallback;
    }
  }

  /** Like `check`, for a check that looks something up. */
  async checkLater<Result>(rule: () => Promise<Result>, fallback: Result): Promise<Result> {
    try {
      return await rule();
    } catch (error) {
      this.#keep(error);
      return fallback;
    }
  }

  /** Keeps a refusal. */
  add(refusal: Refusal): void {
    this.#keep(refusal);
  }

  /** Whether anything was refused so far: what depends on a value that was refused is not asked. */
  get hasRefusals(): boolean {
    return this.#refusals.length > 0;
  }

  /** Throws all that was refused, at most MAX_REFUSALS and then FAULTS_TOO_MANY. */
  settle(): void {
    const [first] = this.#refusals;
    if (first === undefined) return;
    if (this.#refusals.length === 1 && !this.#hasMore) throw first;
    throw new RefusalList(first, this.#hasMore ? [...this.#refusals, new Refusal('FAULTS_TOO_MANY')] : this.#refusals);
  }

  #keep(error: unknown): void {
    if (!(error instanceof Refusal)) throw error;
    for (const refusal of error.all) {
      if (this.#refusals.some((known) => isSame(known, refusal))) continue;
      if (refusal.code === 'FAULTS_TOO_MANY' || this.#refusals.length === MAX_REFUSALS) this.#hasMore = true;
      else this.#refusals.push(refusal);
    }
  }
}

/** Runs all checks, in this order, and throws everything that they refuse. */
export function checkAll(...rules: readonly (() => unknown)[]): void {
  const faults = new RefusalCollector();
  for (const rule of rules) faults.check(rule);
  faults.settle();
}

/** Runs a check for every item of a list and throws everything that they refuse. */
export function checkEach<Item>(items: readonly Item[], rule: (item: Item, index: number) => unknown): void {
  checkAll(...items.map((item, i) => () => rule(item, i)));
}

/** Returns everything that a rule refuses, or nothing if it passes. Rethrows every other error. */
export function listRefusals(rule: () => unknown): readonly Refusal[] {
  try {
    rule();
    return [];
  } catch (error) {
    if (error instanceof Refusal) return error.all;
    throw error;
  }
}
