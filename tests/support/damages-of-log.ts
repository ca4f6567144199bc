import { at, type Damage } from "./damage.ts";
import type { Books } from "./written-books.ts";
import { type WrittenLog, writeLog } from "./written-log.ts";

type Entry = WrittenLog["entries"][number];
type Coupons = Extract<Entry, { kind: "issued" | "late" }>;

/** Damage to the event log, each with the words of its finding. Entries: 0-2, coupons, coupons, 3. */
export const damagesOfLog: readonly (Damage & { readonly says: RegExp })[] = [
  of(
    "an issuance slipped under the head of the log",
    "half",
    /^coupon 1 is issued as 1-2 and is not in/,
    (log) => {
      couponsOf(log, 0).runs = [
        { generation: 1, first: 1, last: 1 },
        { generation: 1, first: 3, last: 3 },
      ];
      recount(log);
    },
  ),
  of(
    "coupons are in the log twice",
    "half",
    /^the issuances 1-2 to 1-3 are .* twice, in entries 2 and 5:/,
    (log) => {
      add(log, { kind: "late", runs: [{ generation: 1, first: 2, last: 3 }] });
    },
  ),
  of(
    "the log goes back",
    "half",
    /^entry 3 .* goes back from 1-5 to 1-1 and does not say that it is late/,
    (log) => {
      const [one, other] = [couponsOf(log, 0), couponsOf(log, 1)];
      [one.runs, other.runs] = [other.runs, one.runs];
      recount(log);
    },
  ),
  of(
    "the log names issuances that there are not",
    "half",
    /^the issuances 1-6 to 1-7 are in entry 5 .* no such/,
    (log) => {
      add(log, { kind: "late", runs: [{ generation: 1, first: 6, last: 7 }] });
    },
  ),
  of("an entry of the log is gone", "half", /^the event log lacks entry 3: readers wait there/, (log) => {
    log.entries.splice(2, 1);
    couponsOf(log, 0).runs = [{ generation: 1, first: 1, last: 5 }];
  }),
  of(
    "the counts of the log are wrong",
    "half",
    /^entry 3 .* says .*1-5 and 6 coupons, and .*1-5 and 5 coupons:/,
    (log) => {
      for (const entry of log.entries.slice(2)) entry.head = { ...entry.head, issued: entry.head.issued + 1 };
    },
  ),
  of(
    "an entry of the log cannot be read",
    "half",
    /^entry 4 .* cannot be read \(from is a string, not a/,
    (log) => {
      const misfit = "from is a string, not a whole number";
      Object.assign(at(log.entries, 3), { from: "3", misfit });
    },
  ),
  of(
    "the log is recorded as complete and is not",
    "half",
    /^the event log is recorded as complete with revision 4/,
    (log) => {
      log.complete = { revision: 4, issued: 5 };
    },
  ),
  of(
    "a change is in the log twice",
    "half",
    /^the change to revision 2 is in the event log once more, in entry 5/,
    (log) => {
      add(log, { kind: "changes", from: 2, to: 2 });
      at(log.entries, -1).head = { ...at(log.entries, -1).head, revision: 2 };
      delete log.complete;
    },
  ),
  of(
    "a change is not in the log",
    "half",
    /^the change to revision 1 is on record and not in the event log/,
    (log) => {
      const [first, ...rest] = log.entries;
      if (first?.kind !== "changes") throw new Error("no changes");
      log.entries = [
        { ...first, to: 0, head: { ...first.head, revision: 0 } },
        { ...first, from: 2 },
        ...rest,
      ].map((entry, i) => ({ ...entry, n: i + 1 }));
      at(log.parts, 1).to = 5;
    },
  ),
  of(
    "the log names a change that nobody made",
    "half",
    /^entry 5 .* names the change to revision 4, which the/,
    (log) => {
      add(log, { kind: "changes", from: 4, to: 4 });
    },
  ),
  of(
    "the log has another total than the history",
    "half",
    /^entry 1 .* has 9 coupons, and the history 10:/,
    (log) => {
      for (const entry of log.entries) entry.head = { ...entry.head, total: 9 };
    },
  ),
  of(
    "the opening comes after coupons",
    "half",
    /^the change to revision 2 \(open\) is in entry 2 .* after 5 coupons:/,
    (log) => {
      couponsOf(log, 0).runs = [{ generation: 1, first: 1, last: 5 }];
      const [, coupons] = log.entries;
      if (coupons === undefined) throw new Error("no coupons");
      log.entries = [coupons, at(log.entries, 0), at(log.entries, 3)];
      renumber(log);
    },
  ),
  of(
    "sold out comes before the last coupon",
    "sold-out",
    /^the change to revision 3 \(sell-out\) .* after 5 of 10 coupons:/,
    (log) => {
      log.entries = [at(log.entries, 0), at(log.entries, 1), at(log.entries, 3), at(log.entries, 2)];
      renumber(log);
    },
  ),
  of(
    "the end comes before the last coupons",
    "half",
    /^the change to revision 3 \(end\) .* before 2 coupons that are not/,
    (log) => {
      log.entries = [at(log.entries, 0), at(log.entries, 1), at(log.entries, 3), at(log.entries, 2)];
      renumber(log);
    },
  ),
  of(
    "the order of all logs lacks entries",
    "half",
    /^entry 1 .* is not in the order of all events, which has entry 3/,
    (log) => {
      log.parts.shift();
    },
  ),
  of(
    "the order of all logs has an entry twice",
    "half",
    /^number \d+ of the order .* has entry 2 of the event log once/,
    (log) => {
      at(log.parts, 1).from = 2;
    },
  ),
  of(
    "the order of all logs goes back",
    "half",
    /^number \d+ of the order .* has later entries than number/,
    (log) => {
      [at(log.parts, 0).number, at(log.parts, 1).number] = [2, 1];
    },
  ),
  of(
    "the order of all logs names entries that there are not",
    "half",
    /^the order .* names entry 9 .* ends with 4:/,
    (log) => {
      at(log.parts, 1).to = 9;
    },
  ),
  of(
    "the order of all logs has a gap",
    "half",
    /^the order of all events lacks 1 number among those of this/,
    (log) => {
      at(log.parts, 1).number = 3;
    },
  ),
];

function of(what: string, to: "half" | "sold-out", says: RegExp, change: (log: WrittenLog) => void) {
  return {
    ...({ fails: "U14", what: `events: ${what}`, to, says } as const),
    plant: (books: Books) => change(writeLog(books)),
  };
}

function couponsOf(log: WrittenLog, nth: number): Coupons {
  const found = log.entries.filter((entry): entry is Coupons => entry.kind !== "changes");
  return at(found, nth);
}

function add(
  log: WrittenLog,
  body: { kind: "late"; runs: Coupons["runs"] } | { kind: "changes"; from: number; to: number },
) {
  log.entries.push({ n: 0, head: at(log.entries, -1).head, ...body });
  renumber(log);
}

/** Numbers and heads as the entries have them now. */
function renumber(log: WrittenLog): void {
  log.entries.forEach((entry, i) => {
    entry.n = i + 1;
  });
  at(log.parts, 1).to = log.entries.length;
  recount(log);
}

function recount(log: WrittenLog): void {
  let head = { ...at(log.entries, 0).head, revision: -1, generation: 0, seq: 0, issued: 0 };
  for (const entry of log.entries) {
    if (entry.kind === "changes") head = { ...head, revision: entry.to };
    else {
      for (const { generation, first, last } of entry.runs) {
        head = { ...head, issued: head.issued + last - first + 1 };
        const isBack = generation < head.generation || (generation === head.generation && first <= head.seq);
        if (entry.kind === "issued" && !isBack) head = { ...head, generation, seq: last };
      }
    }
    entry.head = head;
  }
  if (log.complete !== undefined) log.complete = { revision: head.revision, issued: head.issued };
}
