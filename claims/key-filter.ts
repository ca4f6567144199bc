import { randomInt } from "node:crypto";

/**
 * A set of claim keys in 16 bits a key. `mayHave` is true for every key that was added, and for 6 in 10,000
 * other keys.
 */
export type KeyFilter = {
  add(key: string): void;
  mayHave(key: string): boolean;
  /** For how many keys that rate holds. */
  readonly capacity: number;
};

const BITS_A_KEY = 16;
/** (1 - e^(-8/16))^8 = 0.00057; eleven hashes would make it 0.00046. Source: B. Bloom, CACM 13 (7), 1970. */
const HASHES = 8;
const SEED_MAX = 2 ** 32;

/**
 * A Bloom filter. Its seed is random, so that no caller can choose keys that the filter takes for added ones:
 * each would cost a question to Redis, but get no wrong answer.
 */
export function createKeyFilter(capacity: number, seed = randomInt(SEED_MAX)): KeyFilter {
  const bits = Math.max(1, capacity) * BITS_A_KEY;
  const words = new Uint32Array(Math.ceil(bits / 32));
  const hash = new Uint32Array(2);

  /**
   * Two hashes of a key, from which all others are made. Source: Kirsch and Mitzenmacher, "Less hashing, same
   * performance", 2006.
   */
  function hashOf(key: string): void {
    let one = 0xdeadbeef ^ seed;
    let other = 0x41c6ce57 ^ seed;
    for (let i = 0; i < key.length; i++) {
      const unit = key.charCodeAt(i);
      one = Math.imul(one ^ unit, 0x9e3779b1);
      other = Math.imul(other ^ unit, 0x5f356495);
    }
    one = Math.imul(one ^ (one >>> 16), 0x85ebca6b) ^ Math.imul(other ^ (other >>> 13), 0xc2b2ae35);
    other = Math.imul(other ^ (other >>> 16), 0x85ebca6b) ^ Math.imul(one ^ (one >>> 13), 0xc2b2ae35);
    hash[0] = one;
    // Odd, so that the steps do not repeat after a short cycle.
    hash[1] = other | 1;
  }

  const bitAt = (i: number): number => ((hash[0] ?? 0) + i * (hash[1] ?? 0)) % bits;

  return {
    capacity,
    add(key) {
      hashOf(key);
      for (let i = 0; i < HASHES; i++) {
        const bit = bitAt(i);
        words[bit >>> 5] = (words[bit >>> 5] ?? 0) | (1 << (bit & 31));
      }
    },
    mayHave(key) {
      hashOf(key);
      for (let i = 0; i < HASHES; i++) {
        const bit = bitAt(i);
        if (((words[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
      }
      return true;
    },
  };
}
