import { setTimeout as sleep } from "node:timers/promises";
import { withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import type { RedisNotes } from "../runtime/store-metrics.ts";
import { StoreUnavailable } from "../runtime/store-unavailable.ts";
import { PROCESS_KEY } from "./keys.ts";
import type { Link } from "./redis-link.ts";
import { createReminder } from "./redis-reminder.ts";
import { createSecondLook } from "./redis-second-look.ts";
import { isConnectionTrouble, isRefusal, wordsOf } from "./redis-trouble.ts";
import { type Endpoint, hostOf } from "./redis-url.ts";
import { createPlaces, type Place, type Places } from "./watched-places.ts";

export type WatchOptions = {
  readonly first: Link;
  /** Opens another client, to the Redis that the address leads to now. */
  readonly open: () => Promise<Link>;
  /** A command that could not be sent for so long, in ms, is never sent. */
  readonly unsentMs: number;
  readonly logger: Logger;
  readonly notes?: RedisNotes;
};

/**
 * Sends commands over one client while it serves, and replaces it when it does not: after a refusal that only
 * another Redis can solve (READONLY after a failover behind the same address), a lost connection, no answer,
 * or a refusal of any Redis (OOM, NOREPLICAS) while the address leads to another process, which serves. No
 * command is ever sent twice here: a command under way fails, and its caller answers that it may have
 * happened.
 */
export type Watch = {
  /** `key` names the place of Redis that is asked. */
  run(key: string, send: (link: Link, unsent: AbortSignal) => Promise<unknown>): Promise<unknown>;
  /** Sentinels name this address: it takes the place of the Redis in use, if it is another and serves. */
  named(master: Endpoint): void;
  readonly sizes: Places["sizes"];
  close(): Promise<void>;
};

/** After so long without any answer while commands wait, a place counts as in trouble. */
const SILENT_MS = 1_000;
const LOOK_EVERY_MS = 250;
/** The time for an answer of the client in use, or of another client. */
const ASK_MS = 1_500;
/** So long the client in use is asked alone; after it, or when it fails, another one connects meanwhile. */
const ASKED_ALONE_MS = 250;
/** The least times between the starts of attempts; the last one also for all later attempts. */
const PAUSES_MS = [0, 50, 100, 200, 400, 800, 1_000];
/** How many of the places in trouble are asked at once. */
const PLACES_ASKED_MAX = 8;
/** How long a replaced client may wait for replies under way. */
const RETIRE_MS = 3_000;

export function watchRedis({ first, open, unsentMs, logger, notes }: WatchOptions): Watch {
  let link = first;
  let mending: Promise<void> | undefined;
  let opening: Promise<void> | undefined;
  const places = createPlaces();
  const { inTrouble, leave } = places;
  const closing = new AbortController();
  const retiring = new Set<Promise<void>>();

  function troubled(place: Place, cause: string): void {
    if (place.trouble === undefined) {
      place.trouble = { sinceMs: performance.now(), cause, told: false };
      notes?.lost();
    } else place.trouble.cause = cause;
    mending ??= mend().finally(() => {
      mending = undefined;
    });
  }

  /**
   * Whether that Redis answers at a place now. One that refuses for another reason does answer; the second
   * look finds out whether it is the right one.
   */
  async function serves(asked: Link, place: Place): Promise<boolean> {
    try {
      const unsent = AbortSignal.timeout(ASK_MS);
      await withDeadline(asked.run("ready", [place.key], [], unsent), ASK_MS, "Redis ready");
    } catch (error) {
      if (!isConnectionTrouble(error)) return true;
      if (place.trouble !== undefined) place.trouble.cause = wordsOf(error);
      return false;
    }
    return true;
  }

  /** Asks that Redis at the places in trouble, and names each at which it answers. */
  async function askAt(asked: Link, answers: (place: Place) => void): Promise<void> {
    const some = inTrouble().slice(0, PLACES_ASKED_MAX);
    await Promise.all(some.map(async (place) => (await serves(asked, place)) && answers(place)));
  }

  async function askInUse(): Promise<void> {
    const used = link;
    await askAt(used, (place) => {
      if (link === used) recovered(place);
    });
  }

  function recovered(place: Place): void {
    if (place.trouble === undefined) return;
    const { sinceMs, told } = place.trouble;
    delete place.trouble;
    place.quietSinceMs = performance.now();
    leave(place);
    const afterMs = Math.round(performance.now() - sinceMs);
    if (told) logger.info({ component: "pool", ...about(place), afterMs }, "Redis answers again");
  }

  function takePlace(next: Link): void {
    const old = link;
    use(next);
    notes?.replaced();
    const retired = old.close(RETIRE_MS).finally(() => retiring.delete(retired));
    retiring.add(retired);
  }

  const secondLook = createSecondLook({
    inUse: () => link,
    open,
    takePlace,
    closing: closing.signal,
    logger,
  });

  /** Why the last try to open another client failed; empty: it did not. */
  let notOpened = "";

  /** Opens another client, which replaces the one in use if it serves where that one still does not. */
  async function openAnother(): Promise<void> {
    const used = link;
    try {
      const next = await open();
      notOpened = "";
      const isWanted = () => !closing.signal.aborted && link === used && inTrouble().length > 0;
      const served: Place[] = [];
      if (isWanted()) await askAt(next, (place) => served.push(place));
      const mended = served.filter(({ trouble }) => trouble !== undefined);
      // The one in use may answer again meanwhile, or another client have taken its place.
      if (mended.length === 0 || !isWanted()) return next.destroy();
      for (const place of mended) recovered(place);
      takePlace(next);
    } catch (error) {
      notOpened = wordsOf(error);
      for (const { trouble } of inTrouble()) if (trouble) trouble.cause = notOpened;
    }
  }

  async function mend(): Promise<void> {
    const reminder = createReminder(logger);
    notOpened = "";
    let begunAtMs = Number.NEGATIVE_INFINITY;
    for (let attempt = 0; inTrouble().length > 0 && !closing.signal.aborted; attempt += 1) {
      const apartMs = PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)] ?? 0;
      await pause(begunAtMs + apartMs - performance.now());
      if (closing.signal.aborted) return;
      begunAtMs = performance.now();
      const asking = askInUse();
      await Promise.race([asking, pause(ASKED_ALONE_MS)]);
      const [worst] = inTrouble();
      if (worst?.trouble === undefined || closing.signal.aborted) continue;
      worst.trouble.told = true;
      // The client in use only says that it is closed; the cause is why no other one opens (a password).
      reminder(notOpened || worst.trouble.cause, about(worst), attempt);
      opening ??= openAnother().finally(() => {
        opening = undefined;
      });
      await Promise.race([either(asking, opening), either(opening, asking)]);
    }
  }

  /** Resolves when the first has ended and has mended all, else when both have ended. */
  async function either(first: Promise<void>, second: Promise<void>): Promise<void> {
    await first;
    if (inTrouble().length > 0) await second;
  }

  async function pause(ms: number): Promise<void> {
    await sleep(Math.max(0, ms), undefined, { signal: closing.signal, ref: false }).catch(() => {});
  }

  function use(next: Link): void {
    link = next;
    next.onTrouble((error, node) => {
      if (link !== next || closing.signal.aborted) return;
      logger.warn({ component: "pool", node, cause: wordsOf(error) }, "Redis connection lost");
      troubled(places.of(next, PROCESS_KEY), wordsOf(error));
    });
  }

  use(first);
  const look = setInterval(() => {
    const now = performance.now();
    for (const place of places.all()) {
      const silentMs = now - place.quietSinceMs;
      if (place.waiting > 0 && silentMs > SILENT_MS && place.trouble === undefined) {
        troubled(place, `no answer for ${Math.round(silentMs)} ms`);
      }
    }
  }, LOOK_EVERY_MS).unref();

  return {
    async run(key, send) {
      if (closing.signal.aborted) throw new StoreUnavailable("the connection to Redis is closed");
      const used = link;
      const place = places.of(used, key);
      if (place.waiting === 0) place.quietSinceMs = performance.now();
      place.waiting += 1;
      try {
        return await send(used, AbortSignal.timeout(unsentMs));
      } catch (error) {
        // An error of a replaced client does not concern the client in use.
        if (used === link && isConnectionTrouble(error)) troubled(place, wordsOf(error));
        else if (used === link && isRefusal(error)) secondLook.refused(place.name, key, error);
        throw error;
      } finally {
        place.waiting -= 1;
        place.quietSinceMs = performance.now();
        leave(place);
      }
    },
    named(master) {
      const at = hostOf(master);
      if (!link.nodes().some((node) => hostOf(node) === at)) secondLook.named(at);
    },
    sizes: places.sizes,
    async close() {
      clearInterval(look);
      closing.abort();
      await Promise.all([link.close(RETIRE_MS), mending, opening, secondLook.idle(), ...retiring]);
    },
  };
}

function about({ name }: Place): Record<string, string> {
  return name === "" ? {} : { place: name };
}
