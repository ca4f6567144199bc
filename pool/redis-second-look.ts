import { withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import { PROCESS_KEY } from "./keys.ts";
import type { Link } from "./redis-link.ts";
import { wordsOf } from "./redis-trouble.ts";

/**
 * Checks over a second connection where the address leads, while the Redis in use refuses scripts that may
 * write. After a failover behind an address whose connections stay open, the old master may still be a
 * master, and refuse because replicas or memory are missing: only its process identity shows that another one
 * has replaced it. A Redis that is really full stays in use: it still answers the holders of coupons.
 */
export type SecondLook = {
  /** Reports that the Sentinels name this address, which is not the one in use. At most one look runs. */
  named(at: string): void;
  /** Reports a refusal of the Redis in use. At most one look runs, and one begins per `LOOK_EVERY_MS`. */
  refused(place: string, key: string, error: unknown): void;
  /** Resolves when no look is under way. */
  idle(): Promise<void>;
};

export type SecondLookOptions = {
  readonly inUse: () => Link;
  readonly open: () => Promise<Link>;
  readonly takePlace: (next: Link) => void;
  readonly closing: AbortSignal;
  readonly logger: Logger;
};

export const LOOK_EVERY_MS = 1_000;
const ASK_MS = 1_500;
/** How many of the places that refuse are checked together. */
const PLACES_MAX = 8;

export function createSecondLook(options: SecondLookOptions): SecondLook {
  const { inUse, open, takePlace, closing, logger } = options;
  /** The places that refused since they were last checked, with a key of each. */
  const refusing = new Map<string, string>();
  let begunAtMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;

  /** Whether `next` serves at the place of the key, and is another process than the one in use there. */
  async function isMovedTo(next: Link, used: Link, key: string): Promise<boolean> {
    const [there, here] = await Promise.all([
      // It must serve, not only be another process: a replica that is not promoted yet does not help.
      Promise.all([ask(next, "fence", key), ask(next, "ready", key)]).then(
        ([token]) => token,
        () => undefined,
      ),
      // A Redis in use that does not report its identity (a missing right, a script that does not end) counts
      // as another process.
      ask(used, "fence", key).catch(() => undefined),
    ]);
    return there !== undefined && there !== here;
  }

  type IsBetter = (next: Link, used: Link) => Promise<boolean>;

  function look(details: Record<string, string>, words: string, isBetter: IsBetter): void {
    if (looking !== undefined) return;
    const use = async () => {
      const used = inUse();
      const next = await open().catch(() => undefined);
      if (next === undefined) return;
      if (!(await isBetter(next, used)) || closing.aborted || inUse() !== used) return next.destroy();
      logger.warn({ component: "pool", ...details }, words);
      takePlace(next);
    };
    looking = use().finally(() => {
      looking = undefined;
    });
  }

  async function isMovedSomewhere(next: Link, used: Link): Promise<boolean> {
    const keys = [...refusing].slice(0, PLACES_MAX).map(([place, key]) => {
      refusing.delete(place);
      return key;
    });
    const moved = await Promise.all(keys.map((key) => isMovedTo(next, used, key)));
    return moved.includes(true);
  }

  return {
    refused(place, key, error) {
      refusing.set(place, key);
      const now = performance.now();
      if (looking !== undefined || now - begunAtMs < LOOK_EVERY_MS) return;
      begunAtMs = now;
      const words = "Redis refuses, and its address leads to another one that serves";
      look({ cause: wordsOf(error) }, words, isMovedSomewhere);
    },
    named(at) {
      const serves = (next: Link) =>
        ask(next, "ready", PROCESS_KEY).then(
          () => true,
          () => false,
        );
      look({ at }, "the Sentinels name another master, which serves", serves);
    },
    async idle() {
      await looking;
    },
  };
}

function ask(link: Link, name: "fence" | "ready", key: string): Promise<unknown> {
  return withDeadline(link.run(name, [key], [], AbortSignal.timeout(ASK_MS)), ASK_MS, `Redis ${name}`);
}
