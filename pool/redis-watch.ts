import { setTimeout as sleep } from "node:timers/promises";
import { withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import { StoreUnavailable } from "../runtime/store-unavailable.ts";
import { PROCESS_KEY } from "./keys.ts";
import type { Link } from "./redis-link.ts";
import { createSecondLook } from "./redis-second-look.ts";
import { isConnectionTrouble, isRefusal, wordsOf } from "./redis-trouble.ts";

export type WatchOptions = {
  readonly first: Link;
  /** Opens another client, to the Redis that the address leads to now. */
  readonly open: () => Promise<Link>;
  /** A command that could not be sent for so long, in ms, is never sent. */
  readonly unsentMs: number;
  readonly logger: Logger;
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
  close(): Promise<void>;
};

/** A part of Redis that works or fails as a whole: the one server, or the slot of a campaign. */
type Place = {
  readonly name: string;
  readonly key: string;
  waiting: number;
  /** Since when no answer has come, while commands wait. */
  quietSinceMs: number;
  trouble?: { readonly sinceMs: number; cause: string; told: boolean };
};

/** After so long without any answer while commands wait, a place counts as in trouble. */
const SILENT_MS = 1_000;
const LOOK_EVERY_MS = 250;
/** The time for an answer of the client in use, or of another client. */
const ASK_MS = 1_500;
/** The pauses before attempts; the last one also before all later attempts. */
const PAUSES_MS = [0, 50, 100, 200, 400, 800, 1_000];
/** How many of the places in trouble are asked at once. */
const PLACES_ASKED_MAX = 8;
const REMIND_EVERY_MS = 10_000;
/** How long a replaced client may wait for replies under way. */
const RETIRE_MS = 3_000;

export function watchRedis({ first, open, unsentMs, logger }: WatchOptions): Watch {
  let link = first;
  let mending: Promise<void> | undefined;
  const places = new Map<string, Place>();
  const closing = new AbortController();
  const retiring = new Set<Promise<void>>();

  function placeOf(used: Link, key: string): Place {
    const name = used.placeOf(key);
    const known = places.get(name);
    if (known !== undefined) return known;
    const place: Place = { name, key, waiting: 0, quietSinceMs: 0 };
    places.set(name, place);
    return place;
  }

  function troubled(place: Place, cause: string): void {
    if (place.trouble === undefined) place.trouble = { sinceMs: performance.now(), cause, told: false };
    else place.trouble.cause = cause;
    mending ??= mend().finally(() => {
      mending = undefined;
    });
  }

  const inTrouble = () => [...places.values()].filter(({ trouble }) => trouble !== undefined);

  function leave(place: Place): void {
    if (place.waiting === 0 && place.trouble === undefined) places.delete(place.name);
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

  async function servesSome(asked: Link): Promise<boolean> {
    const some = inTrouble().slice(0, PLACES_ASKED_MAX);
    const served = await Promise.all(some.map((place) => serves(asked, place)));
    for (const [i, place] of some.entries()) if (served[i] === true) recovered(place);
    return served.some(Boolean);
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

  async function mend(): Promise<void> {
    const reminder = createReminder(logger);
    for (let attempt = 0; inTrouble().length > 0 && !closing.signal.aborted; attempt += 1) {
      const pauseMs = PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)] ?? 0;
      await sleep(pauseMs, undefined, { signal: closing.signal, ref: false }).catch(() => {});
      if (closing.signal.aborted) return;
      await servesSome(link);
      const [worst] = inTrouble();
      if (worst?.trouble === undefined) continue;
      worst.trouble.told = true;
      reminder(worst.trouble.cause, about(worst), attempt);
      try {
        const next = await open();
        if (!closing.signal.aborted && (await servesSome(next))) takePlace(next);
        else next.destroy();
      } catch (error) {
        for (const place of inTrouble()) if (place.trouble) place.trouble.cause = wordsOf(error);
      }
    }
  }

  function use(next: Link): void {
    link = next;
    next.onTrouble((error, node) => {
      if (link !== next || closing.signal.aborted) return;
      logger.warn({ component: "pool", node, cause: wordsOf(error) }, "Redis connection lost");
      troubled(placeOf(next, PROCESS_KEY), wordsOf(error));
    });
  }

  use(first);
  const look = setInterval(() => {
    const now = performance.now();
    for (const place of places.values()) {
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
      const place = placeOf(used, key);
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
    async close() {
      clearInterval(look);
      closing.abort();
      await Promise.all([link.close(RETIRE_MS), mending, secondLook.idle(), ...retiring]);
    },
  };
}

function about({ name }: Place): Record<string, string> {
  return name === "" ? {} : { place: name };
}

/** Logs what it waits for: at first, when that changes, and every ten seconds. */
function createReminder(logger: Logger) {
  const sinceMs = performance.now();
  let said = "";
  let saidAtMs = 0;
  return (cause: string, where: Record<string, string>, attempts: number): void => {
    const now = performance.now();
    if (cause === said && now - saidAtMs < REMIND_EVERY_MS) return;
    const details = { component: "pool", ...where, cause, attempts, forMs: Math.round(now - sinceMs) };
    logger.warn(details, "Redis does not serve; connecting anew until it does");
    said = cause;
    saidAtMs = now;
  };
}
