import type { CodeImports } from "../record/code-imports.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { troubleOnce } from "../runtime/trouble-once.ts";
import { createTick } from "./tick.ts";

export type ImportWatchDeps = {
  readonly imports: Pick<CodeImports, "abandoned" | "expire" | "removeSome">;
  /** The clock of MongoDB, in ms: no process decides by its own how many days have passed. */
  readonly mongoNowMs: () => Promise<number>;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Removes imports of codes that nobody has gone on with for so long; their codes are free again. */
export type ImportWatch = {
  start(): void;
  /** One round; the tick calls this. */
  look(): Promise<void>;
  stop(): Promise<void>;
};

export const ABANDONED_AFTER_MS = 7 * 86_400_000;
const LOOK_EVERY_MS = 60_000;

/** Any number of schedulers may do so. A round removes some codes only, so that claims go on beside it. */
export function createImportWatch(deps: ImportWatchDeps): ImportWatch {
  const { imports, mongoNowMs, clock } = deps;
  const logger = deps.logger.child({ component: "scheduler" });
  let lookedAtMs: number | undefined;
  let left: string[] = [];

  async function look(): Promise<void> {
    const isDue = lookedAtMs === undefined || clock.elapsed() - lookedAtMs >= LOOK_EVERY_MS;
    if (left.length === 0 && !isDue) return;
    const before = new Date((await mongoNowMs()) - ABANDONED_AFTER_MS);
    if (left.length === 0) {
      left = await imports.abandoned(before);
      lookedAtMs = clock.elapsed();
    }
    const [id] = left;
    if (id === undefined) return;
    if (await imports.expire(id, before))
      logger.info({ codeImport: id }, "import of codes was abandoned; its codes are removed");
    // False where it was gone on with, or a campaign has it: nothing of it is removed then.
    if (await imports.removeSome(id)) left = left.slice(1);
  }

  const round = troubleOnce(look, {
    failed: (error) =>
      logger.warn({ err: error }, "abandoned imports of codes could not be removed; the next look goes on"),
    recovered: () => logger.info("abandoned imports of codes are removed again"),
  });
  return { ...createTick(clock, logger, round), look };
}
