import { join } from "node:path";
import { seededRandom } from "../../../../callers/random.ts";
import { type Ground, layGround } from "../ground/ground.ts";
import type { RunOptions } from "../run-round.ts";
import { ORDINARY, openSale, type SaleRun } from "../sale.ts";
import { type AlertRound, instanceOf, ROLES } from "./alert-round.ts";
import { type Setup, startWatch, type Watch } from "./watch.ts";

export type HoldOptions = Omit<RunOptions, "form"> & { readonly setup: Setup };

/** What a round is held on: processes, a sale in them, and the Prometheus that watches. */
export type SetUp = {
  /** The last lines that the processes logged; empty before they were started. */
  logTail(): readonly string[];
  /** Starts all. Then no alert fires, and but for a healthy sale the campaign is open. */
  start(): Promise<{ readonly run: SaleRun; readonly watch: Watch }>;
  close(): Promise<void>;
};

const SALE = { ...ORDINARY, total: 4_000, leadMs: 500 };
/** A bound against hanging, also on a machine that is busy with other work. */
const OPENS_WITHIN_MS = 60_000;
const LOG_TAIL = 25;

export function setUp(round: AlertRound, options: HoldOptions): SetUp {
  const { mongodb, seed, index, product } = options;
  let ground: Ground | undefined;
  let watch: Watch | undefined;
  let run: SaleRun | undefined;

  async function beginWatch({ dir, servers }: Ground): Promise<Watch> {
    watch = await startWatch(options.setup, dir, servers.map(instanceOf));
    return watch;
  }

  async function beginSale(on: Ground): Promise<SaleRun> {
    run = await openSale(on, { ...SALE, ...round.sale }, seededRandom(seed + index));
    return run;
  }

  async function openUp(on: Ground): Promise<SaleRun> {
    const opened = await beginSale(on);
    const isOpen = async () => (await opened.sale.recorded()).state === "OPEN";
    await opened.sale.untilTrue("it opens", isOpen, OPENS_WITHIN_MS);
    return opened;
  }

  return {
    logTail: () => ground?.logLines.slice(-LOG_TAIL) ?? [],
    async start() {
      const laid = await layGround({
        ...{ dir: join(options.dir, `${index}-${round.name}`), database: `alerts-${index}-${process.pid}` },
        ...{ mongodb, product, form: round.form ?? "single" },
        plan: { roles: ROLES, ownPages: true, ...round.ground },
      });
      ground = laid;
      if (round.isHealthy === true) {
        // Watched from before its campaign is created.
        const watching = await beginWatch(laid);
        await watching.untilQuiet();
        return { watch: watching, run: await beginSale(laid) };
      }
      const [watching, opened] = await Promise.allSettled([beginWatch(laid), openUp(laid)]);
      if (watching.status === "rejected") throw watching.reason;
      if (opened.status === "rejected") throw opened.reason;
      await watching.value.untilQuiet();
      return { watch: watching.value, run: opened.value };
    },
    async close() {
      await run?.close();
      await watch?.close();
      await ground?.close();
    },
  };
}
