import { performance } from "node:perf_hooks";
import { type Db, MongoServerError } from "mongodb";
import { DUPLICATE_KEY } from "./unordered-insert.ts";

export type ReplicaSet = {
  readonly name: string;
  readonly members: number;
  /** Primary and secondaries that are up; undefined: it may not be asked. */
  readonly healthy: number | undefined;
};

export type MongoFacts = ReturnType<typeof createMongoFacts>;

/** One document that is written over and over. */
const PROBE = "preflight";
const PRIMARY = 1;
const SECONDARY = 2;

type Hello = {
  readonly setName?: string;
  readonly hosts?: readonly string[];
  readonly passives?: readonly string[];
};
type Status = { readonly members?: readonly { readonly health: number; readonly state: number }[] };

/** How MongoDB is set up, and whether it takes a write as durable as ours are. */
export function createMongoFacts(db: Db) {
  const probes = db.collection<{ _id: string; at: Date }>("probes");
  return {
    /** Writes (majority, journaled), and says how many ms that took. */
    async write(withinMs: number): Promise<number> {
      const startedAtMs = performance.now();
      const writeConcern = { w: "majority", journal: true, wtimeoutMS: withinMs } as const;
      const write = () =>
        probes.updateOne({ _id: PROBE }, [{ $set: { at: "$$NOW" } }], { upsert: true, writeConcern });
      // Two that make the document at once: the second finds it made.
      await write().catch((error: unknown) => {
        if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return write();
        throw error;
      });
      return performance.now() - startedAtMs;
    },

    /** undefined: a server by itself. */
    async replicaSet(): Promise<ReplicaSet | undefined> {
      const { setName: name, hosts = [], passives = [] } = (await db.command({ hello: 1 })) as Hello;
      if (name === undefined) return undefined;
      const members = hosts.length + passives.length;
      const status = (await db
        .admin()
        .command({ replSetGetStatus: 1 })
        .catch(() => undefined)) as Status | undefined;
      const voters = status?.members;
      if (voters === undefined) return { name, members, healthy: undefined };
      const isUp = ({ health, state }: { health: number; state: number }) =>
        health === 1 && (state === PRIMARY || state === SECONDARY);
      return { name, members: voters.length, healthy: voters.filter(isUp).length };
    },
  };
}
