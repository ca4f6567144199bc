import { setTimeout as sleep } from "node:timers/promises";
import { ISSUE_PATH } from "../../../callers/http-client.ts";
import { percentilesOf } from "../../../callers/percentiles.ts";
import { issueBody } from "../../load/arrivals.ts";
import { createLightClient } from "../../load/light-client.ts";
import { median } from "../compare.ts";

/** A lone caller's request: when it was sent, and how long it took; without a coupon forever. */
export type Probe = { readonly atMs: number; readonly latencyMs: number };

export const PROBE_EVERY_MS = 20;
/** So many in a row tell whether the latency is normal: the median of them is compared. */
export const PROBES_IN_A_ROW = 9;

/** A caller beside the wave, on a campaign of its own: one request at a time, until it is stopped. */
export function startLoneCaller(baseUrl: string, campaignId: string, userPrefix: string) {
  const client = createLightClient(baseUrl, 1);
  const probes: Probe[] = [];
  let stopped = false;
  async function ask(): Promise<void> {
    while (!stopped) {
      const [atMs, sentMs] = [Date.now(), performance.now()];
      const { status } = await client.post(
        ISSUE_PATH,
        issueBody(campaignId, `${userPrefix}${probes.length}`),
      );
      const tookMs = performance.now() - sentMs;
      probes.push({ atMs, latencyMs: status === 200 ? tookMs : Number.POSITIVE_INFINITY });
      await sleep(Math.max(0, PROBE_EVERY_MS - tookMs));
    }
  }
  const asking = ask();
  return {
    probes: probes as readonly Probe[],
    async stop(): Promise<void> {
      stopped = true;
      await asking;
      client.close();
    },
  };
}

/** What counts as normal: twice the median before the wave, or the p99 then if that is more. */
export function normalMsOf(before: readonly Probe[]): number {
  const latencies = percentilesOf(before.map(({ latencyMs }) => latencyMs));
  return Math.max(2 * latencies.at(50), latencies.at(99));
}

/** From the end of the wave to the first request from which on the latency is normal; undefined: never. */
export function recoveredAfterMs(
  probes: readonly Probe[],
  endMs: number,
  normalMs: number,
): number | undefined {
  const after = probes.filter(({ atMs }) => atMs >= endMs);
  for (let at = 0; at + PROBES_IN_A_ROW <= after.length; at += 1) {
    const some = after.slice(at, at + PROBES_IN_A_ROW).map(({ latencyMs }) => latencyMs);
    const [first] = some;
    if (first !== undefined && first <= normalMs && median(some) <= normalMs)
      return (after[at]?.atMs ?? endMs) - endMs;
  }
  return undefined;
}
