import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { DeadlineExceeded, withDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import type { RedisNotes } from "../runtime/store-metrics.ts";
import { StoreUnavailable } from "../runtime/store-unavailable.ts";
import { EXIT, UserError } from "../runtime/user-error.ts";
import { campaignKeys, PROCESS_KEY } from "./keys.ts";
import { createMasterFinder, type Heard, type MasterFinder } from "./master-finder.ts";
import { followMaster } from "./redis-follow.ts";
import { askGreeting } from "./redis-greeting.ts";
import { askKind, type RedisKind } from "./redis-kind.ts";
import { type Link, openLink } from "./redis-link.ts";
import { checkRights, missingRight } from "./redis-rights.ts";
import { isConnectionTrouble, isNoPermission, wordsOf } from "./redis-trouble.ts";
import { type Endpoint, hostOf, hostsOf, parseRedisUrls, type RedisAddress } from "./redis-url.ts";
import { type Watch, watchRedis } from "./redis-watch.ts";
import { type ScriptName, scripts } from "./scripts.ts";

/**
 * The calls to Redis that the product needs: its scripts, and for preflight the commands that no script can
 * run. The interface is the same for a server and a cluster.
 */
export type Redis = {
  [name in ScriptName]: (keys: readonly string[], args: readonly string[]) => Promise<unknown>;
} & {
  /** A plain command, to the server or the node of a cluster that has the key. */
  command(key: string, args: readonly string[]): Promise<unknown>;
  /** How many of the Sentinels answered when they were last asked; undefined: there are none. */
  sentinels(): Heard | undefined;
  readonly sizes: Watch["sizes"];
  /** Waits for replies under way, then closes. */
  close(): Promise<void>;
};

export type RedisOptions = {
  /** `redis://host:port`, or several with commas between them: nodes of a cluster. */
  url: string;
  /** How long the first connection may take, in ms. */
  connectWithinMs: number;
  /** A command that could not be sent for so long, in ms, is never sent: its caller has given up. */
  unsentMs?: number;
  logger: Logger;
  /** Called with what happens to the connection. */
  notes?: RedisNotes;
};

const UNSENT_MS = 2_000;
/** The time for one client to connect; after it, a new attempt begins. */
const OPEN_WITHIN_MS = 3_000;
/** The share of the remaining time to wait for an answer: so the error names the cause, not the deadline. */
const ANSWER_SHARE = 0.9;
/** The time to find the master by its Sentinels, and its share of what is left at the start. */
const FIND_WITHIN_MS = 3_000;
const FIND_SHARE = 0.4;
/** A shorter time would be the reason that is told, in the last attempt. */
const FIND_LEAST_MS = 500;
const PAUSE_MS = 100;
const REMIND_EVERY_MS = 5_000;
/** With so many random hash tags, each part of a cluster almost certainly has one. */
const TAGS_TRIED = 24;

/**
 * Connects to the Redis, or the Redis Cluster, that answers at the address. After that, every lost connection
 * is replaced, without limit, also where the address leads to another Redis. Meanwhile commands are refused
 * instead of queued: a claim must not run after its caller gave up.
 * @throws UserError when no usable Redis answers within `connectWithinMs`
 */
export async function connectRedis(options: RedisOptions): Promise<Redis> {
  const { url, connectWithinMs, unsentMs = UNSENT_MS, logger, notes } = options;
  const address = parseRedisUrls(url);
  const finder = createMasterFinder(address);
  const { kind, link } = await firstLink(address, finder, connectWithinMs, logger).catch((error: unknown) => {
    finder.close();
    throw error;
  });
  const watch = watchRedis({
    ...{ first: link, open: createOpener(finder, kind, link), unsentMs, logger },
    ...(notes === undefined ? {} : { notes }),
  });
  const follower = followMaster({ finder, watch, logger });
  const call = (name: ScriptName) => (keys: readonly string[], args: readonly string[]) =>
    watch.run(keys[0] ?? PROCESS_KEY, (used, unsent) => used.run(name, keys, args, unsent));
  const calls = Object.fromEntries((Object.keys(scripts) as ScriptName[]).map((name) => [name, call(name)]));
  return {
    ...(calls as Record<ScriptName, ReturnType<typeof call>>),
    command: (key, args) => watch.run(key, (used, unsent) => used.command(key, args, unsent)),
    sentinels: finder.heard,
    sizes: watch.sizes,
    async close() {
      await follower.close();
      await watch.close();
      finder.close();
    },
  };
}

/** Tries until a Redis serves, and logs meanwhile what it waits for. */
async function firstLink(
  address: RedisAddress,
  finder: MasterFinder,
  withinMs: number,
  logger: Logger,
): Promise<{ readonly kind: RedisKind; readonly link: Link }> {
  const endsAtMs = performance.now() + withinMs;
  let told = { cause: "", atMs: 0 };
  for (;;) {
    try {
      const leftMs = Math.max(1, endsAtMs - performance.now());
      const opening = openFirst(finder, leftMs, logger);
      return await withDeadline(opening, leftMs, "connecting to Redis").catch((error: unknown) => {
        if (error instanceof DeadlineExceeded) opening.then(({ link }) => link.destroy()).catch(() => {});
        throw error;
      });
    } catch (error) {
      if (error instanceof UserError) throw error;
      const cause = wordsOf(error);
      const now = performance.now();
      if (now + PAUSE_MS >= endsAtMs) {
        const why = told.cause !== "" && error instanceof DeadlineExceeded ? told.cause : cause;
        throw noRedis(address, why, withinMs, error);
      }
      if (cause !== told.cause || now - told.atMs > REMIND_EVERY_MS) {
        logger.warn(
          { component: "pool", at: hostsOf(address.sentinels ?? address), cause },
          "waiting for Redis",
        );
        told = { cause, atMs: now };
      }
      await sleep(PAUSE_MS);
    }
  }
}

/** Error texts of a cluster, or of its client, for slots that no node has. */
const NO_SLOTS = /^CLUSTERDOWN|^no node of the cluster has this slot$/;

function noRedis(address: RedisAddress, why: string, withinMs: number, cause: unknown): UserError {
  const waited = `START_DEADLINE_MS, ${withinMs} ms, is over`;
  if (address.sentinels !== undefined) {
    const { master } = address.sentinels;
    return new UserError(
      `no master ${master} of the Sentinels at ${hostsOf(address.sentinels)} (${why}; ${waited}): start them and their Redis, or give others in REDIS_URL`,
      EXIT.storeUnavailable,
      { cause },
    );
  }
  const words = NO_SLOTS.test(why)
    ? `the Redis Cluster at ${hostsOf(address)} is down (cluster_state:fail): ${why}; ${waited}: have its nodes meet and its ` +
      "slots assigned (redis-cli --cluster create, --cluster fix), or give another address in REDIS_URL"
    : `no Redis at ${hostsOf(address)} (${why}; ${waited}): start one, or give its address in REDIS_URL`;
  return new UserError(words, EXIT.storeUnavailable, { cause });
}

async function openFirst(finder: MasterFinder, leftMs: number, logger: Logger) {
  const endsAtMs = performance.now() + leftMs * ANSWER_SHARE;
  const address = await finder.find(Math.max(FIND_LEAST_MS, Math.min(FIND_WITHIN_MS, leftMs * FIND_SHARE)));
  const named = (error: unknown): never => {
    throw error instanceof Error && isNoPermission(error) ? missingRight(address, error) : error;
  };
  const kind = await askKind(address, endsAtMs - performance.now()).catch(named);
  const link = await openMaster(address, kind).catch(named);
  try {
    const tag = await servedTag(link, kind, logger);
    await checkRights(link, kind, address, { tag, withinMs: OPEN_WITHIN_MS });
    return { kind, link };
  } catch (error) {
    link.destroy();
    throw error;
  }
}

/**
 * A hash tag of a part of Redis that accepts claims. One such part is enough to start: the others may recover
 * later.
 */
async function servedTag(link: Link, kind: RedisKind, logger: Logger): Promise<string> {
  // Different tags at each start: several processes may test their rights at once.
  const mine = randomUUID();
  const tags = Array.from({ length: kind === "cluster" ? TAGS_TRIED : 1 }, (_, i) => `start-${mine}-${i}`);
  const asked = await Promise.allSettled(
    tags.map(async (tag) => {
      const key = campaignKeys(tag).probe;
      const unsent = AbortSignal.timeout(OPEN_WITHIN_MS);
      await withDeadline(link.run("ready", [key], [], unsent), OPEN_WITHIN_MS, "Redis ready").catch(
        (error: unknown) => {
          if (isConnectionTrouble(error)) throw error;
        },
      );
      return tag;
    }),
  );
  const served = asked.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const [trouble] = asked.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  const [tag] = served;
  if (tag === undefined) throw trouble;
  if (trouble !== undefined) {
    const parts = `${tags.length - served.length} of ${tags.length} slots that were tried`;
    logger.warn(
      { component: "pool", cause: wordsOf(trouble) },
      `Redis Cluster is not whole: ${parts} do not answer`,
    );
  }
  return tag;
}

/** Rejects where the Sentinels name a Redis that is no master: not yet, or not any more. */
async function openMaster(address: RedisAddress, kind: RedisKind): Promise<Link> {
  const link = await openLink({ address, kind, withinMs: OPEN_WITHIN_MS });
  if (address.sentinels === undefined) return link;
  try {
    const unsent = AbortSignal.timeout(OPEN_WITHIN_MS);
    const asked = askGreeting((command) => link.ask(command, unsent));
    const { role } = await withDeadline(asked, OPEN_WITHIN_MS, "Redis HELLO");
    if (role === "master") return link;
    throw new StoreUnavailable(`${hostsOf(address)}, which the Sentinels name, is a ${role} and no master`);
  } catch (error) {
    link.destroy();
    throw error;
  }
}

/**
 * Opens further clients. For a cluster they start from every master ever seen, not only from REDIS_URL: its
 * nodes may have been removed.
 */
function createOpener(finder: MasterFinder, kind: RedisKind, first: Link): () => Promise<Link> {
  const seen = new Map<string, Endpoint>();
  const note = (nodes: readonly Endpoint[]) => {
    for (const node of nodes) seen.set(hostOf(node), node);
  };
  note(first.nodes());
  return async () => {
    const address = await finder.find();
    note(address.nodes);
    const nodes = kind === "cluster" ? [...seen.values()] : address.nodes;
    const link = await openMaster({ ...address, nodes }, kind);
    note(link.nodes());
    return link;
  };
}
