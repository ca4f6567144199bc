import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { type CountValidation, rateLimited } from "../../access/limits.ts";
import { actorOf } from "../../access/operators.ts";
import type { Refusal } from "../../campaign/refusal.ts";
import type { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import type { UseDoc } from "../../record/redemption-documents.ts";
import { type Ask, lapsed } from "../../redemption/judge.ts";
import type { CouponAsked, Outcome, Redeemer } from "../../redemption/redeemer.ts";
import type { Clock } from "../../runtime/clock.ts";
import { counted } from "../../runtime/counting.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { traceIn } from "../http/call-traces.ts";
import { operatorIn } from "../rpc/operator-gate.ts";
import { createRefuse } from "../rpc/refuse.ts";
import { remoteCallerOf } from "../rpc/remote-caller.ts";
import { validActor } from "../rpc/validation.ts";
import { viewCouponRedemptions, viewRedemption } from "../view/redemption-view.ts";
import {
  validCode,
  validCouponUser,
  validOnlyCampaign,
  validRedemptionKey,
  validTimeout,
  validVoidReason,
} from "./valid-redemption.ts";

export type RedemptionServiceDeps = {
  readonly redeemer: Redeemer;
  /** How often an address may validate; undefined: not limited. */
  readonly countValidation: CountValidation | undefined;
  readonly metrics: Pick<Metrics, "redemptions">;
  readonly clock: Clock;
  readonly logger: Logger;
};

type Done = Outcome & { readonly kind: "done" };
type CouponFields = { readonly code: string; readonly userId: string; readonly campaignId: string };
type VoidFields = { readonly code: string; readonly actor: string; readonly reason: string };

/** Redeems coupons. Each method validates, asks the redeemer, and makes the response of its answer. */
export function createRedemptionService(deps: RedemptionServiceDeps): ServiceImpl<typeof RedemptionService> {
  const { redeemer, countValidation, metrics, clock } = deps;
  const logger = deps.logger.child({ component: "redemption" });
  const { refuse, orRefuse } = createRefuse(clock);
  const count = (verb: Ask["verb"] | "validate", outcome: string) =>
    metrics.redemptions.inc({ verb, outcome: outcome.toLowerCase() });

  const couponOf = ({ code, userId, campaignId }: CouponFields): CouponAsked => ({
    code: orRefuse(validCode(code)),
    campaignId: orRefuse(validOnlyCampaign(campaignId)),
    // An empty one is nobody's: bound coupons are answered as if they did not exist.
    user: { id: orRefuse(validCouponUser(userId)) },
  });
  const codeAlone = (code: string): CouponAsked => ({
    ...{ code: orRefuse(validCode(code)), campaignId: undefined, user: undefined },
  });

  async function change(coupon: CouponAsked, ask: Ask, isDryRun = false): Promise<Done> {
    const outcome = await redeemer.change(coupon, ask, isDryRun).catch((error: unknown) => {
      count(ask.verb, "failed");
      throw error;
    });
    if (outcome.kind === "refused") {
      count(ask.verb, outcome.refusal.reason);
      throw refuse(outcome.refusal);
    }
    if (!isDryRun) count(ask.verb, outcome.replayed ? "replayed" : "done");
    return outcome;
  }

  async function changeUse(coupon: CouponAsked, ask: Ask) {
    const { use, redemption, replayed, nowMs } = await change(coupon, ask);
    if (use === undefined) throw new Error("a redemption was changed that is not there");
    return { redemption: viewRedemption(redemption, use), replayed, nowMs };
  }

  async function changeVoid(
    verb: "void" | "unvoid",
    { code, actor, reason }: VoidFields,
    { cancelReservations, isDryRun }: { readonly cancelReservations: boolean; readonly isDryRun: boolean },
    { values }: HandlerContext,
  ) {
    const by = actorOf(operatorIn(values), orRefuse(validActor(actor)));
    const ask = { verb, actor: by, reason: orRefuse(validVoidReason(reason)), cancelReservations } as const;
    const outcome = await change(codeAlone(code), ask, isDryRun);
    const { redemption, validity, max, replayed } = outcome;
    if (!replayed && !isDryRun) {
      const { campaignId: campaign, revision } = redemption;
      const words = verb === "void" ? "a code was made void" : "a void code was made valid again";
      logger.info({ campaign, revision, actor: by, callId: traceIn(values).callId }, words);
    }
    const uses = lapsed({ redemption, nowMs: outcome.nowMs });
    return {
      redemptions: viewCouponRedemptions(redemption, uses, { ...validity, max }),
      already: replayed,
      notices: verb === "void" ? noticesOf(uses) : [],
    };
  }

  return {
    async reserveCoupon(request, { values }) {
      const key = orRefuse(validRedemptionKey(request.key));
      const timeoutMs = orRefuse(validTimeout(request.timeoutMs));
      const by = operatorIn(values).name;
      const { nowMs, ...answer } = await changeUse(couponOf(request), {
        ...{ verb: "reserve", key, by, timeoutMs },
      });
      return { ...answer, serverTime: timestampFromMs(nowMs) };
    },

    async confirmRedemption(request) {
      const key = orRefuse(validRedemptionKey(request.key));
      const { redemption, replayed } = await changeUse(codeAlone(request.code), { verb: "confirm", key });
      return { redemption, replayed };
    },

    async cancelRedemption(request, { values }) {
      const key = orRefuse(validRedemptionKey(request.key));
      const by = operatorIn(values).name;
      const { redemption, replayed } = await changeUse(codeAlone(request.code), { verb: "cancel", key, by });
      return { redemption, replayed };
    },

    async redeemCoupon(request, { values }) {
      const key = orRefuse(validRedemptionKey(request.key));
      const by = operatorIn(values).name;
      const { redemption, replayed } = await changeUse(couponOf(request), { verb: "redeem", key, by });
      return { redemption, replayed };
    },

    async validateCoupon(request, context) {
      const over = await countValidation?.(remoteCallerOf(context).address);
      if (over !== undefined) {
        count("validate", "RATE_LIMITED");
        throw refuse(rateLimited(over));
      }
      const whyNot = await redeemer.validate(couponOf(request));
      count("validate", whyNot?.reason ?? "valid");
      return { valid: whyNot === undefined, whyNot: reasonOf(whyNot) };
    },

    voidCoupon: (request, context) =>
      changeVoid(
        ...(["void", request] as const),
        { cancelReservations: request.cancelReservations, isDryRun: request.dryRun },
        context,
      ),

    async unvoidCoupon(request, context) {
      const given = { cancelReservations: false, isDryRun: request.dryRun };
      const { redemptions, already } = await changeVoid("unvoid", request, given, context);
      return { redemptions, already };
    },

    async getCouponRedemptions(request) {
      const facts = await redeemer.recorded(orRefuse(validCode(request.code)));
      if (facts === null) throw refuse({ reason: "NO_COUPON" });
      const { redemption, validity, max } = facts;
      return { redemptions: viewCouponRedemptions(redemption, lapsed(facts), { ...validity, max }) };
    },
  };
}

/** What a void code does not undo. */
function noticesOf(uses: readonly UseDoc[]): string[] {
  const of = (wanted: UseDoc["state"]) => uses.filter(({ state }) => state === wanted).length;
  const [confirmed, reserved] = [of("confirmed"), of("reserved")];
  return [
    ...(confirmed === 0 ? [] : [`it was redeemed already, ${counted(confirmed, "time")}: that stays so`]),
    ...(reserved === 0
      ? []
      : [
          `${counted(reserved, "live reservation")} can still be confirmed; cancel_reservations would cancel them`,
        ]),
  ];
}

function reasonOf(refusal: Refusal | undefined): RefusalReason {
  return refusal === undefined ? RefusalReason.UNSPECIFIED : RefusalReason[refusal.reason];
}
