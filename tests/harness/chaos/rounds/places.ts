import { setTimeout as sleep } from "node:timers/promises";
import type { Round } from "../round.ts";
import { whileDown } from "./down.ts";
import { part, proveRebuilt, proveUnknownOrHeldBack } from "./proofs.ts";

/** Each user asks with one request id more than the campaign gives it coupons. */
const SEVERAL = { maxPerUser: 3, requestsPerUser: 4, total: 440, users: 620 } as const;

/** Campaigns that give each user several coupons up to a number. */
export const placeRounds: readonly Round[] = [
  {
    // A server is killed between claims and commits, and Redis after it: what a user has is neither forgotten
    // nor given once more.
    name: "several-per-user",
    forms: ["single"],
    sale: SEVERAL,
    async act(sale) {
      await part(sale, 0.2);
      await sale.server(0).kill();
      await sale.server(0).start();
      await part(sale, 0.4);
      await whileDown(sale, "redis", () => sleep(200));
      sale.faultOver();
    },
    async after(sale) {
      sale.prove("max_per_user", sale.refused("MAX_PER_USER"), 20);
      proveUnknownOrHeldBack(sale);
      await proveRebuilt(sale);
    },
  },
];
