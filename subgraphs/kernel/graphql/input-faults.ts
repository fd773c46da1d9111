import { GraphQLError } from 'graphql';

/** Most wrong values that one error names. */
export const MAX_WRONG_INPUTS = 50;

/** One wrong value of a request: its path, for example `input.fields[0].text`, and what is wrong. */
interface WrongInput {
  argument: string;
  message: string;
}

/**
 * The wrong values of one field's arguments. `extensions.arguments` of the error names all of them,
 * `extensions.argument` the first, and `extensions.hasMore` says that there are more than MAX_WRONG_INPUTS.
 */
export class InputFaults {
  readonly #faults: WrongInput[] = [];
  #hasMore = false;

  /** Whether the error names no more. What is left need not be checked. */
  get isFull(): boolean {
    return this.#hasMore;
  }

  /** Returns what `check` returns, or `fallback` if it throws BAD_USER_INPUT. Rethrows every other error. */
  check(check: () => unknown, fallback: unknown): unknown {
    try {
      return check();
    } catch (error) {
      const argument = error instanceof GraphQLError ? error.extensions.argument : undefined;
      if (typeof argument !== 'string') throw error;
      if (this.#faults.length === MAX_WRONG_INPUTS) this.#hasMore = true;
      else this.#faults.push({ argument, message: (error as GraphQLError).message });
      return fallback;
    }
  }

  /** Throws BAD_USER_INPUT if there was a wrong value. */
  settle(): void {
    const [first] = this.#faults;
    if (first === undefined) return;
    const count = this.#hasMore ? `超过 ${MAX_WRONG_INPUTS}` : this.#faults.length;
    const message = this.#faults.length === 1 ? first.message : `${first.message}共有 ${count} 处填写有误。`;
    const more = this.#hasMore ? { hasMore: true } : {};
    throw new GraphQLError(message, {
      extensions: { code: 'BAD_USER_INPUT', argument: first.argument, arguments: this.#faults, ...more },
    });
  }
}
