import type { Collection, Db } from "mongodb";
import type { ProcessBeat, ProcessDoc } from "./documents.ts";

/** A process with its ages on MongoDB's clock, so that no two clocks are compared. */
export type SeenProcess = ProcessDoc & { readonly ageMs: number; readonly tickAgeMs?: number };

/** What other servers need to know of a server that is ready. */
export type SeenServer = Pick<SeenProcess, "_id" | "host" | "serving" | "redisClock" | "ageMs">;

export type Processes = ReturnType<typeof createProcesses>;

/** The most processes that `seen` returns, and the most servers that `servers` does. */
export const PROCESSES_MAX = 200;
const SERVERS_MAX = 50;

/** A lost heartbeat costs nothing: the next one comes in a second. */
const LIGHT = { w: 1, journal: false } as const;

export function createProcesses(db: Db) {
  const collection: Collection<ProcessDoc> = db.collection("processes");
  const before = (ms: number) => ({ $subtract: ["$$NOW", ms] });
  return {
    /** Replaces the last heartbeat of a process. `tickAgeMs`: since its scheduler last completed a round. */
    async beat(owner: string, beat: ProcessBeat, tickAgeMs?: number): Promise<void> {
      const stamped = {
        seenAt: "$$NOW",
        ...(tickAgeMs === undefined ? {} : { lastTickAt: before(Math.round(tickAgeMs)) }),
      };
      await collection.updateOne(
        { _id: owner },
        [{ $replaceWith: { $mergeObjects: [{ _id: owner }, { $literal: beat }, stamped] } }],
        { upsert: true, writeConcern: LIGHT },
      );
    },

    /** Deregisters a process that ends in an orderly manner, so that it does not look crashed. */
    async leave(owner: string): Promise<void> {
      await collection.deleteOne({ _id: owner }, { writeConcern: LIGHT });
    },

    /** Removes the processes whose last heartbeat is older than this. */
    async forget(silentMs: number): Promise<void> {
      const filter = { $expr: { $lt: ["$seenAt", before(silentMs)] } };
      await collection.deleteMany(filter, { writeConcern: LIGHT });
    },

    /** Processes with a heartbeat within so many ms, oldest start first, at most `PROCESSES_MAX`. */
    seen: (withinMs: number): Promise<SeenProcess[]> =>
      collection
        .aggregate<SeenProcess>(
          [
            { $match: { $expr: { $gte: ["$seenAt", before(withinMs)] } } },
            { $sort: { startedAt: 1, _id: 1 } },
            { $limit: PROCESSES_MAX },
            {
              $set: {
                ageMs: { $subtract: ["$$NOW", "$seenAt"] },
                tickAgeMs: {
                  $cond: [
                    { $eq: [{ $type: "$lastTickAt" }, "date"] },
                    { $subtract: ["$$NOW", "$lastTickAt"] },
                    "$$REMOVE",
                  ],
                },
              },
            },
          ],
          { readConcern: { level: "local" } },
        )
        .toArray(),

    /** Servers that were ready at a heartbeat within so many ms, the newest first, at most `SERVERS_MAX`. */
    servers: (withinMs: number): Promise<SeenServer[]> =>
      collection
        .aggregate<SeenServer>(
          [
            { $match: { serving: { $exists: true }, $expr: { $gte: ["$seenAt", before(withinMs)] } } },
            { $sort: { seenAt: -1, _id: 1 } },
            { $limit: SERVERS_MAX },
            { $project: { host: 1, serving: 1, redisClock: 1, ageMs: { $subtract: ["$$NOW", "$seenAt"] } } },
          ],
          { readConcern: { level: "local" } },
        )
        .toArray(),
  };
}
