/** Waiting work, bounded in all and per caller, and served in turn between callers. */
export class FairQueue<Work> {
  #size = 0;
  /** The caller whose turn is next comes first. No list is empty. */
  readonly #byCaller = new Map<string, Work[]>();
  readonly #limits: QueueLimits;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds work at the end of its caller's list. Returns which limit forbids it, or null if it was added. */
  add(caller: string, work: Work): 'ALL' | 'CALLER' | null {
    const list = this.#byCaller.get(caller) ?? [];
    const isLimited = caller !== this.#limits.unlimitedCaller;
    if (isLimited && list.length >= this.#limits.perCaller) return 'CALLER';
    if (this.#size >= this.#limits.all) return 'ALL';
    list.push(work);
    this.#byCaller.set(caller, list);
    this.#size++;
    return null;
  }

  /** Takes the oldest work of the next caller that may run. The caller then waits until all others had their turn. */
  take(mayRun: (caller: string) => boolean): Work | null {
    for (const [caller, list] of this.#byCaller) {
      if (!mayRun(caller)) continue;
      const work = list.shift();
      this.#byCaller.delete(caller);
      if (list.length > 0) this.#byCaller.set(caller, list);
      this.#size--;
      return work ?? null;
    }
    return null;
  }

  /** Takes work out before its turn. Returns false if it is not waiting. */
  remove(caller: string, work: Work): boolean {
    const list = this.#byCaller.get(caller) ?? [];
    const index = list.indexOf(work);
    if (index < 0) return false;
    list.splice(index, 1);
    if (list.length === 0) this.#byCaller.delete(caller);
    this.#size--;
    return true;
  }
}

export interface QueueLimits {
  /** Maximum of waiting work of all callers, and of one. */
  all: number;
  perCaller: number;
  /** The caller for whom `perCaller` does not hold. */
  unlimitedCaller?: string;
}
