import type { ClaimAnswer } from "../pool/answers.ts";
import type { Clock } from "../runtime/clock.ts";
import type { KnownAnswer } from "./known-answer.ts";

/**
 * "Not started" from memory. Redis replied how long it is to the start by its own clock. For a fraction of a
 * second, and never beyond that start, all callers get the same answer, counted down on a monotonic clock;
 * meanwhile one request goes to Redis to confirm it. This server's wall clock opens and closes nothing.
 */
export type KnownOpenings = {
  /** `isFinal`: no question to Redis follows, so this request is not the one that confirms. */
  recall(campaignId: string, isFinal: boolean): KnownAnswer | undefined;
  /** `askedAtMs`: on the clock's `elapsed`, before Redis was asked. */
  learn(campaignId: string, answer: ClaimAnswer & { readonly kind: "early" }, askedAtMs: number): void;
};

/** On the clock's `elapsed`: Redis opens not before `startMs`; the answer may be given until `untilMs`. */
type Opening = {
  readonly startMs: number;
  readonly untilMs: number;
  readonly startsAtMs: number;
  readonly endsAtMs?: number;
  readonly confirmAtMs: number;
  confirming: boolean;
};

/** How long it is answered from memory. A start moved to earlier is noticed within this. */
const REMEMBERED_MS = 100;
/**
 * After so long one request confirms it: else, ten times a second, all requests in flight would go to Redis
 * at once.
 */
const CONFIRM_MS = 50;
const CAMPAIGNS_MAX = 1_000;

export function createKnownOpenings(clock: Pick<Clock, "elapsed">): KnownOpenings {
  const openings = new Map<string, Opening>();
  return {
    recall(campaignId, isFinal) {
      const opening = openings.get(campaignId);
      if (opening === undefined) return undefined;
      const nowMs = clock.elapsed();
      const { startMs, untilMs, startsAtMs, endsAtMs, confirmAtMs, confirming } = opening;
      if (nowMs >= untilMs) {
        openings.delete(campaignId);
        return undefined;
      }
      if (nowMs >= confirmAtMs && !confirming && !isFinal) {
        opening.confirming = true;
        return undefined;
      }
      const early = { kind: "early", redisWaitMs: startMs - nowMs, startsAtMs } as const;
      return endsAtMs === undefined ? early : { ...early, endsAtMs };
    },

    learn(campaignId, { redisWaitMs, startsAtMs, endsAtMs }, askedAtMs) {
      // Redis read its clock after the question was sent, in whole milliseconds: the start can be as near as
      // this.
      const startMs = askedAtMs + redisWaitMs - 1;
      if (openings.size >= CAMPAIGNS_MAX) openings.clear();
      openings.set(campaignId, {
        ...{ startMs, startsAtMs, confirming: false },
        ...(endsAtMs === undefined ? {} : { endsAtMs }),
        untilMs: Math.min(startMs, askedAtMs + REMEMBERED_MS),
        confirmAtMs: askedAtMs + CONFIRM_MS,
      });
    },
  };
}
