import type { Collection } from "mongodb";
import { UNDERSTOOD } from "../runtime/stored-shape.ts";
import type { CampaignDoc } from "./documents.ts";
import { STANDING } from "./still-exists.ts";

/** True in an aggregation where the instant of a field, on MongoDB's clock, has passed or was never set. */
export const isOver = (until: string) => ({ $lt: [{ $ifNull: [until, new Date(0)] }, "$$NOW"] });

/**
 * The lease of a campaign: one process at a time fills, loads or changes it. It only saves double work;
 * correctness depends on the unique indexes and the generation.
 */
export function createLeases(collection: Collection<CampaignDoc>) {
  return {
    /**
     * Takes the campaign's lease for `leaseMs`; null: another owner has it, another change has asked for it,
     * or this program does not understand the campaign. `raiseGeneration`: the same update raises the
     * generation.
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
          ...UNDERSTOOD,
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
              // The owner that asked for the lease has it now.
              changing: "$$REMOVE",
            },
          },
        ],
        { returnDocument: "after" },
      ),

    /**
     * Asks for the lease: for `ticketMs` only `owner` can take it. Changes nothing while another owner has
     * asked.
     */
    async askForLease(id: string, owner: string, ticketMs: number): Promise<void> {
      await collection.updateOne(
        {
          _id: id,
          ...UNDERSTOOD,
          $expr: { $or: [isOver("$changing.until"), { $eq: ["$changing.owner", owner] }] },
        },
        [{ $set: { changing: { owner, until: { $add: ["$$NOW", ticketMs] } } } }],
      );
    },

    async withdrawAsking(id: string, owner: string): Promise<void> {
      await collection.updateOne({ _id: id, "changing.owner": owner }, { $unset: { changing: 1 } });
    },

    /** Extends a lease that `owner` still has. False: it does not. */
    async renewLease(id: string, owner: string, leaseMs: number): Promise<boolean> {
      const result = await collection.updateOne({ _id: id, "lease.owner": owner }, [
        { $set: { "lease.until": { $add: ["$$NOW", leaseMs] } } },
      ]);
      return result.matchedCount === 1;
    },

    /** `swapped`: the generation and total of the pool that was loaded or turned under the lease, if any. */
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
