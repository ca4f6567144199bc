import { MissingErasureKey } from "../campaign/erasure/pseudonyms.ts";
import type { ClaimAnswer, ClaimMode } from "../pool/answers.ts";
import { inSpan, NO_TRACER, type Traced } from "../runtime/tracer.ts";
import { type BatchQueue, createBatchQueue } from "./batch-queue.ts";
import { CircuitOpen } from "./breaker.ts";
import { loggingFailure, type StageDeps } from "./stage.ts";
import { isNoAnswer, isUnsent } from "./store-error.ts";

/** One request for a coupon of the pipeline's campaign. */
export type Ask = Traced & {
  readonly claimKey: string;
  readonly userId: string;
  /** See CampaignFacts. */
  readonly leastGeneration: number;
  readonly maxPerUser: number;
  /**
   * The claim is about to be sent to Redis. False: it is not sent any more, because the caller has gone or
   * its deadline has passed.
   */
  readonly take: () => boolean;
};

/** Places of users that one call of the script reads, which bounds how long it blocks Redis. */
const PLACES_MAX = 5_000;
/** Claim batches under way at once: the second travels while Redis processes the first. */
const CLAIMS_IN_FLIGHT_MAX = 2;

/** What Redis answers to a claim that brings what it must. */
type Claimed = Exclude<ClaimAnswer, { readonly kind: "marked" }>;

export type ClaimStage = BatchQueue<Ask, Claimed | { readonly kind: "expired" }>;

/** The first stage: asks Redis, in batches, which claim key gets which code. */
export function createClaimStage(deps: StageDeps): ClaimStage {
  const { pool, clock, metrics, breakers, leastGenerations, marks, campaignId, tracer = NO_TRACER } = deps;
  const redis = breakers.pool(campaignId);

  /** While MongoDB takes no durable write, no code is popped, except by a trial claim now and then. */
  async function claim(asks: readonly Ask[]): Promise<Claimed[]> {
    const least = asks.reduce(
      (most, ask) => Math.max(most, ask.leastGeneration),
      leastGenerations.get(campaignId) ?? 0,
    );
    const answers = await claimAsAdmitted(asks, least);
    // All coupons of one call are of one generation.
    for (const answer of answers) {
      if (answer.kind !== "claimed") continue;
      leastGenerations.set(campaignId, Math.max(least, answer.claim.generation));
      break;
    }
    return answers;
  }

  async function claimAsAdmitted(asks: readonly Ask[], least: number): Promise<Claimed[]> {
    const admission = breakers.commits.admit(campaignId);
    if (admission !== "trial") return call(asks, admission === "go" ? "issue" : "recall", least);
    let isTried = false;
    try {
      const rest = asks.slice(1);
      const parts = await Promise.all([
        call(asks.slice(0, 1), "issue", least),
        rest.length === 0 ? [] : call(rest, "recall", least),
      ]);
      const answers = parts.flat();
      isTried = answers[0]?.kind === "claimed" || answers[0]?.kind === "pending";
      return answers;
    } finally {
      if (!isTried) breakers.commits.returnTrial(campaignId);
    }
  }

  async function call(asks: readonly Ask[], mode: ClaimMode, least: number): Promise<Claimed[]> {
    const perUser = asks[0]?.maxPerUser ?? 1;
    const most = Math.floor(PLACES_MAX / perUser);
    if (asks.length <= most) return callHeeding(asks, mode, least, perUser);
    const first = await callHeeding(asks.slice(0, most), mode, least, perUser);
    const rest = await call(asks.slice(most), mode, least).catch((error: unknown) => {
      // The first ones may have coupons, so none of the batch is untried.
      throw error instanceof CircuitOpen
        ? new Error("a part of a batch was not sent", { cause: error })
        : error;
    });
    return [...first, ...rest];
  }

  /** Asks once more, with pseudonyms, where the pool says that the campaign has erased users. */
  async function callHeeding(asks: readonly Ask[], mode: ClaimMode, least: number, perUser: number) {
    const answers = await callOnce(asks, mode, least, perUser);
    const [first] = answers;
    // All answers of a call are of this kind, or none is.
    if (first?.kind !== "marked") return answers as Claimed[];
    marks.note(campaignId, first.fingerprint);
    return (await callOnce(asks, mode, least, perUser)).map(demandClaimed);
  }

  /** @throws CircuitOpen where the script was certainly not sent; MissingErasureKey */
  async function callOnce(asks: readonly Ask[], mode: ClaimMode, least: number, perUser: number) {
    const pseudonyms = marks.demanded(campaignId);
    const brought =
      pseudonyms === undefined
        ? asks
        : asks.map((ask) => ({ ...ask, pseudonym: pseudonyms.ofClaimKey(campaignId, ask.claimKey) }));
    const end = redis.begin();
    try {
      const answers = await pool.claim(
        ...([campaignId, clock.now(), brought, mode, least, perUser, pseudonyms?.fingerprint] as const),
      );
      end(true);
      return answers;
    } catch (error) {
      end(!isNoAnswer(error));
      if (isUnsent(error)) throw new CircuitOpen("Redis is not connected", { cause: error });
      throw error;
    }
  }

  return createBatchQueue({
    maxBatch: deps.claimBatchMax,
    maxInFlight: CLAIMS_IN_FLIGHT_MAX,
    maxWaiting: deps.queueMax,
    slots: deps.slots.claims,
    ...(deps.defer === undefined ? {} : { defer: deps.defer }),
    run: loggingFailure(deps, "claiming", async (asks: readonly Ask[]) => {
      if (redis.admit() === "refuse") throw new CircuitOpen("Redis does not answer");
      const live = asks.filter((ask) => ask.take());
      if (live.length === 0) return asks.map(() => ({ kind: "expired" }));
      metrics.claimBatch.observe(live.length);
      const done = metrics.claimSeconds.startTimer();
      const span = tracer.isOn ? tracer.beginShared("claim batch", campaignId, live) : undefined;
      const answers = await inSpan(span, () => claim(live));
      done();
      if (live.length === asks.length) return answers;
      const byAsk = new Map(live.map((ask, i) => [ask, answers[i]]));
      return asks.map((ask) => byAsk.get(ask) ?? { kind: "expired" });
    }),
  });
}

function demandClaimed(answer: ClaimAnswer): Claimed {
  if (answer.kind !== "marked") return answer;
  throw new MissingErasureKey(`the erasure key of a campaign is now ${answer.fingerprint}`);
}
