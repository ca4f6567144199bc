import { setTimeout as sleep } from "node:timers/promises";
import { Trouble } from "../../trouble.ts";
import type { Ground } from "../ground.ts";

/** Delays of the service's event loop since the page before, in ms; an idle loop has 10, its sampling. */
export type LoopDelay = { readonly p99Ms: number; readonly maxMs: number };

/** The page is made at most once a second. */
const PAGE_AGE_MOST_MS = 1_100;

/** Reads a fresh page of metrics, which begins the next measurement. */
export async function loopDelayOf({ service }: Ground, signal: AbortSignal): Promise<LoopDelay> {
  await sleep(PAGE_AGE_MOST_MS, undefined, { signal });
  const response = await fetch(new URL("/metrics", service.baseUrl), { signal });
  if (response.status !== 200) throw new Trouble(`/metrics answered ${response.status}`);
  return readLoopDelay(await response.text());
}

/** @throws Trouble where the page lacks them */
export function readLoopDelay(page: string): LoopDelay {
  const value = (name: string) => {
    const text = new RegExp(`^${name} (\\S+)$`, "m").exec(page)?.[1];
    if (text === undefined) throw new Trouble(`/metrics has no ${name}`);
    return 1_000 * Number(text);
  };
  return {
    p99Ms: value("nodejs_eventloop_lag_p99_seconds"),
    maxMs: value("nodejs_eventloop_lag_max_seconds"),
  };
}
