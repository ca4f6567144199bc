import { binding, type Claim, type LoadTarget, type TopUp } from "./answers.ts";
import { fieldOf } from "./claim-field.ts";
import type { CampaignKeys } from "./keys.ts";
import type { ScriptCalls } from "./script-calls.ts";

/** The calls that bring codes into a pool: a load or rebuild in steps, and a top-up. */
export function createLoadCalls(
  { call, list, word }: ScriptCalls,
  keysOf: (campaignId: string) => CampaignKeys,
) {
  return {
    loadBegin(campaignId: string, generation: number) {
      const k = keysOf(campaignId);
      const keys = [k.meta, k.loading, k.loadingCodes, k.loadingClaims];
      return word<"begun" | "healthy" | "superseded">("loadBegin", keys, [String(generation)]);
    },

    /** Appends up to 1,000 codes after the first `offset`. Returns the new length; -1: this load is over. */
    async loadCodes(
      campaignId: string,
      generation: number,
      offset: number,
      codes: readonly string[],
    ): Promise<number> {
      const k = keysOf(campaignId);
      const args = [String(generation), String(offset), ...codes];
      return Number(await call("loadCodes", [k.loading, k.loadingCodes], args));
    },

    /** Binds up to 1,000 durable issuances. Returns the number bound so far, or -1: this load is over. */
    async loadClaims(campaignId: string, generation: number, claims: readonly Claim[]): Promise<number> {
      const k = keysOf(campaignId);
      const args = [String(generation)];
      for (const claim of claims) args.push(fieldOf(claim), binding(claim).join(" "));
      return Number(await call("loadClaims", [k.loading, k.loadingClaims], args));
    },

    loadCommit(target: LoadTarget) {
      const k = keysOf(target.campaignId);
      const { generation, state, startsAtMs, endsAtMs, total, armedAtMs, shape, erased = "" } = target;
      return word<"loaded" | "healthy" | "superseded" | "miscounted">(
        "loadCommit",
        [k.meta, k.staged, k.open, k.claims, k.ledger, k.loading, k.loadingCodes, k.loadingClaims, k.away],
        [generation, state, startsAtMs, endsAtMs, total, armedAtMs, shape, erased].map(String),
      );
    },

    /**
     * Appends 1 to 1,000 added codes to a pool that has had `offset` so far. `waitedFor`: the name of the
     * quiet that the caller has waited for; empty: none.
     */
    async topUp(
      campaignId: string,
      generation: number,
      offset: number,
      codes: readonly string[],
      waitedFor: string,
    ): Promise<TopUp> {
      const k = keysOf(campaignId);
      const args = [String(generation), String(offset), waitedFor, ...codes];
      const [kind, total, quiet = ""] = await list("topUp", [k.meta, k.staged, k.open, k.away], args);
      return { kind: kind as TopUp["kind"], total: Number(total), quiet: String(quiet) };
    },
  };
}
