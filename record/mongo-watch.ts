import type { MongoClient, ServerType } from "mongodb";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";

export type MongoWatchDeps = {
  readonly client: MongoClient;
  readonly clock: Clock;
  readonly logger: Logger;
};

export type MongoWatch = {
  /** Resolves when no connecting is under way any more; call it before the client is closed. */
  close(): Promise<void>;
};

/** Longer than a heartbeat takes to succeed or to fail: connecting, the handshake, and its own pace. */
const PATIENCE_MS = 4_500;
const LOOK_EVERY_MS = 1_000;
/** Two in a row: a process that was stopped for a while finds every heartbeat late at its first look. */
const LOOKS = 2;
/** Before each further attempt to connect; the last one for all that follow. */
const PAUSES_MS = [0, 100, 200, 400, 800];

const WRITABLE: readonly ServerType[] = ["Standalone", "RSPrimary", "Mongos", "LoadBalancer"];

/**
 * Closes a client whose driver is stuck, and connects it again. The driver waits without a deadline for the
 * event `drain` of a socket that closes while a command is written; such a socket never emits it. If the
 * command is a heartbeat, that server is never looked at again, and the client reaches no MongoDB for the
 * rest of the process; if it is an operation, its connection never returns to the pool. Source: mongodb 7.8.0
 * and 7.9.0, lib/cmap/connection.js, writeCommand. Calls under way fail; their callers treat them as
 * uncertain.
 */
export function watchMongo({ client, clock, logger }: MongoWatchDeps): MongoWatch {
  /** When the heartbeat that is under way began, by server. */
  const beats = new Map<string, number>();
  let writable = true;
  /** Since when no operation was given a connection of the pool, although it waited for one. */
  let starvedSinceMs: number | undefined;
  let looks = 0;
  let closing = false;
  let cancelLook = clock.after(LOOK_EVERY_MS, look);
  let mending: Promise<void> = Promise.resolve();

  client.on("serverHeartbeatStarted", ({ connectionId }) => beats.set(connectionId, clock.elapsed()));
  client.on("serverHeartbeatSucceeded", ({ connectionId }) => beats.delete(connectionId));
  client.on("serverHeartbeatFailed", ({ connectionId }) => beats.delete(connectionId));
  client.on("serverClosed", ({ address }) => beats.delete(address));
  client.on("topologyDescriptionChanged", ({ newDescription }) => {
    writable = [...newDescription.servers.values()].some(({ type }) => WRITABLE.includes(type));
  });
  client.on("connectionCheckedOut", () => {
    starvedSinceMs = undefined;
  });
  client.on("connectionCheckOutFailed", ({ reason }) => {
    if (reason === "timeout") starvedSinceMs ??= clock.elapsed();
  });

  function cause(): string | undefined {
    const isLate = (sinceMs: number) => clock.elapsed() - sinceMs > PATIENCE_MS;
    if (!writable && [...beats.values()].some(isLate)) return "a heartbeat does not end";
    if (starvedSinceMs !== undefined && isLate(starvedSinceMs)) return "no connection returns to the pool";
    return undefined;
  }

  function look(): void {
    const found = cause();
    looks = found === undefined ? 0 : looks + 1;
    if (found === undefined || looks < LOOKS) cancelLook = clock.after(LOOK_EVERY_MS, look);
    else mending = mend(found);
  }

  async function mend(found: string): Promise<void> {
    logger.warn({ cause: found }, "the MongoDB driver is stuck: its client is closed and connected again");
    await client.close().catch((error: unknown) => logger.warn({ err: error }, "the client did not close"));
    for (let attempt = 0; !closing; attempt++) {
      beats.clear();
      starvedSinceMs = undefined;
      looks = 0;
      try {
        await client.connect();
        logger.info("MongoDB is connected again");
        break;
      } catch (error) {
        // Once: after it, the breakers report that MongoDB does not answer.
        if (attempt === 0) logger.warn({ err: error }, "MongoDB does not answer: connecting goes on");
        await sleep(clock, PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)] ?? 0);
      }
    }
    if (!closing) cancelLook = clock.after(LOOK_EVERY_MS, look);
  }

  return {
    async close() {
      closing = true;
      cancelLook();
      await mending;
    },
  };
}
