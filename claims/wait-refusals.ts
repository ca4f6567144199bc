import type { Refusal } from "../campaign/refusal.ts";
import { type Herd, shareOf } from "./herd.ts";

export type WaitRefusalsDeps = {
  /** undefined: all callers that wait for a start are told to come back at the same instant. */
  readonly herd?: Herd | undefined;
};

/** Who came again sooner would meet the same batches under way. */
const COME_AGAIN_MS_MIN = 10;

type Asked = { readonly campaignId: string; readonly claimKey: string };
type Opening = { readonly startsAtMs: number; readonly endsAtMs?: number };

/** The refusals that tell a caller when to come back, each with its part of the spread. */
export function createWaitRefusals({ herd }: WaitRefusalsDeps) {
  const partMs = ({ campaignId, claimKey }: Asked, mostMs = Number.POSITIVE_INFINITY) =>
    herd?.partMs(campaignId, claimKey, mostMs) ?? 0;

  return {
    /** `waitMs`: to the start. The caller is to come back in the first half of the sale at the latest. */
    notStarted(asked: Asked, { startsAtMs, endsAtMs }: Opening, waitMs: number): Refusal {
      const mostMs = endsAtMs === undefined ? undefined : (endsAtMs - startsAtMs) / 2;
      return { reason: "NOT_STARTED", startsAtMs, waitMs: waitMs + partMs(asked, mostMs) };
    },

    /** Of callers that ask again and again, until an operator resumes the sale or the codes are made. */
    comingAgain(asked: Asked, refusal: Refusal): Refusal {
      if (refusal.reason !== "PAUSED" && refusal.reason !== "NOT_READY") return refusal;
      const part = partMs(asked);
      return part === 0 ? refusal : { ...refusal, partMs: part };
    },

    /**
     * Too many claims wait. `comeAgainMs`: see WaitGate; each caller comes between a half and the whole of
     * that later.
     */
    overloaded({ campaignId, claimKey }: Asked, comeAgainMs: number | undefined): Refusal {
      if (comeAgainMs === undefined) return { reason: "OVERLOADED" };
      const share = (1 + shareOf(campaignId, claimKey)) / 2;
      return { reason: "OVERLOADED", retryAfterMs: Math.max(COME_AGAIN_MS_MIN, comeAgainMs * share) };
    },
  };
}
