import { setTimeout as sleep } from "node:timers/promises";
import type { Round } from "../round.ts";
import { MOMENT_MS, part, proveRebuilt, proveSwept, proveUnknown } from "./proofs.ts";

/** A request sent in the last few ms before the signal may not have reached the server. */
const CONNECTING_MS = 5;
/** The caller waited no longer, or the service could not tell in time: a matter of the machine. */
const IN_TIME = /timed out|UNCERTAIN/;
const INSERT = "insert issuances";

/**
 * The named crash points of a claim, without a hook in the product: a proxy holds the traffic, then the
 * server is killed.
 */
export const serverRounds: readonly Round[] = [
  {
    name: "kill-server-before-claim",
    async act(sale) {
      await part(sale, 0.3);
      const trap = sale.server(0).redis.trap({ at: "request", kind: "claim", deed: "hold" });
      await trap.sprung(MOMENT_MS);
      await sleep(60);
      await sale.server(0).kill();
      sale.faultOver();
      sale.prove("claims_held", trap.caught);
    },
    after: async (sale) => proveUnknown(sale),
  },
  {
    name: "kill-server-between-claim-and-commit",
    quick: true,
    // A caller without an answer waits, so that the sweeper finishes the claim first.
    sale: { retryMs: 2_300 },
    async act(sale) {
      await part(sale, 0.3);
      const times = Number.POSITIVE_INFINITY;
      const trap = sale.server(0).mongodb.trap({ at: "request", kind: INSERT, deed: "hold", times });
      await trap.sprung(MOMENT_MS);
      await sleep(250);
      sale.prove("ledger_at_kill", await sale.ground.raw.xLen(sale.keys.ledger));
      await sale.server(0).kill();
      sale.faultOver();
    },
    async after(sale) {
      proveUnknown(sale);
      await proveSwept(sale);
    },
  },
  {
    name: "kill-server-between-commit-and-reply",
    quick: true,
    async act(sale) {
      await part(sale, 0.3);
      const times = Number.POSITIVE_INFINITY;
      const trap = sale.server(0).mongodb.trap({ at: "reply", kind: INSERT, deed: "hold", times });
      await trap.sprung(MOMENT_MS);
      await sleep(150);
      const durable = await sale.ground.db.collection("issuances").countDocuments({});
      sale.prove("durable_and_untold", durable - sale.issued());
      await sale.server(0).kill();
      sale.faultOver();
    },
    after: async (sale) => proveUnknown(sale),
  },
  {
    name: "kill-all-servers-across-start",
    sale: { leadMs: 1_600 },
    async act(sale) {
      await sale.untilStart(-300);
      await Promise.all(sale.ground.servers.map((server) => server.kill()));
      await sale.untilStart(500);
      const state = await sale.ground.raw.hGet(sale.keys.meta, "state");
      sale.prove("staged_after_start", state === "staged" ? 1 : 0);
      await Promise.all(sale.ground.servers.map((server) => server.start()));
      sale.recovered();
      sale.faultOver();
    },
    after: async (sale) => proveUnknown(sale),
  },
  {
    name: "sigterm-under-load",
    quick: true,
    async act(sale) {
      await part(sale, 0.3);
      sale.server(0).mongodb.delay(40);
      await sleep(150);
      const reached = new Set(await sale.ground.raw.hKeys(sale.keys.claims));
      const toldAtMs = Date.now();
      const code = await sale.server(0).stop();
      sale.faultOver();
      if (code !== 0) sale.found("DRAIN", `the server that was asked to end left with code ${code}`);
      const latestMs = toldAtMs - CONNECTING_MS;
      const before = sale.history.filter((entry) => entry.server === 0 && entry.invokedAtMs < latestMs);
      const inFlight = before.filter((entry) => entry.answeredAtMs >= toldAtMs);
      sale.prove("in_flight", inFlight.length);
      sale.prove("claimed_in_flight", inFlight.filter(({ claimKey }) => reached.has(claimKey)).length);
      for (const { claimKey, outcome } of before) {
        // A request that was still waiting for a socket of its caller had not reached the server: its
        // connection was refused.
        if (outcome.kind !== "unknown" || outcome.message.includes("ECONNREFUSED")) continue;
        // A request without a claim may have waited for the server to accept its connection.
        const isCut = reached.has(claimKey) && !IN_TIME.test(outcome.message);
        sale.found(isCut ? "DRAIN" : "U11", `a request in flight at SIGTERM failed: ${outcome.message}`);
      }
    },
  },
  {
    name: "kill-generator",
    ground: { roles: ["server,scheduler", "server,scheduler", "generator"] },
    sale: { total: 30_000, users: 500, leadMs: 3_500 },
    restStates: ["OPEN"],
    async act(sale) {
      const generator = sale.server(2);
      const made = () => sale.ground.db.collection("coupons").countDocuments({ campaignId: sale.campaignId });
      const trap = generator.mongodb.trap({ at: "request", kind: "insert coupons", deed: "hold", skip: 4 });
      await trap.sprung(MOMENT_MS);
      await sale.untilTrue("some codes are made", async () => (await made()) > 0);
      await generator.kill();
      const left = await made();
      sale.prove("codes_at_kill", left);
      sale.prove("codes_missing", sale.plan.total - left);
      await generator.start();
      sale.faultOver();
    },
    async after(sale) {
      const made = await sale.ground.db.collection("coupons").countDocuments({ campaignId: sale.campaignId });
      if (made !== sale.plan.total) sale.found("U3", `${made} codes instead of ${sale.plan.total}`);
    },
  },
  {
    name: "kill-rebuild",
    sale: { total: 20_000, users: 700, leadMs: 2_500 },
    restStates: ["OPEN"],
    async act(sale) {
      await sale.untilIssued(150);
      const traps = sale.ground.servers.map((server) =>
        server.redis.trap({ at: "request", kind: "load-codes", deed: "hold", skip: 3 }),
      );
      await sale.ground.raw.flushAll();
      const first = await Promise.race(traps.map((trap, i) => trap.sprung(MOMENT_MS).then(() => i)));
      for (const [i, trap] of traps.entries()) if (i !== first) trap.release();
      sale.prove("half_loaded", await sale.ground.raw.lLen(sale.keys.loadingCodes));
      await sale.server(first).kill();
      sale.faultOver();
    },
    async after(sale) {
      proveUnknown(sale);
      await proveRebuilt(sale);
    },
  },
];
