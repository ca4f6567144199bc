import type { PoolStanding } from "./answers.ts";
import { type Bound, fieldOf, requestIn } from "./claim-field.ts";
import type { CampaignKeys } from "./keys.ts";
import type { ScriptCalls } from "./script-calls.ts";

/** A field of the pool's claims, and the claim as its durable issuance has it since the user was erased. */
export type ErasedField = { readonly field: string; readonly erased: Bound; readonly code: string };

/** The most fields of one call: each takes several commands. */
export const ERASED_KEYS_MAX = 500;

/** The calls by which ids of erased users leave a pool. */
export function createErasureCalls({ list }: ScriptCalls, keysOf: (campaignId: string) => CampaignKeys) {
  return {
    /**
     * From now on, claims must bring pseudonyms of the key with this fingerprint. A pool of a generation
     * below `leastGeneration` is given up.
     */
    async mark(
      campaignId: string,
      fingerprint: string,
      shape: number,
      leastGeneration = 0,
    ): Promise<PoolStanding> {
      const args = [fingerprint, String(shape), String(leastGeneration)];
      const [status, generation] = await list("mark", [keysOf(campaignId).meta], args);
      return {
        status: status === "marked" ? "ok" : (status as "none"),
        generation: Number(generation),
      };
    },

    /** Puts pseudonyms in the place of 1 to 500 claim keys. `moved`: how many of them the pool had. */
    async erase(
      campaignId: string,
      fields: readonly ErasedField[],
    ): Promise<PoolStanding & { readonly moved: number }> {
      const k = keysOf(campaignId);
      const args = fields.flatMap(({ field, erased, code }) => [
        ...[field, fieldOf(erased), code],
        erased.place === undefined ? "" : requestIn(erased),
      ]);
      const [status, generation, moved] = await list(
        "erase",
        [k.meta, k.claims, k.ledger, k.loadingClaims],
        args,
      );
      return { status: status as "ok", generation: Number(generation), moved: Number(moved) };
    },

    /**
     * About `count` claims of the pool, or of those that a load has gathered. Start with the cursor `0`,
     * continue with `next` until it is `0` again.
     */
    async bindings(campaignId: string, of: "claims" | "loadingClaims", cursor: string, count: number) {
      const args = [cursor, String(count)];
      const [next, ...rest] = (await list("bindings", [keysOf(campaignId)[of]], args)).map(String);
      const bound: { readonly field: string; readonly code: string }[] = [];
      for (let i = 0; i + 1 < rest.length; i += 2)
        bound.push({ field: rest[i] ?? "", code: rest[i + 1]?.split(" ")[0] ?? "" });
      return { next: next ?? "0", bound };
    },
  };
}
