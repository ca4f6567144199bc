import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { call } from "../call.ts";
import { actorOf } from "../change.ts";
import type { Action } from "../command.ts";
import { dryRun } from "../dry-run.ts";
import { dryRunMode } from "../dry-run-mode.ts";
import { againWords, showVoid } from "./void.ts";

export const action: Action = {
  async run(session, input) {
    const request = {
      code: input.requiredText("--code"),
      actor: actorOf(session, input),
      reason: input.text("--reason") ?? "",
      dryRun: dryRunMode(input) === "server",
    };
    if (await dryRun(session, input, { method: RedemptionService.method.unvoidCoupon, request })) return;
    const answer = await call(
      session,
      (options) => session.redemptions.unvoidCoupon(request, options),
      againWords,
    );
    await showVoid(session, answer, request.dryRun);
  },
};
