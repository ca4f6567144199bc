import { setTimeout as sleep } from "node:timers/promises";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectClients } from "../../../../bench/load/connect-client.ts";
import { until } from "../../../../local/poll.ts";
import { writeClock } from "../ground/ground.ts";
import { REDIS_FORMS } from "../ground/redis-form.ts";
import { HazardMissed } from "../hazard.ts";
import type { Round } from "../round.ts";
import type { Sale } from "../sale.ts";
import { MOMENT_MS, part } from "./proofs.ts";

const HOUR_S = 3_600;
const UNDER_IT_MS = 1_500;
const SKEWED_MS = HOUR_S * 1_000 - 10_000;
const HOUR_AND_MORE_MS = HOUR_S * 1_000 + 60_000;

async function redisAheadMs({ ground }: Sale): Promise<number> {
  const [seconds] = (await ground.raw.sendCommand(["TIME"])) as unknown as [string];
  return Number(seconds) * 1_000 - Date.now();
}

/** The smallest offset of the servers' clocks, from the `serverTime` of their answers. */
async function serversAheadMs(sale: Sale): Promise<number> {
  const all = await Promise.all(
    sale.ground.servers.map(async ({ url }) => {
      const clients = connectClients(url);
      try {
        const { serverTime } = await clients.coupons.getCampaignStatus({ campaignId: sale.campaignId });
        return serverTime === undefined ? 0 : timestampMs(serverTime) - Date.now();
      } finally {
        clients.close();
      }
    }),
  );
  return all.reduce((least, one) => (Math.abs(one) < Math.abs(least) ? one : least));
}

type Who = "redis" | "servers";

export async function setClock(sale: Sale, who: Who, seconds: number): Promise<void> {
  await writeClock(sale.ground.clockFile, seconds);
  const aheadMs = who === "redis" ? redisAheadMs : serversAheadMs;
  let seenMs = Number.NaN;
  const isSet = async () => {
    // A server that briefly cannot reach its stores refuses; it is asked again.
    seenMs = await aheadMs(sale).catch((error: unknown) => {
      if (ConnectError.from(error).code === Code.Unavailable) return Number.NaN;
      throw error;
    });
    return Math.abs(seenMs - seconds * 1_000) < 10_000;
  };
  if (!(await until(isSet, MOMENT_MS, 20))) throw new HazardMissed("the clock did not change");
  if (seconds !== 0) sale.prove("clock_off_ms", Math.abs(Math.round(seenMs)), SKEWED_MS);
}

/** A false clock of one Redis; in a cluster it would also mislead the nodes about each other. */
const formsOf = (who: Who) => (who === "redis" ? (["single"] as const) : REDIS_FORMS);

/** The clock is ahead before the start: no coupon may be issued before the true start. */
function aheadBefore(name: string, who: Who): Round {
  return {
    name,
    forms: formsOf(who),
    ground: { fakeClocks: who },
    sale: { leadMs: 3_300, earlyMs: 400 },
    instantsOffMs: HOUR_AND_MORE_MS,
    async act(sale) {
      await setClock(sale, who, HOUR_S);
      if (Date.now() >= sale.startsAtMs) throw new HazardMissed("the clock changed after the start");
      await sale.untilStart(0);
      sale.faultOver();
    },
    after: async (sale) => sale.prove("refused_early", sale.refused("NOT_STARTED")),
  };
}

/** The clock is behind before the start: the campaign opens as soon as the clock is right. */
function behindBefore(name: string, who: Who): Round {
  return {
    name,
    forms: formsOf(who),
    ground: { fakeClocks: who },
    sale: { leadMs: 3_300 },
    lateRefusalMs: 5_500,
    async act(sale) {
      await setClock(sale, who, -HOUR_S);
      if (Date.now() >= sale.startsAtMs) throw new HazardMissed("the clock changed after the start");
      await sale.untilStart(800);
      sale.prove("refused_late", sale.refused("NOT_STARTED"));
      sale.prove("none_issued", sale.issued() === 0 ? 1 : 0);
      await setClock(sale, who, 0);
      sale.recovered();
      sale.faultOver();
    },
  };
}

/** The clock is ahead or behind once the campaign is open: the sale continues as before. */
function jumpAfter(name: string, who: Who, seconds: number): Round {
  return {
    name,
    forms: formsOf(who),
    ground: { fakeClocks: who },
    sale: { overMs: 4_200 },
    instantsOffMs: HOUR_AND_MORE_MS,
    async act(sale) {
      await part(sale, 0.2);
      await setClock(sale, who, seconds);
      const before = sale.issued();
      await sleep(UNDER_IT_MS);
      sale.prove("issued_under_it", sale.issued() - before, 50);
      await setClock(sale, who, 0);
      sale.faultOver();
    },
  };
}

export const clockRounds: readonly Round[] = [
  aheadBefore("redis-clock-hour-ahead-before-start", "redis"),
  behindBefore("redis-clock-hour-behind-before-start", "redis"),
  jumpAfter("redis-clock-hour-ahead-after-start", "redis", HOUR_S),
  { ...jumpAfter("redis-clock-hour-behind-after-start", "redis", -HOUR_S), quick: true },
  aheadBefore("server-clock-hour-ahead-before-start", "servers"),
  behindBefore("server-clock-hour-behind-before-start", "servers"),
  jumpAfter("server-clock-hour-ahead-after-start", "servers", HOUR_S),
  jumpAfter("server-clock-hour-behind-after-start", "servers", -HOUR_S),
];
