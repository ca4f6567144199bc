import { hash } from "node:crypto";

/**
 * A number for each text of a table, in a typed array, so that the garbage collector need not visit them.
 */
export type Column = { get(slot: number): number; set(slot: number, value: number): void };

/**
 * Texts, each identified by 128 bits of its SHA-256, numbered in the order in which they came. The texts
 * themselves are not kept: a million of them take 24 MB, and a report can show no more of them than their
 * fingerprint.
 */
export type Table = {
  readonly size: number;
  /** The slot of a text, a new one if it is new here. */
  slotOf(text: string): number;
  /** -1: not here. */
  find(text: string): number;
  /** The first digits, at most 8, of the text's SHA-256 in hexadecimal. */
  fingerprint(slot: number, digits: number): string;
  /** Columns grow with the table; `empty` is what a slot holds before anything was set. */
  int32(empty: number): Column;
  float64(empty: number): Column;
  uint8(): Column;
};

const WORDS = 4;
const LEAST_SLOTS = 16;
/** When its share of used places exceeds this, the open-addressed index grows. */
const LOAD_MOST = 0.6;

/** `expected`: how many texts will come; more are possible. */
export function createTable(expected: number): Table {
  let prints = new Int32Array(WORDS * Math.max(LEAST_SLOTS, expected));
  let index = new Int32Array(capacityFor(expected));
  let size = 0;
  const wanted = new Int32Array(WORDS);

  function read(text: string): void {
    const digest = hash("sha256", text, "binary");
    for (let word = 0, at = 0; word < WORDS; word += 1, at += 4) {
      wanted[word] =
        (digest.charCodeAt(at) << 24) |
        (digest.charCodeAt(at + 1) << 16) |
        (digest.charCodeAt(at + 2) << 8) |
        digest.charCodeAt(at + 3);
    }
  }

  function isAt(slot: number): boolean {
    const at = slot * WORDS;
    return (
      prints[at] === wanted[0] &&
      prints[at + 1] === wanted[1] &&
      prints[at + 2] === wanted[2] &&
      prints[at + 3] === wanted[3]
    );
  }

  /** The place of `wanted` in the index: it holds its slot + 1, or 0 where it is to go. */
  function placeOf(): number {
    const mask = index.length - 1;
    let place = (wanted[3] ?? 0) & mask;
    for (;;) {
      const entry = index[place] ?? 0;
      if (entry === 0 || isAt(entry - 1)) return place;
      place = (place + 1) & mask;
    }
  }

  function growIndex(): void {
    index = new Int32Array(index.length * 2);
    const mask = index.length - 1;
    for (let slot = 0; slot < size; slot += 1) {
      let place = (prints[slot * WORDS + 3] ?? 0) & mask;
      while (index[place] !== 0) place = (place + 1) & mask;
      index[place] = slot + 1;
    }
  }

  return {
    get size() {
      return size;
    },
    slotOf(text) {
      read(text);
      const place = placeOf();
      const entry = index[place] ?? 0;
      if (entry !== 0) return entry - 1;
      const slot = size;
      if (slot * WORDS === prints.length) prints = grown(prints, new Int32Array(prints.length * 2));
      prints.set(wanted, slot * WORDS);
      index[place] = slot + 1;
      size += 1;
      if (size > index.length * LOAD_MOST) growIndex();
      return slot;
    },
    find(text) {
      read(text);
      return (index[placeOf()] ?? 0) - 1;
    },
    fingerprint: (slot, digits) =>
      ((prints[slot * WORDS] ?? 0) >>> 0).toString(16).padStart(8, "0").slice(0, digits),
    int32: (empty) => createColumn((length) => new Int32Array(length).fill(empty), expected, empty),
    float64: (empty) => createColumn((length) => new Float64Array(length).fill(empty), expected, empty),
    uint8: () => createColumn((length) => new Uint8Array(length), expected, 0),
  };
}

type Numbers = Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

function createColumn(make: (length: number) => Numbers, expected: number, empty: number): Column {
  let data = make(Math.max(LEAST_SLOTS, expected));
  return {
    get: (slot) => data[slot] ?? empty,
    set(slot, value) {
      while (slot >= data.length) data = grown(data, make(data.length * 2));
      data[slot] = value;
    },
  };
}

function grown<T extends Numbers>(from: T, to: T): T {
  to.set(from);
  return to;
}

function capacityFor(expected: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(LEAST_SLOTS, expected / LOAD_MOST)));
}
