import { setMaxListeners } from "node:events";
import { Trouble } from "../trouble.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { campaignIn } from "./campaigns.ts";
import { interleaved, median } from "./compare.ts";
import type { Ground } from "./ground.ts";
import { claims, load, medianOf, WARM_UP_SECONDS } from "./loads.ts";
import type { WrkResult } from "./wrk.ts";

const CONNECTIONS = 64;
const CROWDS = [10, 50, 100] as const;
const INTERVAL_MS = 1_000;

/**
 * Runs `act` while `count` streams watch the campaign; each stream must receive at least two messages
 * meanwhile.
 */
async function whileWatched<T>(
  { clients }: Ground,
  campaignId: string,
  count: number,
  act: () => Promise<T>,
): Promise<T> {
  const leaving = new AbortController();
  // Each stream adds a listener for its end: so many listeners are no leak.
  setMaxListeners(count + 1, leaving.signal);
  const request = { campaignId, intervalMs: INTERVAL_MS, keepOn: true };
  const streams = Array.from({ length: count }, async () => {
    let told = 0;
    try {
      for await (const _ of clients.campaigns.watchCampaign(request, { signal: leaving.signal })) told += 1;
    } catch (error) {
      if (!leaving.signal.aborted) throw error;
    }
    return told;
  });
  const leave = async () => {
    leaving.abort();
    return await Promise.all(streams);
  };
  const result = await act().catch(async (error: unknown) => {
    await leave();
    throw error;
  });
  if ((await leave()).some((told) => told < 2)) throw new Trouble("an onlooker was told nothing");
  return result;
}

export const onlookers: Benchmark = {
  name: "onlookers",
  what: "claims a second at 64 connections while 10, 50 and 100 launch consoles look on, beside none",
  effort: { rounds: 6, seconds: 4 },
  async run(context) {
    const { ground, rounds, seconds, signal } = context;
    const total = await context.couponsFor(WARM_UP_SECONDS + rounds * seconds * (1 + CROWDS.length));
    const campaignId = await campaignIn(ground, "open", total, signal);
    const wanted = { connections: CONNECTIONS, campaignId, seconds };
    await load(context, { ...wanted, seconds: WARM_UP_SECONDS });
    const work = () => claims(context, wanted);
    const variants = CROWDS.map((count) => [
      `by_${count}`,
      () => whileWatched(ground, campaignId, count, work),
    ]);
    const results = await interleaved<WrkResult>(rounds, { by_none: work, ...Object.fromEntries(variants) });
    const none = results["by_none"] ?? [];
    const figures: Figure[] = [
      { name: "watched_by_none", value: medianOf(none, "perSecond"), unit: "/s" },
      { name: "watched_by_none_p99", value: medianOf(none, "p99Ms"), unit: "ms" },
    ];
    for (const count of CROWDS) {
      const watched = results[`by_${count}`] ?? [];
      const ratios = watched.map(
        ({ perSecond }, round) => perSecond / (none[round]?.perSecond ?? Number.NaN),
      );
      figures.push(
        { name: `watched_by_${count}_over_none`, value: median(ratios), unit: "" },
        { name: `watched_by_${count}_p99`, value: medianOf(watched, "p99Ms"), unit: "ms" },
      );
    }
    return { figures };
  },
};
