import { randomUUID } from "node:crypto";
import { overlappingPatterns } from "../codes/code-format.ts";
import type { Pool } from "../pool/pool.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { CampaignDoc } from "../record/documents.ts";
import type { History } from "../record/history.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { isLate, POLL_MS, takeTurn } from "./change-turn.ts";
import { type Change, type Judgement, judgeChange } from "./judge-change.ts";
import { type PoolFacts, phaseOf } from "./life-cycle.ts";
import { turnTargetOf } from "./load.ts";
import { followsInPool, type PoolSeen, seenOf, stepsBeforeOf } from "./pool-seen.ts";
import type { Refusal } from "./refusal.ts";
import { askedOf, usedFor } from "./repeated-request.ts";
import type { Restore } from "./restore.ts";

export type ChangeAsk = {
  readonly campaignId: string;
  readonly change: Change;
  readonly actor: string;
  /** Undefined: none. */
  readonly requestId: string | undefined;
  /** Judges, and changes nothing. */
  readonly dryRun: boolean;
  /** Aborted: nobody waits for the answer any more. Nothing is begun then. */
  readonly signal: AbortSignal;
};

export type ChangeAnswer =
  /** The campaign as recorded; with a dry run, as it would be. */
  | {
      readonly kind: "changed" | "already";
      readonly campaign: CampaignDoc;
      readonly notices: readonly string[];
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/**
 * Rejects where MongoDB does not say whether the change was recorded; it may have been, and the pool stands
 * still until that is known.
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

/** How long a change may wait for its turn: for the lease, for a pool that is being rebuilt. */
const WAIT_MS = 5_000;
/** How often a campaign may change by itself (open, sell out) between judging and writing. */
const JUDGED_MAX = 5;

/**
 * What one try came to; `again`: the pool was lost, or somebody else has been at it, and nothing was written.
 */
type Try = ChangeAnswer | { readonly kind: "again"; readonly why: string };

/**
 * A change of a campaign's life: MongoDB's document is the truth of it, the pool follows. It passes the same
 * gate as a rebuild, the lease and with it a new generation, and the pool is held while MongoDB decides; so
 * at no moment does the pool do what the record forbids. Killed anywhere, the lease expires, and the next
 * process that is told that the pool is frozen turns it to what the record says.
 */
export function createChangeCampaign(deps: ChangeDeps): ChangeCampaign {
  const { pool, campaigns, history, restore, clock } = deps;
  const logger = deps.logger.child({ component: "campaign" });

  async function judge(ask: ChangeAsk, campaign: CampaignDoc, seen: PoolSeen): Promise<Judgement> {
    const facts: PoolFacts = { state: seen.state, opened: seen.armedAtMs > 0 };
    const phase = phaseOf(campaign.state, campaign.openedAt, facts);
    // After each claim, whose instants are whole milliseconds and never before the opening.
    const afterLastClaimMs = Math.max(seen.redisNowMs, seen.armedAtMs) + 1;
    const adds = ask.change.verb === "add";
    const codesInSpace = adds ? await campaigns.totalOfFormats(overlappingPatterns(campaign.codeFormat)) : 0;
    return judgeChange(ask.change, { campaign, phase, nowMs: clock.now(), afterLastClaimMs, codesInSpace });
  }

  /**
   * Judges and writes what was judged, in one step that fails where the campaign has changed since. That step
   * is also what makes a request happen once: whether it already has is asked after the campaign was read,
   * every change raises the revision, and nothing is written at any other revision than the one that was
   * read. Undefined: somebody else is at it.
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
      // A pool of a campaign whose generator died before it wrote SCHEDULED has to follow too.
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

  /** A change that the pool need not know of. */
  async function changeRecord(ask: ChangeAsk, seen: PoolSeen, untilMs: number): Promise<Try> {
    const owner = randomUUID();
    const leased = await takeTurn(deps, ask, owner, { raise: false, untilMs });
    if (leased === undefined) return BUSY;
    const decided = await decide(ask, owner, leased, seen);
    await campaigns.dropLease(ask.campaignId, owner);
    return decided?.answer ?? OVERTAKEN;
  }

  /** A change that the pool has to follow. */
  async function changeHeld(ask: ChangeAsk, untilMs: number): Promise<Try> {
    const { campaignId } = ask;
    const owner = randomUUID();
    const leased = await takeTurn(deps, ask, owner, { raise: true, untilMs });
    if (leased === undefined) return BUSY;
    const { generation, loadedGeneration = 0 } = leased;
    const held = await pool
      .hold(campaignId, clock.now(), generation, loadedGeneration)
      .catch((error: unknown): undefined => {
        logger.warn({ campaign: campaignId, err: error }, "the pool could not be held: nothing is changed");
      });
    // Without a pool only where none was ever loaded: otherwise it is brought back first, because it knows
    // what has come by itself.
    const none = held?.kind === "none" && leased.state === "GENERATING";
    if (held?.kind !== "held" && !none) {
      await campaigns.dropLease(campaignId, owner);
      return { kind: "again", why: held === undefined ? "Redis does not answer" : "the pool is made again" };
    }
    const seen = seenOf(held);
    const decided = await decide(ask, owner, leased, seen);
    // Another has the lease, and has turned the pool or will.
    if (decided === undefined) return OVERTAKEN;
    const { answer, campaign } = decided;
    const followed = held.kind !== "held" || (await turn(campaign, seen));
    await campaigns
      .dropLease(campaignId, owner, followed && held.kind === "held" ? { loadedGeneration: generation } : {})
      .catch((error: unknown) => logger.warn({ campaign: campaignId, err: error }, "a lease runs out"));
    if (followed || answer.kind !== "changed") return answer;
    const notice = "recorded; the pool gives nothing out until it has followed, by itself";
    return { ...answer, notices: [...answer.notices, notice] };
  }

  /**
   * False: it is not known to have followed. It stands still, and is brought to what the record says by
   * whoever notices.
   */
  async function turn(campaign: CampaignDoc, seen: PoolSeen): Promise<boolean> {
    const turned = await pool.turn(turnTargetOf(campaign, seen)).catch((error: unknown) => {
      logger.warn({ campaign: campaign._id, err: error }, "the pool could not be turned: it follows later");
    });
    return turned === "turned";
  }

  /** What an earlier call with the same request id came to. Says nothing of one that is under way. */
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
      // Refusals and "already" disturb nobody: they are the truth of this moment.
      const seen = seenOf(await pool.inspect(campaignId).catch(() => undefined));
      const judgement = await judge(ask, campaign, seen);
      // What stands in the way may be this very request, carried out elsewhere since it was looked for.
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
    const { campaignId, actor, requestId } = ask;
    const { state, revision } = answer.campaign;
    logger.info(
      { campaign: campaignId, verb: ask.change.verb, actor, requestId, state, revision },
      "campaign changed",
    );
    await history.flush(campaignId).catch((error: unknown) => {
      logger.warn(
        { campaign: campaignId, err: error },
        "an entry of the history waits in the campaign's outbox",
      );
    });
    return answer;
  };
}

const BUSY: Try = { kind: "again", why: "the campaign is being loaded or changed by somebody else" };
const OVERTAKEN: Try = { kind: "again", why: "somebody else changed the campaign at the same moment" };

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
