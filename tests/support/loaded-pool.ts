import { expect } from "chai";
import type { Claim, ClaimAnswer, LoadTarget } from "../../pool/answers.ts";
import type { Pool } from "../../pool/pool.ts";
import { newCampaignId } from "../../record/campaign-id.ts";

export const HOUR_MS = 3_600_000;

export type Loading = Partial<Omit<LoadTarget, "total">> & {
  readonly codes?: readonly string[];
  readonly claims?: readonly Omit<Claim, "campaignId">[];
};

/** Loads a pool with the generator's steps; by default three codes, open for an hour. */
export async function loadedPool(pool: Pool, loading: Loading = {}): Promise<LoadTarget> {
  const { codes = ["가1", "나2", "다3"], claims = [], ...given } = loading;
  const target: LoadTarget = {
    campaignId: newCampaignId(Date.now()),
    generation: 1,
    state: "open",
    startsAtMs: Date.now() - HOUR_MS,
    endsAtMs: 0,
    total: codes.length + claims.length,
    armedAtMs: given.state === "staged" ? 0 : Date.now() - HOUR_MS,
    shape: 1,
    ...given,
  };
  const { campaignId, generation } = target;
  expect(await pool.loadBegin(campaignId, generation)).to.equal("begun");
  if (codes.length > 0) expect(await pool.loadCodes(campaignId, generation, 0, codes)).to.equal(codes.length);
  if (claims.length > 0) {
    const bound = claims.map((claim) => ({ ...claim, campaignId }));
    expect(await pool.loadClaims(campaignId, generation, bound)).to.equal(claims.length);
  }
  expect(await pool.loadCommit(target)).to.equal("loaded");
  return target;
}

/** Claims for several keys at once, without user ids. */
export function claimAll(
  pool: Pool,
  campaignId: string,
  callerNowMs: number,
  ...keys: readonly string[]
): Promise<ClaimAnswer[]> {
  return pool.claim(
    campaignId,
    callerNowMs,
    keys.map((claimKey) => ({ claimKey, userId: "" })),
  );
}

/** The claim in an answer; throws if there is none. */
export function claimIn(answer: ClaimAnswer | undefined): Claim {
  if (answer !== undefined && "claim" in answer) return answer.claim;
  throw new Error(`an answer without a coupon: ${JSON.stringify(answer)}`);
}
