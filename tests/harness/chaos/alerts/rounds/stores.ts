import { masterOf } from "../../rounds/cluster/nodes.ts";
import type { AlertRound, Stage } from "../alert-round.ts";

/** Claims that a store keeps waiting, or that are refused meanwhile. */
const OF_CLAIMS = [
  ...["CouponClaimsFail", "CouponClaimsFailSlowly", "CouponClaimsSlow", "CouponClaimsSlowLastingly"],
];
/** What fires where a fault of MongoDB lasts for long enough. */
const OF_LONG = ["CouponSchedulerSilent", "CouponLedgerGrows"];
const FIRST_CALLERS = 40;
const UNCONFIRMED_AFTER_MS = 200;

/** Callers keep coming while the fault lasts, and are gone when it ends: none of them ends the alert. */
function whileAsked({ callers }: Stage, end: () => Promise<unknown> | unknown): () => Promise<void> {
  const endWait = callers.keepAsking();
  return async () => {
    await endWait();
    await end();
  };
}

export const storeRounds: readonly AlertRound[] = [
  {
    name: "redis-killed",
    alerts: ["CouponStoreDown", "CouponClaimsHeldBack"],
    also: [...OF_CLAIMS, "CouponSchedulerSilent"],
    async strike(stage) {
      const { ground } = stage.sale;
      await ground.redis.kill();
      for (const server of ground.servers) server.redis.refuse(true);
      return {
        fires: [
          { alert: "CouponStoreDown", labels: { store: "redis" } },
          { alert: "CouponClaimsHeldBack", labels: { breaker: "pools" } },
        ],
        end: whileAsked(stage, async () => {
          await ground.redis.start();
          for (const server of ground.servers) server.redis.refuse(false);
        }),
      };
    },
  },
  {
    // Redis answers heartbeats: their key may be on another node than the campaign.
    name: "cluster-node-cut-off",
    alerts: ["CouponClaimsHeldBack"],
    also: [...OF_CLAIMS, "CouponStoreDown"],
    form: "cluster",
    async strike(stage) {
      const { store } = await masterOf(stage.sale);
      for (const { redis } of stage.servers) redis.blackHole(true, store);
      return {
        fires: [{ alert: "CouponClaimsHeldBack", labels: { breaker: "pools" } }],
        end: whileAsked(stage, () => {
          for (const { redis } of stage.servers) redis.blackHole(false, store);
        }),
      };
    },
  },
  {
    name: "mongodb-hangs",
    alerts: ["CouponStoreDown", "CouponCommitsStall"],
    also: [...OF_CLAIMS, ...OF_LONG, "CouponClaimsHeldBack"],
    before: ({ callers }) => callers.ask(FIRST_CALLERS),
    async strike(stage) {
      const { mongodb } = stage.sale.ground;
      // Inserts are under way: without one a look-up finds out, and CouponClaimsHeldBack fires.
      const end = whileAsked(stage, () => mongodb.resume());
      await stage.callers.ask(FIRST_CALLERS);
      mongodb.pause();
      return {
        fires: [{ alert: "CouponStoreDown", labels: { store: "mongodb" } }, { alert: "CouponCommitsStall" }],
        end,
      };
    },
  },
  {
    // MongoDB answers, and no majority confirms a write.
    name: "no-majority",
    alerts: ["CouponCommitsStall", "CouponLedgerGrows"],
    also: [...OF_CLAIMS, "CouponSchedulerSilent"],
    ground: { replicaSet: true },
    async strike(stage) {
      const set = stage.sale.ground.replicaSet;
      if (set === undefined) throw new Error("this round has no replica set");
      const confirmAgain = set.confirmNothing("WriteConcernTimeout", UNCONFIRMED_AFTER_MS);
      return {
        fires: [{ alert: "CouponCommitsStall" }, { alert: "CouponLedgerGrows" }],
        end: whileAsked(stage, confirmAgain),
      };
    },
  },
];
