/** An entry of a campaign's event log: it names what is on record. */
export type LoggedEntry = {
  readonly n: number;
  readonly head: LoggedHead;
  /** Which field of its document has a wrong type, and what it is instead; undefined: all are right. */
  readonly misfit?: string;
} & (
  | { readonly kind: "changes"; readonly from: number; readonly to: number }
  | { readonly kind: "issued" | "late"; readonly runs: readonly LoggedRun[] }
);

/** Places of the issue order that follow each other, both ends included. */
export type LoggedRun = { readonly generation: number; readonly first: number; readonly last: number };

/** How far the log says that it has come with an entry. */
export type LoggedHead = {
  readonly revision: number;
  readonly generation: number;
  readonly seq: number;
  readonly issued: number;
  readonly total: number;
};

/** What is on record about a campaign's log, read before it. */
export type LogFacts = {
  /** How many numbers of the order of all logs are missing between the first and the last of its parts. */
  readonly missing: number;
  /** The log was recorded as complete; undefined: it was not. */
  readonly complete?: { readonly revision: number; readonly issued: number } | undefined;
};

/** Entries `from` to `to` of a campaign's log, and the number under which they are in the order of all. */
export type LogPart = { readonly number: number; readonly from: number; readonly to: number };

/** The places of runs in the order in which they were added, four numbers each. */
export type LoggedPlaces = {
  readonly size: number;
  add(run: LoggedRun, entry: number): void;
  /** Ascending by generation and first place; they may overlap. */
  sorted(): Generator<LoggedRun & { readonly entry: number }>;
};

const NUMBERS = 4;

export function createLoggedPlaces(): LoggedPlaces {
  let data = new Float64Array(NUMBERS * 64);
  let size = 0;
  let isSorted = true;
  const at = (run: number, field: number) => data[run * NUMBERS + field] ?? 0;
  const compare = (a: number, b: number) => at(a, 0) - at(b, 0) || at(a, 1) - at(b, 1);
  const runAt = (run: number) => ({
    ...{ generation: at(run, 0), first: at(run, 1), last: at(run, 2), entry: at(run, 3) },
  });
  return {
    get size() {
      return size;
    },
    add({ generation, first, last }, entry) {
      if ((size + 1) * NUMBERS > data.length) {
        const more = new Float64Array(data.length * 2);
        more.set(data);
        data = more;
      }
      data.set([generation, first, last, entry], size * NUMBERS);
      if (size > 0 && compare(size - 1, size) > 0) isSorted = false;
      size += 1;
    },
    *sorted() {
      if (isSorted) {
        for (let run = 0; run < size; run += 1) yield runAt(run);
        return;
      }
      const order = Uint32Array.from({ length: size }, (_, run) => run).sort(compare);
      for (const run of order) yield runAt(run);
    },
  };
}
