import { join } from "node:path";
import { freePort } from "../../../local/free-port.ts";
import { type ServiceProcess, startService } from "../../../local/service-process.ts";
import { HANG_MS } from "../../support/patience.ts";
import type { Product } from "./product.ts";

/** A place of the deployment: it keeps its port while the product that runs there is replaced. */
export type Place = "first" | "second" | "scheduler";

export type Fleet = {
  /** The addresses of the two servers. */
  readonly urls: Readonly<Record<"first" | "second", string>>;
  /** The product that runs at an address. */
  at(url: string): Product;
  /** Ends the process there in an orderly manner, or kills it, and starts the other product. */
  replace(place: Place, product: Product, how?: "drained" | "killed"): Promise<void>;
  /** Of each process that was to end in an orderly manner and did not. */
  readonly faults: readonly string[];
  /** How many claims of other servers the sweepers have finished. */
  swept(): number;
  close(): Promise<void>;
};

type Running = { readonly product: Product; readonly process: ServiceProcess };

const PLACES = ["first", "second", "scheduler"] as const;

/** Starts two servers with all roles and a scheduler of its own, all of one product. */
export async function startFleet(env: Readonly<Record<string, string>>, product: Product): Promise<Fleet> {
  const ports = { first: await freePort(), second: await freePort(), scheduler: await freePort() };
  const urlOf = (place: Place) => `http://127.0.0.1:${ports[place]}`;
  const running = new Map<Place, Running>();
  const faults: string[] = [];
  let swept = 0;

  async function start(place: Place, product: Product): Promise<void> {
    const isServer = place !== "scheduler";
    const own = isServer ? { PORT: String(ports[place]) } : { HEALTH_PORT: String(ports[place]) };
    const process = startService({
      entry: join(product.dir, "server", "main.js"),
      args: isServer ? [] : ["--roles", "scheduler"],
      baseUrl: urlOf(place),
      env: { ...env, ...own, GRPC_PORT: "0", LOG_LEVEL: "info", LOG_FORMAT: "json" },
      onLine(line) {
        if (line.includes("swept: claims")) swept += Number(/"finished":(\d+)/.exec(line)?.[1] ?? 0);
      },
    });
    running.set(place, { product, process });
    await process.waitForHttp("/readyz", HANG_MS);
  }

  async function stop(place: Place): Promise<void> {
    const one = running.get(place);
    if (one === undefined) return;
    running.delete(place);
    const code = await one.process.stop(HANG_MS);
    if (code !== 0) faults.push(`the ${one.product.name} ${place} ended with ${code}: ${lastOf(one)}`);
  }

  const fleet: Fleet = {
    urls: { first: urlOf("first"), second: urlOf("second") },
    at(url) {
      const place = url === urlOf("first") ? "first" : "second";
      return running.get(place)?.product ?? product;
    },
    async replace(place, next, how = "drained") {
      if (how === "killed") await running.get(place)?.process.kill();
      else await stop(place);
      await start(place, next);
    },
    faults,
    swept: () => swept,
    close: async () => void (await Promise.all(PLACES.map(stop))),
  };
  await Promise.all(PLACES.map((place) => start(place, product)));
  return fleet;
}

const lastOf = ({ process }: Running): string => process.lines.slice(-5).join(" | ");
