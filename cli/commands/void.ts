import { toJson } from "@bufbuild/protobuf";
import { type CouponRedemptions, CouponRedemptionsSchema } from "../../proto/gen/coupon/v1/redemption_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { call } from "../call.ts";
import { actorOf } from "../change.ts";
import type { Action } from "../command.ts";
import { dryRun } from "../dry-run.ts";
import { dryRunMode } from "../dry-run-mode.ts";
import { jsonOptions } from "../json.ts";
import { writeRedemptions } from "../redemption-facts.ts";
import { noticeLines } from "../server-words.ts";
import type { Session } from "../session.ts";

export const action: Action = {
  async run(session, input) {
    const request = {
      code: input.requiredText("--code"),
      actor: actorOf(session, input),
      reason: input.text("--reason") ?? "",
      cancelReservations: input.flag("--cancel-reservations") ?? false,
      dryRun: dryRunMode(input) === "server",
    };
    if (await dryRun(session, input, { method: RedemptionService.method.voidCoupon, request })) return;
    const answer = await call(
      session,
      (options) => session.redemptions.voidCoupon(request, options),
      againWords,
    );
    await showVoid(session, answer, request.dryRun);
  },
};

export const againWords = {
  again: "trying again",
  advice: "it may have been done: coupon redemptions shows; run again, a repeated run changes nothing",
};

type Answer = {
  readonly redemptions?: CouponRedemptions | undefined;
  readonly already: boolean;
  readonly notices?: readonly string[];
};

export async function showVoid(
  session: Session,
  { redemptions, already, notices = [] }: Answer,
  isDryRun: boolean,
): Promise<void> {
  const { output, settings } = session;
  if (redemptions === undefined) throw new Error("the service answered without the code");
  if (output.json) {
    const shown = {
      ...{ redemptions: toJson(CouponRedemptionsSchema, redemptions, jsonOptions), already, notices },
      ...(isDryRun ? { check: true } : {}),
    };
    await output.write(`${JSON.stringify(shown)}\n`);
    return;
  }
  await writeRedemptions(session, redemptions);
  await output.write(noticeLines(notices, settings.zone));
  if (already) output.note("it was so already: nothing was changed");
  else if (isDryRun) output.note("checked by the service; nothing was changed");
}
