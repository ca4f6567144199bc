import type { Collection } from "mongodb";
import type { CampaignDoc } from "./documents.ts";
import { STANDING } from "./still-exists.ts";

/** True in an aggregation where the instant of a field, on MongoDB's clock, has passed or was never set. */
export const isOver = (until: string) => ({ $lt: [{ $ifNull: [until, new Date(0)] }, "$$NOW"] });

/**
 * The lease of a campaign: one process at a time fills, loads or changes it. A hint that saves work;
 * correctness rests on the indexes.
 */
export function createLeases(collection: Collection<CampaignDoc>) {
  return {
    /**
     * Takes the campaign's lease for `leaseMs` unless somebody else holds it or is to have it for a change;
     * null then. `raiseGeneration`: the same step hands out the next generation.
     */
    takeLease: (
      id: string,
      owner: string,
      leaseMs: number,
      raiseGeneration: boolean,
    ): Promise<CampaignDoc | null> =>
      collection.findOneAndUpdate(
        {
          _id: id,
          ...STANDING,
          $expr: {
            $and: [
              { $or: [isOver("$lease.until"), { $eq: ["$lease.owner", owner] }] },
              { $or: [isOver("$changing.until"), { $eq: ["$changing.owner", owner] }] },
            ],
          },
        },
        [
          {
            $set: {
              lease: { owner, until: { $add: ["$$NOW", leaseMs] } },
              generation: { $add: ["$generation", raiseGeneration ? 1 : 0] },
              // Whoever had a ticket has the lease now.
              changing: "$$REMOVE",
            },
          },
        ],
        { returnDocument: "after" },
      ),

    /**
     * Asks for the lease: for `ticketMs` nobody takes it but `owner`. Changes nothing while somebody else has
     * asked.
     */
    async askForLease(id: string, owner: string, ticketMs: number): Promise<void> {
      await collection.updateOne(
        {
          _id: id,
          $expr: { $or: [isOver("$changing.until"), { $eq: ["$changing.owner", owner] }] },
        },
        [{ $set: { changing: { owner, until: { $add: ["$$NOW", ticketMs] } } } }],
      );
    },

    async withdrawAsking(id: string, owner: string): Promise<void> {
      await collection.updateOne({ _id: id, "changing.owner": owner }, { $unset: { changing: 1 } });
    },

    /** Extends a lease that is still ours. False: it is not. */
    async renewLease(id: string, owner: string, leaseMs: number): Promise<boolean> {
      const result = await collection.updateOne({ _id: id, "lease.owner": owner }, [
        { $set: { "lease.until": { $add: ["$$NOW", leaseMs] } } },
      ]);
      return result.matchedCount === 1;
    },

    /** `swapped`: what was swapped in, or turned to, under the lease, if anything. */
    async dropLease(
      id: string,
      owner: string,
      swapped: { readonly loadedGeneration?: number; readonly loadedTotal?: number } = {},
    ): Promise<void> {
      const most = Object.keys(swapped).length === 0 ? {} : { $max: swapped };
      await collection.updateOne({ _id: id, "lease.owner": owner }, { $unset: { lease: 1 }, ...most });
    },
  };
}
