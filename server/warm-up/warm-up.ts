import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { IssueCouponRequestSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { sleepUnless } from "../../runtime/clock.ts";
import { connectCallers, type LoopbackCallers } from "./loopback-callers.ts";
import { openShadow, type ShadowDeps } from "./shadow.ts";

export type WarmUpDeps = ShadowDeps & {
  /** Reads what the first claims of the campaign itself will need, and changes nothing. */
  look: (campaignId: string) => Promise<unknown>;
};

/** How much is done: `whole` where the code may be cold, else only what is the campaign's. */
export type Measure = "whole" | "short";

export type WarmUpReport = {
  /** Claims that were answered with a coupon of the shadow. */
  readonly claims: number;
  /** False: the time was over before. */
  readonly isComplete: boolean;
  readonly tookMs: number;
  /** What a wave of `WAVE` claims took at first, and at last. */
  readonly firstMs: number;
  readonly lastMs: number;
};

/** Claims at once, in turn: those of a lone caller, of an ordinary opening, and of a crowd. */
const WAVES = [1, 2, 64, 1, 8, 64] as const;
const WAVE = Math.max(...WAVES);
const CLAIMS = { whole: 6_000, short: 160 } as const satisfies Record<Measure, number>;
/** Statuses of answers in HTTP. */
const ISSUED = 200;
const SOLD_OUT = 400;
/** One claim in so many asks in Protobuf instead of JSON. */
const PROTO_EVERY = 8;

/**
 * Runs claims through the claim path over a shadow of the campaign, until the code is optimised, or `until`
 * aborts. After each wave it rests for as long as that took: a sale that runs is not slowed down.
 */
export async function warmUp(
  deps: WarmUpDeps,
  campaign: CampaignDoc,
  measure: Measure,
  until: AbortSignal,
): Promise<WarmUpReport> {
  const { clock } = deps;
  const beganMs = clock.elapsed();
  const total = CLAIMS[measure];
  await deps.look(campaign._id);
  const shadow = await openShadow(deps, campaign, total);
  const took: number[] = [];
  let claims = 0;
  try {
    const callers = await connectCallers(shadow.server, WAVE);
    try {
      const claim = (first: number, size: number, status: number) =>
        claimAtOnce(callers, shadow.id, { first, size, status });
      for (let wave = 0; claims < total && !until.aborted; wave++) {
        const size = Math.min(total - claims, WAVES[wave % WAVES.length] ?? 1);
        const waveBeganMs = clock.elapsed();
        await claim(claims, size, ISSUED);
        claims += size;
        const tookMs = clock.elapsed() - waveBeganMs;
        if (size === WAVE) took.push(tookMs);
        await sleepUnless(clock, tookMs, until);
      }
      // What a caller gets who asks again, and one who comes too late.
      if (claims === total) {
        await claim(0, WAVE, ISSUED);
        await claim(total, WAVE, SOLD_OUT);
      }
    } finally {
      callers.close();
    }
  } finally {
    await shadow.remove();
  }
  const [firstMs = 0, lastMs = firstMs] = [took[0], took.at(-1)];
  return { claims, isComplete: claims === total, tookMs: clock.elapsed() - beganMs, firstMs, lastMs };
}

type Claims = { readonly first: number; readonly size: number; readonly status: number };

/** @throws where an answer has another status */
async function claimAtOnce(callers: LoopbackCallers, campaignId: string, { first, size, status }: Claims) {
  const answers = await Promise.all(
    Array.from({ length: size }, (_, i) => {
      const userId = `warm-up-${first + i}`;
      const ask = { campaignId, userId, requestId: userId };
      return (first + i) % PROTO_EVERY === 0
        ? callers.ask(i, "application/proto", protoOf(ask))
        : callers.ask(i, "application/json", Buffer.from(JSON.stringify(ask)));
    }),
  );
  const odd = answers.find((answer) => answer !== status);
  if (odd !== undefined)
    throw new Error(`a claim of a warm-up was answered with ${odd} instead of ${status}`);
}

function protoOf(ask: MessageInitShape<typeof IssueCouponRequestSchema>): Buffer {
  return Buffer.from(toBinary(IssueCouponRequestSchema, create(IssueCouponRequestSchema, ask)));
}
