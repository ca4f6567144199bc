import { performance } from "node:perf_hooks";
import { type Db, MongoServerError } from "mongodb";
import { isMongos, shardedAmong } from "./sharding.ts";
import { DUPLICATE_KEY } from "./unordered-insert.ts";

/** The kind of deployment that MONGODB_URL leads to. */
export type Deployment =
  | { readonly kind: "standalone" }
  | {
      readonly kind: "replica-set";
      readonly name: string;
      /** Members that hold data: primary and secondaries, no arbiters. */
      readonly members: number;
      /** How many of them are up; undefined: the user may not read it. */
      readonly healthy: number | undefined;
      /** How many must be up for a write to be durable. */
      readonly majority: number;
    }
  | {
      readonly kind: "mongos";
      /** Which of `UNSHARDED` are sharded; undefined: the user may not read it. */
      readonly sharded: readonly string[] | undefined;
    };

export type MongoFacts = ReturnType<typeof createMongoFacts>;

/** One document that is written over and over. */
const PROBE = "preflight";
const PRIMARY = 1;
const SECONDARY = 2;
const ARBITER = 7;

type Hello = {
  readonly msg?: string;
  readonly setName?: string;
  readonly hosts?: readonly string[];
  readonly passives?: readonly string[];
};
type Status = {
  readonly members?: readonly { readonly health: number; readonly state: number }[];
  readonly writeMajorityCount?: number;
};

/** Reads how MongoDB is set up, and whether it takes a write as durable as an issuance. */
export function createMongoFacts(db: Db) {
  const probes = db.collection<{ _id: string; at: Date }>("probes");
  return {
    /** Writes (majority, journaled); returns how many ms that took. */
    async write(withinMs: number): Promise<number> {
      const startedAtMs = performance.now();
      const writeConcern = { w: "majority", journal: true, wtimeoutMS: withinMs } as const;
      const write = () =>
        probes.updateOne({ _id: PROBE }, [{ $set: { at: "$$NOW" } }], { upsert: true, writeConcern });
      // If two processes create the document at once, the second one gets a duplicate key and updates it.
      await write().catch((error: unknown) => {
        if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return write();
        throw error;
      });
      return performance.now() - startedAtMs;
    },

    /** The clock of MongoDB, in ms. */
    async nowMs(): Promise<number> {
      const { localTime } = (await db.command({ hello: 1 })) as { readonly localTime?: Date };
      return (localTime ?? (await writtenAt())).getTime();
    },

    async deployment(): Promise<Deployment> {
      const hello = (await db.command({ hello: 1 })) as Hello;
      if (isMongos(hello)) return { kind: "mongos", sharded: await shardedAmong(db) };
      return hello.setName === undefined ? { kind: "standalone" } : replicaSet(hello.setName, hello);
    },
  };

  /** The clock of an engine whose `hello` does not tell it, as that of the local stack does not. */
  async function writtenAt(): Promise<Date> {
    const now = [{ $set: { at: "$$NOW" } }];
    const write = () =>
      probes.findOneAndUpdate({ _id: PROBE }, now, { upsert: true, returnDocument: "after" });
    const probe = await write().catch((error: unknown) => {
      if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return write();
      throw error;
    });
    if (probe === null) throw new Error("an upsert has no document");
    return probe.at;
  }

  async function replicaSet(name: string, { hosts = [], passives = [] }: Hello): Promise<Deployment> {
    const status = (await db
      .admin()
      .command({ replSetGetStatus: 1 })
      .catch(() => undefined)) as Status | undefined;
    const holders = status?.members?.filter(({ state }) => state !== ARBITER);
    const members = holders?.length ?? hosts.length + passives.length;
    const isUp = ({ health, state }: { health: number; state: number }) =>
      health === 1 && (state === PRIMARY || state === SECONDARY);
    return {
      ...{ kind: "replica-set", name, members, healthy: holders?.filter(isUp).length },
      majority: status?.writeMajorityCount ?? Math.floor(members / 2) + 1,
    };
  }
}
