import { addEntry, answer, at, type Damage, refused } from "./damage.ts";
import { ADDED_AT_MS, STARTS_AT_MS } from "./written-books.ts";

/** Damage that is possible only in a campaign that was changed during its life. */
export const damagesOfLife: readonly Damage[] = [
  {
    fails: "U7",
    what: "told sold out after the first added coupon went, while others were left",
    to: "grown",
    plant(b) {
      const { coupon } = answer(b, "late-0", 0);
      const atMs = coupon.issuedAtMs + 2;
      const outcome = refused("SOLD_OUT");
      addEntry(b, { claimKey: "unlucky", invokedAtMs: atMs, answeredAtMs: atMs + 1, outcome });
    },
  },
  {
    fails: "U7",
    what: "told sold out before the last of the first coupons went",
    to: "grown",
    plant(b) {
      const atMs = at(b.issuances, 2).issuedAtMs;
      const outcome = refused("SOLD_OUT");
      addEntry(b, { claimKey: "unlucky", invokedAtMs: atMs, answeredAtMs: atMs + 1, outcome });
    },
  },
  {
    fails: "U7",
    what: "the winner of an added coupon was told sold out",
    to: "grown",
    plant: (b) =>
      addEntry(b, {
        ...{ claimKey: "late-0", outcome: refused("SOLD_OUT") },
        ...{ invokedAtMs: ADDED_AT_MS + 3_000, answeredAtMs: ADDED_AT_MS + 3_001 },
      }),
  },
  {
    fails: "U7",
    what: "a winner was told that it is paused",
    to: "half",
    plant: (b) => addEntry(b, { claimKey: "user-3", outcome: refused("PAUSED") }),
  },
  {
    fails: "U7",
    what: "a winner was told that it is called off",
    to: "half",
    plant: (b) => addEntry(b, { claimKey: "user-3", outcome: refused("CANCELLED") }),
  },
  {
    fails: "U6",
    what: "enough asked after coupons were added, were told that all are gone, and the added ones are left",
    to: "grown",
    plant(b) {
      const added = b.campaign.total - (b.campaign.growth?.[0]?.from ?? 0);
      b.open = b.issuances.splice(-added).map(({ code }) => code);
      b.claims.splice(-added);
      b.history = b.history.filter(
        (entry) =>
          (entry.outcome as { code?: string }).code === undefined ||
          !b.open.includes((entry.outcome as { code: string }).code),
      );
      b.campaign.state = "ENDED";
      Object.assign(b.meta ?? {}, { state: "ended" });
      const atMs = ADDED_AT_MS + 10_000;
      for (let i = 0; i < added; i += 1) {
        const claimKey = `patient-${i}`;
        const outcome = refused("SOLD_OUT");
        addEntry(b, { claimKey, invokedAtMs: atMs, answeredAtMs: atMs + 1, outcome });
      }
    },
  },
  {
    fails: "U8",
    what: "refused as too early long after the start had been moved into the past",
    to: "grown",
    plant: (b) =>
      addEntry(b, {
        ...{ claimKey: "punctual", outcome: refused("NOT_STARTED") },
        ...{ invokedAtMs: STARTS_AT_MS + 1_300, answeredAtMs: STARTS_AT_MS + 1_301 },
      }),
  },
  {
    fails: "U3",
    what: "codes of coupons that nobody added",
    to: "grown",
    plant: (b) => b.codes.push("가나다라마바8888"),
  },
  {
    fails: "U5",
    what: "the added codes never came into the pool",
    to: "half",
    plant(b) {
      b.campaign.growth = [{ from: b.campaign.total, atMs: ADDED_AT_MS }];
      b.campaign.total += 1;
      b.codes.push("가나다라마바8888");
    },
  },
  {
    fails: "U5",
    what: "the campaign is cancelled and the pool gives out coupons",
    to: "half",
    plant(b) {
      b.campaign.state = "CANCELLED";
      Object.assign(b.meta ?? {}, { state: "open" });
    },
  },
  {
    fails: "U5",
    what: "the campaign is paused and the pool gives out coupons",
    to: "half",
    plant(b) {
      b.campaign.state = "PAUSED";
      Object.assign(b.meta ?? {}, { state: "open" });
    },
  },
  {
    fails: "U5",
    what: "the campaign goes on and the pool is paused",
    to: "half",
    plant(b) {
      b.campaign.state = "OPEN";
      Object.assign(b.meta ?? {}, { state: "paused" });
      b.away = b.open.splice(0);
    },
  },
  {
    fails: "U5",
    what: "a change left the pool held",
    to: "half",
    plant: (b) => Object.assign(b.meta ?? {}, { held: 2 }),
  },
  {
    fails: "U5",
    what: "the pool is to open at another instant",
    to: "half",
    plant(b) {
      Object.assign(b.campaign, { state: "SCHEDULED", openedAtMs: undefined });
      Object.assign(b.meta ?? {}, { state: "staged", startsAtMs: STARTS_AT_MS - 60_000, armedAtMs: 0 });
      b.staged = b.open.splice(0);
    },
  },
  {
    fails: "U5",
    what: "the pool is to end at another instant",
    to: "half",
    plant: (b) => Object.assign(b.meta ?? {}, { endsAtMs: STARTS_AT_MS + 3_600_000 }),
  },
];
