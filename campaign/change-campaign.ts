import { randomUUID } from "node:crypto";
import { codesLikePattern } from "../codes/overlap.ts";
import type { Pool } from "../pool/pool.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { History } from "../record/history.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Traced } from "../runtime/tracer.ts";
import { isLate, POLL_MS, takeTurn } from "./change-turn.ts";
import { type Change, type Judgement, judgeChange } from "./judge-change.ts";
import { type PoolFacts, phaseOf } from "./life-cycle.ts";
import { turnTargetOf } from "./load.ts";
import { followsInPool, type PoolSeen, seenOf, stepsBeforeOf } from "./pool-seen.ts";
import type { Refusal } from "./refusal.ts";
import { askedOf, usedFor } from "./repeated-request.ts";
import type { Restore } from "./restore.ts";

export type ChangeAsk = Traced & {
  readonly campaignId: string;
  readonly change: Change;
  readonly actor: string;
  /** Undefined: the caller gave none. */
  readonly requestId: string | undefined;
  /** True: the change is judged, and nothing is changed. */
  readonly dryRun: boolean;
  /** Aborted: the caller has gone or its deadline has passed. The change does not begin any more. */
  readonly signal: AbortSignal;
};

export type ChangeAnswer =
  /** The campaign as MongoDB has it; after a dry run, as it would be. */
  | {
      readonly kind: "changed" | "already";
      readonly campaign: CampaignDoc;
      readonly notices: readonly string[];
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/**
 * Rejects where MongoDB has not answered whether it recorded the change. It may have; the pool is frozen
 * until that is known.
 */
export type ChangeCampaign = (ask: ChangeAsk) => Promise<ChangeAnswer>;

export type ChangeDeps = {
  pool: Pool;
  campaigns: Campaigns;
  history: History;
  restore: Restore;
  clock: Clock;
  logger: Logger;
  leaseMs: number;
};

/** How long a change may wait for its turn (the lease, a pool that is being rebuilt), in ms. */
const WAIT_MS = 5_000;
/** How often a change is judged again because the campaign opened or sold out before the write. */
const JUDGED_MAX = 5;

/**
 * The outcome of one try; `again`: the pool was lost, or another process or change came first, and nothing
 * was written.
 */
type Try = ChangeAnswer | { readonly kind: "again"; readonly why: string };

/**
 * Changes a campaign: MongoDB's document decides, the pool follows. A change takes the lease and a new
 * generation, as a rebuild does, and the pool is frozen while MongoDB decides. So the pool never does what
 * the document forbids. If the process is killed at any point, the lease expires, and the next process that
 * finds the pool frozen sets it to the state in MongoDB.
 */
export function createChangeCampaign(deps: ChangeDeps): ChangeCampaign {
  const { pool, campaigns, history, restore, clock } = deps;
  const logger = deps.logger.child({ component: "campaign" });

  async function judge(ask: ChangeAsk, campaign: CampaignDoc, seen: PoolSeen): Promise<Judgement> {
    const facts: PoolFacts = { state: seen.state, opened: seen.armedAtMs > 0 };
    const phase = phaseOf(campaign.state, campaign.openedAt, facts);
    // Later than every claim: the instant of a claim is a whole millisecond and never before the opening.
    const afterLastClaimMs = Math.max(seen.redisNowMs, seen.armedAtMs) + 1;
    const adds = ask.change.verb === "add";
    const codesInSpace = adds ? codesLikePattern(campaign.codeFormat, await campaigns.totalsByFormat()) : 0;
    return judgeChange(ask.change, { campaign, phase, nowMs: clock.now(), afterLastClaimMs, codesInSpace });
  }

  /**
   * Judges the change and writes it by one update, which fails if the campaign has changed since it was read.
   * The same update makes a request take effect once: the history is searched for the request after the
   * campaign was read, every change raises the revision, and the update only matches the revision that was
   * read. Undefined: another process has the lease.
   */
  async function decide(ask: ChangeAsk, owner: string, leased: CampaignDoc, seen: PoolSeen) {
    let campaign = leased;
    for (let judged = 0; judged < JUDGED_MAX; judged++) {
      const before = await repeated(ask);
      if (before !== undefined) return { answer: before, campaign };
      const judgement = await judge(ask, campaign, seen);
      if (judgement.kind !== "change") return { answer: answerOf(judgement, campaign), campaign };
      const openedAt =
        campaign.openedAt === undefined && seen.armedAtMs > 0 ? { openedAt: new Date(seen.armedAtMs) } : {};
      // The pool must follow even where a generator crashed before it recorded SCHEDULED.
      const closes = judgement.fields.state === "CANCELLED" || judgement.fields.state === "ENDED";
      const settling = closes && seen.state !== "" ? { settling: true as const } : {};
      const { actor, requestId } = ask;
      const note = { actor, verb: ask.change.verb, requestId, asked: askedOf(ask.change) };
      const fields = { ...judgement.fields, ...openedAt, ...settling };
      const stepsBefore = stepsBeforeOf(campaign, judgement.fields, seen);
      const written = await campaigns.change(campaign, owner, fields, note, stepsBefore);
      if (written !== null) return { answer: answerOf(judgement, written), campaign: written };
      const standing = await campaigns.find(ask.campaignId);
      if (standing?.lease?.owner !== owner) return undefined;
      campaign = standing;
    }
    return undefined;
  }

  /** Makes a change that does not affect the pool. */
  async function changeRecord(ask: ChangeAsk, seen: PoolSeen, untilMs: number): Promise<Try> {
    const owner = randomUUID();
    const leased = await takeTurn(deps, ask, owner, { raise: false, untilMs });
    if (leased === undefined) return BUSY;
    const decided = await decide(ask, owner, leased, seen);
    await campaigns.dropLease(ask.campaignId, owner);
    return decided?.answer ?? OVERTAKEN;
  }

  /** Makes a change that the pool must follow. */
  async function changeHeld(ask: ChangeAsk, untilMs: number): Promise<Try> {
    const { campaignId, callId } = ask;
    const told = { campaign: campaignId, callId };
    const owner = randomUUID();
    const leased = await takeTurn(deps, ask, owner, { raise: true, untilMs });
    if (leased === undefined) return BUSY;
    const { generation, loadedGeneration = 0 } = leased;
    const frozen = await pool
      .freeze(campaignId, clock.now(), generation, loadedGeneration)
      .catch((error: unknown): undefined => {
        logger.warn({ ...told, err: error }, "the pool could not be frozen: nothing is changed");
      });
    // A change without a pool is allowed only where none was ever loaded. Otherwise the pool is rebuilt
    // first: it shows whether the campaign has opened or ended by itself.
    const none = frozen?.kind === "none" && leased.state === "GENERATING";
    if (frozen?.kind !== "frozen" && !none) {
      await campaigns.dropLease(campaignId, owner);
      return {
        kind: "again",
        why: frozen === undefined ? "Redis does not answer" : "the pool is made again",
      };
    }
    const seen = seenOf(frozen);
    const decided = await decide(ask, owner, leased, seen);
    // Another process has the lease; it has set the state of the pool, or will.
    if (decided === undefined) return OVERTAKEN;
    const { answer, campaign } = decided;
    const followed = frozen.kind !== "frozen" || (await turn(campaign, seen));
    await campaigns
      .dropLease(
        campaignId,
        owner,
        followed && frozen.kind === "frozen" ? { loadedGeneration: generation } : {},
      )
      .catch((error: unknown) => logger.warn({ ...told, err: error }, "a lease runs out"));
    if (followed || answer.kind !== "changed") return answer;
    const notice = "recorded; the pool gives nothing out until it has followed, by itself";
    return { ...answer, notices: [...answer.notices, notice] };
  }

  /**
   * Sets the pool to the state in MongoDB. False: it is not known whether the pool has followed. It stays
   * frozen until any process finds that and sets it.
   */
  async function turn(campaign: CampaignDoc, seen: PoolSeen): Promise<boolean> {
    const turned = await pool.turn(turnTargetOf(campaign, seen)).catch((error: unknown) => {
      logger.warn({ campaign: campaign._id, err: error }, "the pool could not be turned: it follows later");
    });
    return turned === "turned";
  }

  /** The answer to an earlier call with the same request id; undefined: none, or it is still under way. */
  async function repeated(ask: ChangeAsk): Promise<ChangeAnswer | undefined> {
    if (ask.requestId === undefined) return undefined;
    const earlier = await history.findByRequest(ask.campaignId, ask.requestId);
    if (earlier === null) return undefined;
    const what = usedFor(earlier, ask.change);
    if (what !== undefined) return { kind: "refused", refusal: { reason: "CONFLICT", what } };
    const campaign = await campaigns.find(ask.campaignId);
    if (campaign === null) return { kind: "refused", refusal: { reason: "UNKNOWN_CAMPAIGN" } };
    return { kind: "already", campaign, notices: [] };
  }

  async function change(ask: ChangeAsk): Promise<ChangeAnswer> {
    const { campaignId } = ask;
    const untilMs = clock.elapsed() + WAIT_MS;
    const before = await repeated(ask);
    if (before !== undefined) return before;
    for (;;) {
      const campaign = await campaigns.find(campaignId);
      if (campaign === null) return { kind: "refused", refusal: { reason: "UNKNOWN_CAMPAIGN" } };
      // A refusal or "already" needs neither lease nor freeze: it is true now, and changes nothing.
      const seen = seenOf(await pool.inspect(campaignId).catch(() => undefined));
      const judgement = await judge(ask, campaign, seen);
      // The refusal may be the effect of this same request, carried out by another server since the search.
      if (judgement.kind !== "change") return (await repeated(ask)) ?? answerOf(judgement, campaign);
      if (ask.dryRun) return answerOf(judgement, { ...campaign, ...judgement.fields } as CampaignDoc);
      let tried: Try;
      if (!followsInPool(ask.change)) tried = await changeRecord(ask, seen, untilMs);
      else tried = await changeHeld(ask, untilMs);
      if (tried.kind !== "again") return tried;
      if (isLate(deps, ask, untilMs))
        return { kind: "refused", refusal: { reason: "OVERLOADED", why: tried.why } };
      const outcome = await restore(campaignId).catch(() => "failed");
      if (outcome !== "loaded" && outcome !== "turned") await sleep(clock, POLL_MS);
    }
  }

  return async (ask) => {
    const answer = await change(ask);
    if (answer.kind !== "changed" || ask.dryRun) return answer;
    const { campaignId, actor, requestId, callId } = ask;
    const { state, revision } = answer.campaign;
    logger.info(
      { campaign: campaignId, verb: ask.change.verb, actor, requestId, state, revision, callId },
      "campaign changed",
    );
    await history.flush(campaignId).catch((error: unknown) => {
      logger.warn(
        { campaign: campaignId, callId, err: error },
        "an entry of the history waits in the campaign's outbox",
      );
    });
    return answer;
  };
}

const BUSY: Try = { kind: "again", why: "another process loads or changes the campaign" };
const OVERTAKEN: Try = { kind: "again", why: "another change of the campaign came first" };

function answerOf(judgement: Judgement, campaign: CampaignDoc): ChangeAnswer {
  switch (judgement.kind) {
    case "already":
      return { kind: "already", campaign, notices: [] };
    case "change":
      return { kind: "changed", campaign, notices: judgement.notices };
    case "refused":
      return judgement;
    default:
      return judgement satisfies never;
  }
}
