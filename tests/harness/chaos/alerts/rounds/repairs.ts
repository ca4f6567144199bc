import { issueByHand } from "../../rounds/forced.ts";
import { USER_PREFIX } from "../../sale.ts";
import type { AlertRound } from "../alert-round.ts";

/** The window of the alert's `increase`, and a little: by its expression it fires for so long. */
const LINGERS_MS = 310_000;
/** Of the code in the pool that somebody else has; callers enough to pop it. */
const PLACE = 20;
const CALLERS = 60;

export const repairRounds: readonly AlertRound[] = [
  {
    // As after a Redis that came back with older data: the pool has a code that somebody else has.
    name: "code-taken",
    alerts: ["CouponRepaired"],
    lingersMs: LINGERS_MS,
    async strike({ sale, callers }) {
      // One alone: its alarm is the first of its kind in that process.
      await issueByHand(sale, [`${USER_PREFIX}by-hand`], [PLACE]);
      await callers.ask(CALLERS);
      return { fires: [{ alert: "CouponRepaired", labels: { kind: "code-taken" } }], end: () => undefined };
    },
  },
];
