import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { HistoryEntry } from "../../../audit/history.ts";
import { connectClients } from "../../../bench/load/connect-client.ts";
import { percentilesOf } from "../../../callers/percentiles.ts";
import { writeClock } from "../chaos/ground/ground.ts";
import { clockFrom } from "../chaos/ground/redis-node.ts";
import type { Evidence } from "./judge.ts";
import type { Round, Stage } from "./round.ts";
import { SERVER_HOSTS, type ServerHost } from "./server-host.ts";

type StoreName = "redis" | "mongodb";

const UNDER_WAY_MS = 2_000;
const CUT_MS = 5_000;
const UNPLUGGED_MS = 3_000;
const DELAY_MS = 20;
const LOST_PERCENT = 1;
const CLOCK_S = 3;

/** Answers that a server gives while it cannot reach a store. */
function outOfReach(history: readonly HistoryEntry[]): readonly Evidence[] {
  const uncertain = history.filter(({ outcome }) => outcome.kind === "unknown").length;
  const overloaded = history.filter(
    ({ outcome }) => outcome.kind === "refused" && outcome.reason === "OVERLOADED",
  ).length;
  return [
    { what: "uncertain", value: uncertain, least: 0 },
    { what: "overloaded", value: overloaded, least: 0 },
    { what: "out_of_reach", value: uncertain + overloaded, least: 1 },
  ];
}

async function proveDropped({ ground, prove }: Stage, before: number): Promise<void> {
  const { cut } = await ground.network.dropped();
  prove("dropped_packets", cut - before, 5);
}

/** The first server loses its way to stores; the other two and both schedulers keep theirs. */
function serverCut(name: string, stores: readonly StoreName[]): Round {
  return {
    name,
    saleMs: 13_000,
    async act(stage) {
      const { network } = stage.ground;
      const { cut: before } = await network.dropped();
      await stage.untilStart(UNDER_WAY_MS);
      await Promise.all(stores.map((store) => network.cut("server-1", store)));
      await sleep(CUT_MS);
      await network.heal();
      stage.faultOver(["server-1"]);
      await proveDropped(stage, before);
    },
    met: outOfReach,
  };
}

/** A store loses its link, and with it every server loses the store. */
function storeUnplugged(name: string, store: StoreName): Round {
  return {
    name,
    saleMs: 10_000,
    async act({ ground, untilStart, faultOver }) {
      await untilStart(UNDER_WAY_MS);
      await ground.network.unplug(store);
      await sleep(UNPLUGGED_MS);
      await ground.network.heal();
      faultOver(SERVER_HOSTS);
    },
    met: outOfReach,
  };
}

/** A long or a bad way between all servers and both stores; loss is on every other way, too. */
function badWay(name: string, { delayMs, percent }: { delayMs: number; percent: number }): Round {
  const far = { delayMs };
  return {
    name,
    saleMs: 8_000,
    arrange: async () => ({ "server-1": far, "server-2": far, "server-3": far }),
    async act({ ground: { network }, untilStart, faultOver, prove }) {
      const { lost: before } = await network.dropped();
      if (percent > 0) await network.lose(percent);
      await untilStart(UNDER_WAY_MS + CUT_MS);
      const { lost } = await network.dropped();
      await network.heal();
      faultOver(SERVER_HOSTS);
      if (percent > 0) prove("lost_packets", lost - before, 20);
    },
    met(history) {
      if (delayMs === 0) return [];
      const took = history.flatMap(({ outcome, invokedAtMs, answeredAtMs }) =>
        outcome.kind === "issued" && !outcome.replayed ? [answeredAtMs - invokedAtMs] : [],
      );
      // A claim goes to Redis and back, and then to MongoDB and back.
      return [{ what: "median_ms", value: Math.round(percentilesOf(took).at(50)), least: 4 * delayMs }];
    },
  };
}

/** The clock of the first host, its server and its scheduler, is wrong; those of the others are right. */
function clockOff(name: string, seconds: number): Round {
  return {
    name,
    saleMs: 5_000,
    async arrange({ dir }) {
      const file = join(dir, `clock${seconds}`);
      await writeClock(file, seconds);
      return { "server-1": { env: clockFrom(file) } };
    },
    async act({ ground, campaignId, untilStart, faultOver, prove }) {
      const clients = connectClients(`http://${ground.network.addressOf("server-1")}:8080`);
      try {
        const { serverTime } = await clients.coupons.getCampaignStatus({ campaignId });
        const offMs = serverTime === undefined ? 0 : timestampMs(serverTime) - Date.now();
        prove("clock_off_ms", Math.round(offMs * Math.sign(seconds)), CLOCK_S * 1_000 - 500);
      } finally {
        clients.close();
      }
      await untilStart(0);
      faultOver(["server-1"]);
    },
  };
}

/** Neither scheduler reaches anything across the start: the third host opens the campaign by a claim. */
const schedulersCut: Round = {
  name: "schedulers-cut-across-start",
  saleMs: 12_000,
  async act({ ground: { network, balancer }, untilStart, faultOver, prove, issuedSoFar }) {
    const hosts: readonly ServerHost[] = ["server-1", "server-2"];
    await untilStart(-1_500);
    await Promise.all(hosts.map((host) => network.unplug(host)));
    await untilStart(4_000);
    prove("issued_without_them", await issuedSoFar(), 20);
    prove("hosts_gone", SERVER_HOSTS.length - (await balancer.serving()), hosts.length);
    await network.heal();
    faultOver(hosts);
  },
};

/** Every process but the stores, one after another, as docs/operations.md tells. */
const rollingRestart: Round = {
  name: "rolling-restart",
  quick: true,
  saleMs: 40_000,
  failsNone: true,
  async act({ ground: { servers, balancer }, untilStart, faultOver, prove }) {
    let [restarts, clean] = [0, 0];
    const count = ({ exitCode }: { readonly exitCode: number }) => {
      restarts += 1;
      if (exitCode === 0) clean += 1;
    };
    await untilStart(1_000);
    for (const { host, restartServer, restartScheduler } of servers) {
      await balancer.untilAllServe();
      count(await restartServer());
      faultOver([host]);
      if (restartScheduler !== undefined) count(await restartScheduler());
    }
    await balancer.untilAllServe();
    await balancer.reload();
    prove("restarts", restarts, 5);
    prove("clean_exits", clean, 5);
    prove("reloads_of_haproxy", 1);
  },
};

export const catalogue: readonly Round[] = [
  serverCut("server-cut-from-redis", ["redis"]),
  serverCut("server-cut-from-mongodb", ["mongodb"]),
  { ...serverCut("server-cut-from-both", ["redis", "mongodb"]), quick: true },
  schedulersCut,
  storeUnplugged("redis-unplugged", "redis"),
  { ...storeUnplugged("mongodb-unplugged", "mongodb"), quick: true },
  badWay("delay", { delayMs: DELAY_MS, percent: 0 }),
  badWay("loss", { delayMs: 0, percent: LOST_PERCENT }),
  badWay("delay-and-loss", { delayMs: DELAY_MS, percent: LOST_PERCENT }),
  clockOff("clock-ahead", CLOCK_S),
  clockOff("clock-behind", -CLOCK_S),
  rollingRestart,
];
