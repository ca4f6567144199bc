import { builtProduct } from "../../local/built.ts";
import { startService } from "../../local/service-process.ts";
import { limitedSignal } from "../../runtime/limited-signal.ts";
import { orAborted } from "../releases.ts";
import { Trouble } from "../trouble.ts";
import type { BenchmarkContext } from "./benchmark.ts";

/** A process that claims without the service's queues: see unqueued.ts. */
export type WithoutQueues = {
  readonly baseUrl: string;
  readonly lines: readonly string[];
  /** Claims one after the other, without HTTP; the time of each, in ms. */
  direct(campaignId: string, seconds: number): Promise<readonly number[]>;
  /** Claims in batches of one size, so many under way at once, without HTTP. */
  batches(
    campaignId: string,
    seconds: number,
    batches: Batches,
  ): Promise<{ readonly claims: number; readonly perSecond: number }>;
};

export type Batches = { readonly size: number; readonly underWay: number };

const READY_DEADLINE_MS = 30_000;
const GRACE_MS = 20_000;

/** Runs `use` with such a process on the stores of the service, and ends the process. */
export async function withoutQueues<T>(
  { ground, signal }: Pick<BenchmarkContext, "ground" | "signal">,
  use: (claimer: WithoutQueues) => Promise<T>,
): Promise<T> {
  const child = startService({
    entry: "bench/rates/unqueued.ts",
    args: [await builtProduct()],
    env: ground.stores,
  });
  try {
    const line = await orAborted(
      child.waitForLine((text) => text.startsWith("ready "), READY_DEADLINE_MS),
      signal,
    );
    const baseUrl = `http://127.0.0.1:${line.slice("ready ".length)}`;
    const ask = async (path: string, seconds: number): Promise<unknown> => {
      const limit = limitedSignal(seconds * 1_000 + GRACE_MS, signal);
      const response = await fetch(new URL(path, baseUrl), { signal: limit.signal });
      const told: unknown = await response.json().finally(limit.clear);
      if (response.status !== 200) throw new Trouble(`claims without queues: ${JSON.stringify(told)}`);
      return told;
    };
    return await use({
      baseUrl,
      lines: child.lines,
      direct: async (campaignId, seconds) =>
        (await ask(`/direct?campaign=${campaignId}&seconds=${seconds}`, seconds)) as number[],
      batches: async (campaignId, seconds, { size, underWay }) => {
        const path = `/batches?campaign=${campaignId}&seconds=${seconds}&size=${size}&underWay=${underWay}`;
        const [claims, ms] = (await ask(path, seconds)) as [number, number];
        return { claims, perSecond: claims / (ms / 1_000) };
      },
    });
  } finally {
    await child.kill();
  }
}
