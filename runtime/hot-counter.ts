import { Counter, type CounterConfiguration } from "prom-client";

/**
 * A counter of what happens with each answer, with one label at most. `inc` makes a text of the labels each
 * time; `count` costs an addition, and its sums reach the counter when that is read.
 */
export class HotCounter<Label extends string> extends Counter<Label> {
  readonly #label: Label | undefined;
  /** By value of the label: what came since the last reading. */
  readonly #sums = new Map<string, number>();

  constructor(configuration: CounterConfiguration<Label>) {
    super(configuration);
    [this.#label] = configuration.labelNames ?? [];
  }

  /** `value`: of the label, where there is one. */
  count(value = ""): void {
    this.#sums.set(value, (this.#sums.get(value) ?? 0) + 1);
  }

  /** prom-client calls it before each reading. */
  collect(): void {
    for (const [value, sum] of this.#sums) {
      if (this.#label === undefined) this.inc(sum);
      else this.inc({ [this.#label]: value } as Record<Label, string>, sum);
    }
    this.#sums.clear();
  }
}
