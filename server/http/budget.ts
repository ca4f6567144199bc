import type { Clock } from "../../runtime/clock.ts";

/** An allowance that what it is spent on uses up, and that comes back with time and with honest work. */
export type Budget = {
  /** Returns false once more was spent than there is. */
  spend(): boolean;
  earn(): void;
  /** Whether nothing is left. */
  isSpent(): boolean;
  isFull(): boolean;
};

export type BudgetLimits = { readonly most: number; readonly perSecond: number };

export function createBudget({ most, perSecond }: BudgetLimits, clock: Pick<Clock, "elapsed">): Budget {
  let left = most;
  let countedAtMs = clock.elapsed();

  function now(): number {
    const nowMs = clock.elapsed();
    left = Math.min(most, left + ((nowMs - countedAtMs) * perSecond) / 1_000);
    countedAtMs = nowMs;
    return left;
  }

  return {
    spend() {
      left = Math.max(-1, now() - 1);
      return left >= 0;
    },
    earn() {
      left = Math.min(most, now() + 1);
    },
    isSpent: () => now() < 1,
    isFull: () => now() >= most,
  };
}

/** A budget for each source address. */
export type SourceBudgets = {
  of(source: string): Budget;
  /** Whether connections of this source are refused until its budget has recovered. */
  isSpent(source: string): boolean;
};

/** Bounds the memory: a flood from more sources than this forgets the oldest of them. */
const SOURCES_MAX = 10_000;

export function createSourceBudgets(limits: BudgetLimits, clock: Pick<Clock, "elapsed">): SourceBudgets {
  const budgets = new Map<string, Budget>();

  function makeRoom(): void {
    for (const [source, budget] of budgets) if (budget.isFull()) budgets.delete(source);
    const [oldest] = budgets.keys();
    if (budgets.size >= SOURCES_MAX && oldest !== undefined) budgets.delete(oldest);
  }

  return {
    of(source) {
      const known = budgets.get(source);
      if (known !== undefined) return known;
      if (budgets.size >= SOURCES_MAX) makeRoom();
      const budget = createBudget(limits, clock);
      budgets.set(source, budget);
      return budget;
    },
    isSpent: (source) => budgets.get(source)?.isSpent() ?? false,
  };
}
