import type { HistoryEntry, Outcome } from "../../audit/history.ts";
import type { CampaignRecord, Issuance, PoolMeta, Snapshot } from "../../audit/snapshot.ts";
import { eventsOf, type WrittenLog } from "./written-log.ts";

type Writable<T> = { -readonly [name in keyof T]: T[name] };

/** A snapshot and a history that a test may damage before the checks get them. */
export type Books = {
  campaign: Writable<CampaignRecord>;
  codes: string[];
  issuances: Writable<Issuance>[];
  meta: Writable<PoolMeta> | undefined;
  staged: string[];
  open: string[];
  away: string[];
  claims: Writable<Issuance>[];
  ledgerIds: string[];
  /** The highest number that the pool has given, by its own count; undefined: that of the issuances. */
  seq?: number;
  history: Writable<HistoryEntry>[];
  /** Undefined: nobody has read its events. */
  log?: WrittenLog;
};

export const STARTS_AT_MS = 1_800_000_000_000;

export function codeOf(ordinal: number): string {
  return `가나다라마바${String(ordinal).padStart(4, "0")}`;
}

export function emptyBooks(total: number): Books {
  return {
    campaign: {
      id: "01TESTCAMPAIGN000000000000",
      total,
      startsAtMs: STARTS_AT_MS,
      endsAtMs: undefined,
      openedAtMs: STARTS_AT_MS,
      onePerUser: true,
      state: "OPEN",
      generation: 1,
    },
    codes: Array.from({ length: total }, (_, ordinal) => codeOf(ordinal)),
    issuances: [],
    meta: {
      state: "open",
      startsAtMs: STARTS_AT_MS,
      endsAtMs: 0,
      generation: 1,
      total,
      armedAtMs: STARTS_AT_MS,
    },
    staged: [],
    open: [],
    away: [],
    claims: [],
    ledgerIds: [],
    history: [],
  };
}

/**
 * Books of N coupons, `issued` of which were issued, to one caller after another; each caller asks again, and
 * one asked too early.
 */
export function healthyBooks({ total, issued }: { total: number; issued: number }): Books {
  const books = emptyBooks(total);
  const { codes, history, issuances, claims } = books;
  let order = 0;
  const ask = (claimKey: string, atMs: number, outcome: Outcome) =>
    history.push({
      claimKey,
      invokedAtMs: atMs,
      answeredAtMs: atMs + 1,
      invokedOrder: ++order,
      answeredOrder: ++order,
      outcome,
    });
  ask("user-0", STARTS_AT_MS - 500, { kind: "refused", reason: "NOT_STARTED" });
  for (let i = 0; i < issued; i += 1) {
    const coupon = { code: codes[i] ?? "", seq: i + 1, issuedAtMs: STARTS_AT_MS + i };
    const row = { ...coupon, claimKey: `user-${i}`, generation: 1 };
    issuances.push({ ...row });
    claims.push({ ...row });
    ask(row.claimKey, coupon.issuedAtMs, { kind: "issued", ...coupon, replayed: false });
  }
  for (let i = 0; i < issued; i += 1) {
    const { code, seq, issuedAtMs } = issuances[i] as Issuance;
    const again = { kind: "issued", code, seq, issuedAtMs, replayed: true } as const;
    ask(`user-${i}`, STARTS_AT_MS + issued + i, again);
  }
  books.open = codes.slice(issued);
  if (issued === total) {
    books.campaign.state = "SOLD_OUT";
    for (let i = 0; i < 3; i += 1)
      ask(`late-${i}`, STARTS_AT_MS + 2 * total + i, { kind: "refused", reason: "SOLD_OUT" });
  }
  return books;
}

/**
 * Books of a sale whose start was moved into the past and that grew: N coupons are issued, and three callers
 * get SOLD_OUT. Half as many coupons are added and issued, partly to these callers, and a last caller gets
 * SOLD_OUT.
 */
export function grownBooks(total: number): Books {
  const from = Math.floor((total * 2) / 3);
  const books = healthyBooks({ total: from, issued: from });
  const grown = emptyBooks(total);
  const { history, issuances, claims } = books;
  let order = history.length * 2;
  const ask = (claimKey: string, atMs: number, outcome: Outcome) =>
    history.push({
      ...{ claimKey, outcome, invokedAtMs: atMs, answeredAtMs: atMs + 1 },
      ...{ invokedOrder: ++order, answeredOrder: ++order },
    });
  // Before the start was moved, "not started" was the right answer.
  ask("eager", STARTS_AT_MS + 900, { kind: "refused", reason: "NOT_STARTED" });
  for (const entry of history) {
    if (entry.outcome.kind !== "refused" || entry.outcome.reason !== "NOT_STARTED") shift(entry, OPENED_MS);
  }
  for (const row of [...issuances, ...claims]) row.issuedAtMs += OPENED_MS;
  for (let i = from; i < total; i += 1) {
    const coupon = { code: codeOf(i), seq: i + 1, issuedAtMs: ADDED_AT_MS + 1_500 + 10 * i };
    const row = { ...coupon, claimKey: `late-${i - from}`, generation: 1 };
    issuances.push({ ...row });
    claims.push({ ...row });
    ask(row.claimKey, coupon.issuedAtMs, { kind: "issued", ...coupon, replayed: false });
  }
  ask("last", ADDED_AT_MS + 2_000, { kind: "refused", reason: "SOLD_OUT" });
  Object.assign(books.campaign, {
    ...{ total, openedAtMs: STARTS_AT_MS + OPENED_MS, startMovedAtMs: STARTS_AT_MS + OPENED_MS - 1 },
    growth: [{ from, atMs: ADDED_AT_MS }],
  });
  return { ...books, codes: grown.codes, open: [], meta: { ...(books.meta as PoolMeta), total } };
}

/** How long after its start the sale of `grownBooks` opens: its start was moved into the past. */
const OPENED_MS = 1_000;
export const ADDED_AT_MS = STARTS_AT_MS + 5_000;

function shift(entry: Books["history"][number], ms: number): void {
  entry.invokedAtMs += ms;
  entry.answeredAtMs += ms;
  if (entry.outcome.kind === "issued")
    entry.outcome = { ...entry.outcome, issuedAtMs: entry.outcome.issuedAtMs + ms };
}

export function seqOf({ seq, issuances }: Books): number {
  return seq ?? Math.max(0, ...issuances.map((issuance) => issuance.seq));
}

export function snapshotOf(books: Books): Snapshot {
  const { campaign, codes, issuances, meta, staged, open, away, claims, ledgerIds, log } = books;
  const lengths = {
    staged: staged.length,
    open: open.length,
    away: away.length,
    claims: claims.length,
    ledger: ledgerIds.length,
  };
  return {
    campaign,
    codes,
    issuances,
    redis: { meta, staged, open, away, claims, ledgerIds, lengths, seq: seqOf(books) },
    ...(log === undefined ? {} : { events: eventsOf(campaign, log) }),
  };
}
