import { writeClock } from "../../ground/ground.ts";
import { type AlertRound, instanceOf } from "../alert-round.ts";

/** Ten times what the alert tolerates, and half of what preflight calls red. */
const AHEAD_S = 0.5;

export const processRounds: readonly AlertRound[] = [
  {
    name: "server-hangs",
    alerts: ["CouponProcessDown"],
    async strike({ servers: [server] }) {
      if (server === undefined) throw new Error("there is no server");
      server.pause();
      return {
        fires: [{ alert: "CouponProcessDown", labels: { instance: instanceOf(server) } }],
        end: () => server.resume(),
      };
    },
  },
  {
    // Nobody says when the last round was: the series is absent.
    name: "scheduler-crashed",
    alerts: ["CouponSchedulerSilent", "CouponProcessDown"],
    async strike({ scheduler }) {
      await scheduler.kill();
      return {
        fires: [
          { alert: "CouponSchedulerSilent" },
          { alert: "CouponProcessDown", labels: { instance: instanceOf(scheduler) } },
        ],
        end: () => scheduler.start(),
      };
    },
  },
  {
    // It runs, and completes no round.
    name: "scheduler-cut-off",
    alerts: ["CouponSchedulerSilent", "CouponStoreDown"],
    async strike({ scheduler }) {
      scheduler.redis.blackHole(true);
      return {
        fires: [{ alert: "CouponSchedulerSilent" }, { alert: "CouponStoreDown", labels: { store: "redis" } }],
        end: () => scheduler.redis.blackHole(false),
      };
    },
  },
  {
    name: "clocks-ahead",
    alerts: ["CouponClocksApart"],
    ground: { fakeClocks: "servers" },
    async strike({ sale }) {
      const { clockFile, servers } = sale.ground;
      await writeClock(clockFile, AHEAD_S);
      return {
        fires: servers.map((server) => ({
          alert: "CouponClocksApart",
          labels: { instance: instanceOf(server) },
        })),
        end: () => writeClock(clockFile, 0),
      };
    },
  },
];
