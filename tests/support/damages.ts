import { addEntry, answer, at, type Damage, refused, rewrite } from "./damage.ts";
import { damagesOfLife } from "./damages-of-life.ts";
import { damagesOfLog } from "./damages-of-log.ts";
import { damagesOfOwners } from "./damages-of-owners.ts";
import { STARTS_AT_MS } from "./written-books.ts";

/** Every kind of damage that the audit must find, each with the one invariant that it violates. */
export const damages: readonly Damage[] = [
  ...damagesOfOwners,
  ...damagesOfLife,
  ...damagesOfLog,
  { fails: "U5", what: "a code is stranded", to: "half", plant: (b) => b.open.pop() },
  {
    fails: "U5",
    what: "a foreign code is in the pool",
    to: "half",
    plant: (b) => b.open.push("하하하하하하0001"),
  },
  { fails: "U5", what: "the ledger is not empty", to: "half", plant: (b) => b.ledgerIds.push("1-5") },
  { fails: "U5", what: "a holder is missing in the claims hash", to: "half", plant: (b) => b.claims.pop() },
  {
    fails: "U5",
    what: "a key is bound to a code and has no issuance",
    to: "half",
    plant: (b) =>
      b.claims.push({ ...at(b.claims, 0), claimKey: "user-x", code: String(b.open.pop()), seq: 99 }),
  },
  {
    fails: "U5",
    what: "the claims hash has another instant",
    to: "half",
    plant: (b) => {
      at(b.claims, 1).issuedAtMs += 1;
    },
  },
  {
    fails: "U5",
    what: "the claims hash has an entry that cannot be read",
    to: "half",
    plant: (b) => Object.assign(at(b.claims, 1), { code: "", seq: Number.NaN }),
  },
  {
    fails: "U5",
    what: "Redis has lost everything",
    to: "half",
    plant: (b) => {
      b.meta = undefined;
      b.open = [];
      b.claims = [];
    },
  },
  {
    fails: "U5",
    what: "the pool was loaded for another total",
    to: "half",
    plant: (b) => {
      if (b.meta !== undefined) b.meta.total += 1;
    },
  },
  {
    fails: "U5",
    what: "the pool is of a generation that the record does not know",
    to: "half",
    plant: (b) => {
      if (b.meta !== undefined) b.meta.generation += 1;
    },
  },
  {
    fails: "U5",
    what: "an issuance whose instant is no date",
    to: "half",
    plant: (b) => {
      Object.assign(at(b.issuances, 2), {
        issuedAtMs: Number.NaN,
        misfit: "issuedAt is a string, not a date",
      });
      b.history = b.history.filter(({ claimKey }) => claimKey !== "user-2");
    },
  },
  {
    fails: "U5",
    what: "the campaign is sold out on record, and codes are in the pool",
    to: "half",
    plant: (b) => {
      b.campaign.state = "SOLD_OUT";
      Object.assign(b.meta ?? {}, { state: "open" });
    },
  },
  ...(["staged", "away"] as const).map(
    (list): Damage => ({
      fails: "U5",
      what: `the pool is open and a code is in the ${list} list`,
      to: "half",
      plant: (b) => b[list].push(String(b.open.pop())),
    }),
  ),
  {
    fails: "U5",
    what: "the pool is open and was never armed",
    to: "sold-out",
    plant: (b) => Object.assign(b.meta ?? {}, { armedAtMs: 0 }),
  },
  {
    fails: "U10",
    what: "the pool counts from below the places that it has given",
    to: "half",
    plant: (b) => {
      b.seq = 1;
    },
  },
  {
    fails: "U10",
    what: "the pool counts from below places that it has given before it was paused and resumed",
    to: "half",
    plant: (b) => {
      b.seq = 1;
      b.campaign.generation = 3;
      Object.assign(b.meta ?? {}, { generation: 3, base: 1 });
    },
  },
  {
    fails: "U6",
    what: "enough asked, and coupons are left",
    to: "half",
    plant: (b) => {
      for (let i = 0; i < b.campaign.total; i += 1)
        addEntry(b, { claimKey: `waiting-${i}`, outcome: { kind: "unknown", message: "timed out" } });
    },
  },
  {
    fails: "U7",
    what: "told sold out while coupons are left",
    to: "half",
    plant: (b) => addEntry(b, { claimKey: "unlucky", outcome: refused("SOLD_OUT") }),
  },
  {
    fails: "U7",
    what: "told sold out before the last coupon went",
    to: "sold-out",
    plant: (b) =>
      addEntry(b, {
        claimKey: "unlucky",
        invokedAtMs: STARTS_AT_MS + 1,
        answeredAtMs: STARTS_AT_MS + 2,
        outcome: refused("SOLD_OUT"),
      }),
  },
  {
    fails: "U7",
    what: "a winner was told sold out",
    to: "sold-out",
    plant: (b) => addEntry(b, { claimKey: "user-3", outcome: refused("SOLD_OUT") }),
  },
  {
    fails: "U7",
    what: "a winner was told that it is over",
    to: "half",
    plant: (b) => addEntry(b, { claimKey: "user-3", outcome: refused("ENDED") }),
  },
  {
    fails: "U7",
    what: "a winner whose only answer was lost was told sold out",
    to: "sold-out",
    plant: (b) => {
      b.history = b.history.filter((entry) => entry.claimKey !== "user-3");
      addEntry(b, { claimKey: "user-3", outcome: refused("SOLD_OUT") });
    },
  },
  {
    fails: "U8",
    what: "issued before the start",
    to: "half",
    plant: (b) => rewrite(b, "user-0", { issuedAtMs: STARTS_AT_MS - 1 }),
  },
  {
    fails: "U8",
    what: "answered before the start",
    to: "half",
    plant: (b) => Object.assign(answer(b, "user-0", 0).entry, { answeredAtMs: STARTS_AT_MS - 1 }),
  },
  {
    fails: "U8",
    what: "recorded as opened before the start",
    to: "half",
    plant: (b) => {
      b.campaign.openedAtMs = STARTS_AT_MS - 1;
    },
  },
  {
    fails: "U8",
    what: "armed before the start",
    to: "half",
    plant: (b) => {
      if (b.meta !== undefined) b.meta.armedAtMs = STARTS_AT_MS - 1;
    },
  },
  {
    fails: "U8",
    what: "refused as too early long after the start",
    to: "half",
    plant: (b) => addEntry(b, { claimKey: "punctual", outcome: refused("NOT_STARTED") }),
  },
  {
    fails: "U10",
    what: "two callers one after the other have their places swapped",
    to: "half",
    plant: (b) => {
      rewrite(b, "user-1", { seq: 3 });
      rewrite(b, "user-2", { seq: 2 });
    },
  },
  {
    fails: "U10",
    what: "the last caller's coupon is of an older generation",
    to: "half",
    plant: (b) => {
      for (const key of ["user-0", "user-1", "user-2", "user-3"]) rewrite(b, key, { generation: 2 });
    },
  },
  {
    fails: "U10",
    what: "two issuances share a place",
    to: "half",
    plant: (b) => rewrite(b, "user-1", { seq: 1 }),
  },
];
