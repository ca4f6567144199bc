import type { Collection, Db } from "mongodb";
import type { SinkDoc, SinkReport, SinkTestAnswer } from "./event-documents.ts";
import { isOver } from "./leases.ts";

export type SinkLeases = ReturnType<typeof createSinkLeases>;

/** Field by field: a document in a pipeline is merged with the one that is there. */
const reported = ({ waitingSince }: SinkReport) => ({
  "reported.at": "$$NOW",
  "reported.waitingSince": waitingSince ?? "$$REMOVE",
});

/** Which process delivers to each sink, and which one tests it. */
export function createSinkLeases(db: Db) {
  const collection: Collection<SinkDoc> = db.collection("sinks");
  return {
    /**
     * Takes or renews the lease of a sink that is not paused, and leaves what its owner reports; null:
     * another process has it. The term rises with each new owner.
     */
    takeLease: (name: string, owner: string, leaseMs: number, report?: SinkReport): Promise<SinkDoc | null> =>
      collection.findOneAndUpdate(
        {
          _id: name,
          paused: { $exists: false },
          $expr: { $or: [isOver("$lease.until"), { $eq: ["$lease.owner", owner] }] },
        },
        [
          {
            $set: {
              term: { $cond: [{ $eq: ["$lease.owner", owner] }, "$term", { $add: ["$term", 1] }] },
              lease: { owner, until: { $add: ["$$NOW", leaseMs] } },
              ...(report === undefined ? {} : reported(report)),
            },
          },
        ],
        { returnDocument: "after" },
      ),

    async dropLease(name: string, owner: string): Promise<void> {
      await collection.updateOne({ _id: name, "lease.owner": owner }, { $unset: { lease: 1 } });
    },

    /**
     * Asks for a test of a sink, unless one was asked for within the last `withinMs` and is not answered.
     * False: it was, or there is no such sink.
     */
    async askForTest(name: string, id: string, withinMs: number): Promise<boolean> {
      const runs = {
        $and: [
          { $eq: [{ $type: "$test.answer" }, "missing"] },
          { $gt: ["$test.askedAt", { $subtract: ["$$NOW", withinMs] }] },
        ],
      };
      const asked = await collection.updateOne({ _id: name, $expr: { $not: [runs] } }, [
        { $unset: "test" },
        { $set: { test: { id, askedAt: "$$NOW" } } },
      ]);
      return asked.matchedCount === 1;
    },

    /** Takes the test that nobody has taken; null: another process was first. */
    takeTest: (name: string, id: string, owner: string): Promise<SinkDoc | null> =>
      collection.findOneAndUpdate(
        { _id: name, "test.id": id, "test.owner": { $exists: false } },
        { $set: { "test.owner": owner } },
        { returnDocument: "after" },
      ),

    async answerTest(name: string, id: string, answer: SinkTestAnswer): Promise<void> {
      await collection.updateOne({ _id: name, "test.id": id }, { $set: { "test.answer": answer } });
    },
  };
}
