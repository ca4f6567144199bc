/** Counts distinct values by their hashes, in 2 KiB, with an error of about 3 %. */
export type DistinctCount = {
  /** `hash`: 32 evenly distributed bits of the value. */
  add(hash: number): void;
  /** How many were added since the rotation before the last. */
  count(): number;
  /** Forgets what was added before the last rotation. */
  rotate(): void;
};

const REGISTER_BITS = 10;
const REGISTERS = 1 << REGISTER_BITS;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);
/** Below so many, how many registers are empty tells more than their values. */
const FEW = 2.5 * REGISTERS;

/**
 * HyperLogLog: each value raises one register to the length of a run of zeros in its hash, so a value that
 * comes again changes nothing. Source: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog", 2007.
 */
export function createDistinctCount(): DistinctCount {
  /** Since the last rotation, and since the one before. */
  let young = new Uint8Array(REGISTERS);
  let all = new Uint8Array(REGISTERS);
  let estimate = 0;
  let inverseSum = REGISTERS;
  let empty = REGISTERS;

  function estimateOf(): number {
    const many = (ALPHA * REGISTERS * REGISTERS) / inverseSum;
    return many <= FEW && empty > 0 ? REGISTERS * Math.log(REGISTERS / empty) : many;
  }

  return {
    add(hash) {
      const register = hash >>> (32 - REGISTER_BITS);
      // The bit behind the hash bounds the run.
      const run = Math.clz32((hash << REGISTER_BITS) | (1 << (REGISTER_BITS - 1))) + 1;
      if (run > (young[register] ?? 0)) young[register] = run;
      const before = all[register] ?? 0;
      if (run <= before) return;
      all[register] = run;
      if (before === 0) empty -= 1;
      inverseSum += 2 ** -run - 2 ** -before;
      estimate = estimateOf();
    },
    count: () => estimate,
    rotate() {
      all = young;
      young = new Uint8Array(REGISTERS);
      empty = all.filter((run) => run === 0).length;
      inverseSum = all.reduce((sum, run) => sum + 2 ** -run, 0);
      estimate = estimateOf();
    },
  };
}
