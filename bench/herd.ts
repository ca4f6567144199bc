/**
 * `node --import tsx bench/herd.ts`: callers that ask before the start, are told when to come back, and do so
 * exactly, with HERD_RATE as given and with `off`, in turn. Prints how many came in any 10 ms, how long the
 * winners waited, and when the first coupon was there. HERD_PACING=on or off: one of both alone.
 */
import { loadavg } from "node:os";
import { layHerdGround } from "./herd/ground.ts";
import { type HerdResult, runHerd } from "./herd/run.ts";
import { numberFlag } from "./number-flag.ts";
import { parseFlags } from "./parse-flags.ts";
import { campaignAt } from "./rates/campaigns.ts";
import { runCommand } from "./run-command.ts";

const USAGE = `usage: node --import tsx bench/herd.ts [flags]
  --callers N      that wait for the start (20000)
  --coupons N      (5000)
  --seconds N      over which they ask before it (20)
  --rounds N       of each (3)
  --connections N  (256)
  --rate N         HERD_RATE of the paced service (5000)
`;
/** For the codes, which are made meanwhile. */
const AHEAD_MS = 6_000;

await runCommand("herd", async ({ releases, controller: { signal } }) => {
  const given = parseFlags(
    process.argv.slice(2),
    {
      callers: { type: "string", default: "20000" },
      coupons: { type: "string", default: "5000" },
      seconds: { type: "string", default: "20" },
      rounds: { type: "string", default: "3" },
      connections: { type: "string", default: "256" },
      rate: { type: "string", default: "5000" },
    },
    USAGE,
  );
  const number = (name: keyof typeof given, most: number) => numberFlag(name, given[name] ?? "", 1, most);
  const callers = number("callers", 200_000);
  const coupons = number("coupons", 200_000);
  const seconds = number("seconds", 600);
  const connections = number("connections", 1_000);
  const rounds = number("rounds", 20);
  const rate = number("rate", 1_000_000);
  const only = process.env["HERD_PACING"];
  const variants = (["off", "on"] as const).filter((one) => only === undefined || one === only);
  const ground = await layHerdGround({ off: "off", on: String(rate) }, releases, signal);
  const results: Record<"off" | "on", HerdResult[]> = { off: [], on: [] };
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  say(`${callers} callers, ${coupons} coupons, HERD_RATE ${rate}, ${connections} connections`);
  for (let round = 0; round < rounds; round++) {
    for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
      const side = ground[variant];
      const startsAtMs = Date.now() + AHEAD_MS + seconds * 1_000;
      const campaignId = await campaignAt(side, { total: coupons, startsAtMs }, signal);
      const result = await runHerd({
        ...{ baseUrl: side.baseUrl, campaignId, startsAtMs, callers, connections, signal },
        earlyMs: seconds * 1_000,
      });
      results[variant].push(result);
      say(`pacing ${variant}: ${lineOf(result)}; load ${loadavg()[0]?.toFixed(1)}`);
    }
  }
  const medians = variants.map(
    (variant) => `pacing ${variant}, median: ${lineOf(medianOf(results[variant]))}`,
  );
  return { exitCode: 0, lastWord: medians.join("\n") };
});

function lineOf({ peakDue, peakSent, firstMs, p50Ms, p99Ms, lastMs, won }: HerdResult): string {
  const ms = (value: number) => value.toFixed(1);
  return `in any 10 ms ${peakDue} due, ${peakSent} sent; ${won} won, p50 ${ms(p50Ms)} ms, p99 ${ms(p99Ms)} ms; first coupon ${ms(firstMs)} ms after the start, last caller answered at ${ms(lastMs)} ms`;
}

function medianOf(all: readonly HerdResult[]): HerdResult {
  const of = (name: keyof HerdResult) =>
    all.map((one) => one[name]).sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;
  return {
    ...{ peakDue: of("peakDue"), peakSent: of("peakSent"), firstMs: of("firstMs"), p50Ms: of("p50Ms") },
    ...{ p99Ms: of("p99Ms"), lastMs: of("lastMs"), won: of("won") },
  };
}
