import type { Server } from "node:http";
import type { ClaimAuth } from "../../access/claim-auth.ts";
import { valid } from "../../campaign/valid.ts";
import { createCampaignCache } from "../../claims/campaign-cache.ts";
import { createOpenGuard } from "../../claims/claim-guard.ts";
import { createClaimer } from "../../claims/claimer.ts";
import { createIssueCoupon } from "../../claims/issue-coupon.ts";
import type { PipelineDeps } from "../../claims/stage.ts";
import { createStoreBreakers } from "../../claims/store-breakers.ts";
import { createTally } from "../../claims/tally.ts";
import type { Pool } from "../../pool/pool.ts";
import { newShadowId } from "../../record/campaign-id.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { WarmUps } from "../../record/warm-ups.ts";
import { type ClaimMetrics, createClaimMetrics } from "../../runtime/claim-metrics.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { SHAPE_FIRST } from "../../runtime/stored-shape.ts";
import { NO_TRACER } from "../../runtime/tracer.ts";
import type { FastMethods } from "../http/fast-path.ts";
import { createIssueAnswers, ISSUE_PATH } from "../rpc/issue-answer.ts";
import { createTellTrouble } from "../rpc/trouble.ts";

export type ShadowDeps = Pick<
  PipelineDeps,
  "claimBatchMax" | "queueMax" | "commitsInFlightMax" | "commitDeadlineMs" | "waitTargetMs"
> & {
  warmUps: WarmUps;
  /** A pool in the slot of the campaign, with keys that are no campaign's. */
  shadowPool: (campaignId: string, shadowId: string) => Pool;
  /** A server for HTTP/1.1, made as that of callers, with these methods. */
  spare: (fast: FastMethods, counts: Pick<ClaimMetrics, "rpcSeconds">) => Server;
  clock: Clock;
  logger: Logger;
  /** A claim without a coupon after so long fails, in ms. */
  issueDeadlineMs: number;
};

/** A spare campaign with a pool, a collection and counts of its own, which the real claim path serves. */
export type Shadow = {
  readonly id: string;
  /** Serves IssueCoupon of the shadow; listens nowhere yet. */
  readonly server: Server;
  /** Removes all of it, the record last. What this does not reach, `removeShadow` does later. */
  remove(): Promise<void>;
};

const GENERATION = 1;
/** Each request is admitted, whatever the deployment demands: it does not come from outside. */
const ADMIT_ALL: ClaimAuth = {
  ...{ mode: "open", acceptsKeys: false, acceptsTokens: false },
  admit: (_mode, _authorization, { userId }) => valid({ userId, isProven: false, keyName: "" }),
};

/**
 * Makes the shadow of a campaign, with so many codes. The same functions serve it as the campaign, so what V8
 * learns of them here holds for the campaign's claims.
 */
export async function openShadow(deps: ShadowDeps, campaign: CampaignDoc, total: number): Promise<Shadow> {
  const { warmUps, clock } = deps;
  const campaignId = campaign._id;
  const id = newShadowId(clock.now());
  const pool = deps.shadowPool(campaignId, id);
  // It tells its own failures; a warm-up that fails is logged once, by whoever began it.
  const logger = deps.logger.child({}, { level: "silent" });
  const metrics = createClaimMetrics([]);
  const doc = { ...campaign, _id: id, total, loadedGeneration: GENERATION };
  // No other id is served: not even that of the campaign, whose coupons these are not.
  const campaigns = { find: async (asked: string) => (asked === id ? doc : null) };
  const marks = { demanded: () => undefined, pseudonymOf: () => undefined, note: () => undefined };
  const breakers = createStoreBreakers({
    ...{ clock, logger, commitStallMs: deps.issueDeadlineMs, storeStallMs: deps.issueDeadlineMs },
    probes: { write: noProbe, read: noProbe, pool: noProbe },
  });
  const claimer = createClaimer({
    ...{ ...deps, pool, issuances: warmUps.issuances, campaigns, logger, metrics, breakers },
    marks: { ...marks, onErased: () => undefined, start: noProbe, stop: noProbe },
    herd: undefined,
    heldMax: Number.POSITIVE_INFINITY,
    restore: async () => "gone",
    tracer: NO_TRACER,
  });
  const issueCoupon = createIssueCoupon({
    ...{ claimer, clock, metrics, claimAuth: ADMIT_ALL, issueDeadlineMs: deps.issueDeadlineMs },
    guard: createOpenGuard(claimer),
    campaignCache: createCampaignCache(campaigns, clock),
    tally: createTally(),
    refusedCredentials: { note: () => undefined, noteOverLimit: () => undefined },
  });
  const answers = createIssueAnswers({ issueCoupon, clock, tellTrouble: createTellTrouble(logger, clock) });
  const server = deps.spare({ methods: new Map([[ISSUE_PATH, answers]]), gets: new Map() }, metrics);
  await warmUps.begin(id, campaignId);
  await loadPool(pool, id, total);
  return {
    ...{ id, server },
    async remove() {
      await claimer.idle();
      await pool.remove(id);
      await warmUps.end(id);
    },
  };
}

const noProbe = async () => undefined;

/** The codes are longer than any real one, and begin with a syllable, as most do. */
async function loadPool(pool: Pool, id: string, total: number): Promise<void> {
  await pool.loadBegin(id, GENERATION);
  const codes = Array.from({ length: total }, (_, i) => `가${id}${i}`);
  for (let at = 0; at < total; at += CODES_A_CALL)
    await pool.loadCodes(id, GENERATION, at, codes.slice(at, at + CODES_A_CALL));
  const target = { campaignId: id, generation: GENERATION, state: "staged" as const, shape: SHAPE_FIRST };
  const loaded = await pool.loadCommit({
    ...target,
    // Long ago by each clock, however far apart those of Redis and of this process are.
    startsAtMs: 1,
    endsAtMs: 0,
    total,
    armedAtMs: 0,
  });
  if (loaded !== "loaded") throw new Error(`the shadow's pool was not loaded: ${loaded}`);
}

const CODES_A_CALL = 1_000;

/** Removes the shadow of a warm-up whose process did not end it. */
export async function removeShadow(
  { warmUps, shadowPool }: Pick<ShadowDeps, "warmUps" | "shadowPool">,
  { _id: id, campaignId }: { readonly _id: string; readonly campaignId: string },
): Promise<void> {
  await shadowPool(campaignId, id).remove(id);
  await warmUps.end(id);
}
