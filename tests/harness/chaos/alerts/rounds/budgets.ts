import type { AlertRound, Stage } from "../alert-round.ts";

/** Two trips through the proxies: an insert takes twice as long, more than the 250 ms of the objective. */
const DELAY_MS = 200;
const SERVED_WITHIN_MS = 30_000;
const TOTAL = 12_000;

/** Servers get no answer to claims of these callers; others are answered before and afterwards. */
async function failFor({ servers, callers, sale }: Stage, count: number): Promise<() => Promise<void>> {
  const traps = servers.map(({ redis }) =>
    redis.trap({ at: "reply", kind: "claim", deed: "cut", times: Number.POSITIVE_INFINITY }),
  );
  sale.prove("failed", count - (await callers.ask(count)), count);
  return async () => {
    for (const trap of traps) trap.release();
    await callers.untilServed(SERVED_WITHIN_MS);
  };
}

/** Each claim of these callers waits for a slow MongoDB. */
async function slowDownFor({ servers, callers, sale }: Stage, count: number): Promise<() => void> {
  const delay = (ms: number) => {
    for (const { mongodb } of servers) mongodb.delay(ms);
  };
  delay(DELAY_MS);
  sale.prove("issued_slowly", await callers.ask(count), count);
  return () => delay(0);
}

/**
 * Of the claims since the round began a share fails, or is slow: more than both objectives of an alert
 * allow, and in the rounds of the slower alert less than the faster one needs.
 */
export const budgetRounds: readonly AlertRound[] = [
  {
    name: "claims-fail",
    alerts: ["CouponClaimsFail", "CouponClaimsFailSlowly"],
    also: ["CouponStoreDown"],
    sale: { total: TOTAL },
    callersAfter: true,
    before: ({ callers }) => callers.ask(300),
    strike: async (stage) => ({
      end: await failFor(stage, 20),
      fires: [{ alert: "CouponClaimsFail" }, { alert: "CouponClaimsFailSlowly" }],
    }),
  },
  {
    // Fewer than one in a hundred.
    name: "some-claims-fail",
    alerts: ["CouponClaimsFailSlowly"],
    also: ["CouponStoreDown"],
    sale: { total: TOTAL },
    callersAfter: true,
    before: ({ callers }) => callers.ask(2_400),
    strike: async (stage) => ({
      end: await failFor(stage, 20),
      fires: [{ alert: "CouponClaimsFailSlowly" }],
    }),
  },
  {
    name: "claims-slow",
    alerts: ["CouponClaimsSlow", "CouponClaimsSlowLastingly"],
    sale: { total: TOTAL },
    callersAfter: true,
    before: ({ callers }) => callers.ask(240),
    strike: async (stage) => ({
      end: await slowDownFor(stage, 90),
      fires: [{ alert: "CouponClaimsSlow" }, { alert: "CouponClaimsSlowLastingly" }],
    }),
  },
  {
    // One in ten.
    name: "some-claims-slow",
    alerts: ["CouponClaimsSlowLastingly"],
    sale: { total: TOTAL },
    callersAfter: true,
    before: ({ callers }) => callers.ask(800),
    strike: async (stage) => ({
      end: await slowDownFor(stage, 90),
      fires: [{ alert: "CouponClaimsSlowLastingly" }],
    }),
  },
];
