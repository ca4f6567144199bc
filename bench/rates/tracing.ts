import { existsSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../local/free-port.ts";
import { type ServiceProcess, startService } from "../../local/service-process.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";
import { orAborted } from "../releases.ts";
import { Trouble } from "../trouble.ts";
import type { Benchmark, BenchmarkContext, Figure } from "./benchmark.ts";
import { campaignIn } from "./campaigns.ts";
import { backAndForth, median } from "./compare.ts";
import { cpuSeconds, type Ground } from "./ground.ts";
import { claims, load, WARM_UP_SECONDS } from "./loads.ts";
import type { WrkResult } from "./wrk.ts";

const CONNECTIONS = 64;
const READY_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 12_000;

/** The services that are compared, on the same stores: another build, and this one with these settings. */
type Variant = {
  readonly name: string;
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
};

function variantsOf(builtDir: string, receiver: string): Variant[] {
  const entry = join(builtDir, "server", "main.js");
  const on = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver };
  const at = (ratio: number) => ({
    ...on,
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: String(ratio),
  });
  const own = [
    { name: "off", entry, env: {} },
    { name: "at_1_percent", entry, env: at(0.01) },
    { name: "at_100_percent", entry, env: at(1) },
  ];
  const base = process.env["BENCH_BASE"];
  if (base === undefined) return own;
  const other = join(base, "server", "main.js");
  if (!existsSync(other))
    throw new Trouble(`BENCH_BASE must be the folder dist of another build: no ${other}`);
  return [{ name: "base", entry: other, env: {} }, ...own];
}

async function startVariant({ entry, env }: Variant, { stores }: Ground, signal: AbortSignal) {
  const port = await freePort();
  const service = startService({
    entry,
    baseUrl: `http://127.0.0.1:${port}`,
    args: ["--roles", "server"],
    env: {
      ...{ ...stores, PORT: String(port), GRPC_PORT: "off", OPERATOR_TOKEN, LOG_LEVEL: "warn" },
      ...env,
    },
  });
  await orAborted(service.waitForHttp("/readyz", READY_DEADLINE_MS), signal);
  return { service, url: `http://127.0.0.1:${port}` };
}

/** `cpuUs`: processor time of the service for an answer, in µs. */
type Run = WrkResult & { readonly cpuUs: number };

/** The processor time tells small costs apart that a rate, which the whole machine decides, does not. */
async function withCpu({ service }: Ground, work: () => Promise<WrkResult>): Promise<Run> {
  const before = cpuSeconds(service.pid);
  const result = await work();
  return { ...result, cpuUs: ((cpuSeconds(service.pid) - before) * 1_000_000) / result.answers };
}

function figuresOf(what: string, results: Readonly<Record<string, readonly Run[]>>): Figure[] {
  const of = (name: string, field: "perSecond" | "cpuUs") => (results[name] ?? []).map((run) => run[field]);
  const ratio = (one: string, other: string, field: "perSecond" | "cpuUs") =>
    median(of(one, field).map((value, round) => value / (of(other, field)[round] ?? Number.NaN)));
  const over = (one: string, other: string): Figure[] => [
    { name: `${what}_${one}_over_${other}`, value: ratio(one, other, "perSecond"), unit: "" },
    { name: `${what}_cpu_${one}_over_${other}`, value: ratio(one, other, "cpuUs"), unit: "" },
  ];
  return [
    ...Object.keys(results).flatMap((name) => [
      { name: `${what}_traces_${name}`, value: median(of(name, "perSecond")), unit: "/s" },
      { name: `${what}_cpu_traces_${name}`, value: median(of(name, "cpuUs")), unit: "us" },
    ]),
    ...(results["base"] === undefined ? [] : over("off", "base")),
    ...over("at_1_percent", "off"),
    ...over("at_100_percent", "off"),
  ];
}

/**
 * What traces cost: services on the same stores without them, with one call of a hundred sampled, and with
 * all; beside them the service of another build, whose folder `dist` BENCH_BASE names. The receiver, which
 * throws spans away, is a process of its own.
 */
export const tracing: Benchmark = {
  name: "tracing",
  what: "claims and refusals a second, and processor time of each, at 64 connections with traces off, at 1 % and at 100 %; BENCH_BASE=dist of another build beside",
  effort: { rounds: 6, seconds: 4 },
  async run(context) {
    const { ground, rounds, seconds, signal } = context;
    const started: ServiceProcess[] = [];
    try {
      const sink = startService({ entry: "bench/rates/otlp-sink.ts", env: {} });
      started.push(sink);
      const ready = await orAborted(
        sink.waitForLine((line) => line.startsWith("ready "), READY_DEADLINE_MS),
        signal,
      );
      const variants = variantsOf(ground.builtDir, `http://127.0.0.1:${ready.slice("ready ".length)}`);
      const grounds = new Map<string, Ground>();
      for (const variant of variants) {
        const { service, url } = await startVariant(variant, ground, signal);
        started.push(service);
        grounds.set(variant.name, { ...ground, service: { baseUrl: url, pid: service.pid } });
      }
      const measured = await measure(context, grounds);
      return {
        figures: [...figuresOf("claims", measured.claimed), ...figuresOf("refusals", measured.refused)],
      };
    } finally {
      await Promise.all(started.map((service) => service.stop(STOP_DEADLINE_MS)));
    }

    async function measure(within: BenchmarkContext, grounds: ReadonlyMap<string, Ground>) {
      const names = [...grounds.keys()];
      const on = (name: string) => ({ signal, ground: grounds.get(name) ?? ground });
      const total = await within.couponsFor(names.length * (WARM_UP_SECONDS + rounds * seconds));
      const campaignId = await campaignIn(ground, "open", total, signal);
      const soldOut = await campaignIn(ground, "open", 1, signal);
      const wanted = { connections: CONNECTIONS, campaignId, seconds };
      for (const name of names) {
        await load(on(name), { ...wanted, seconds: WARM_UP_SECONDS });
        await load(on(name), { ...wanted, campaignId: soldOut, seconds: WARM_UP_SECONDS });
      }
      const claimed = await backAndForth(rounds, names, (name) =>
        withCpu(on(name).ground, () => claims(on(name), wanted)),
      );
      const refused = await backAndForth(rounds, names, (name) =>
        withCpu(on(name).ground, () => load(on(name), { ...wanted, campaignId: soldOut })),
      );
      return { claimed, refused };
    }
  },
};
