import { type DescMessage, type DescMethodUnary, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";
import { type CouponRedemptions, CouponRedemptionsSchema } from "../../proto/gen/coupon/v1/redemption_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { call } from "../call.ts";
import { actorOf } from "../change.ts";
import type { Action, Input } from "../command.ts";
import { dryRun } from "../dry-run.ts";
import { dryRunMode } from "../dry-run-mode.ts";
import { jsonOptions } from "../json.ts";
import { writeRedemptions } from "../redemption-facts.ts";
import { noticeLines } from "../server-words.ts";
import type { Session } from "../session.ts";

export const action: Action = {
  run: (session, input) =>
    changeVoid(session, input, {
      method: RedemptionService.method.voidCoupon,
      requestOf: (asked) => ({
        ...asked,
        cancelReservations: input.flag("--cancel-reservations") ?? false,
      }),
      send: (request, options) => session.redemptions.voidCoupon(request, options),
    }),
};

const againWords = {
  again: "trying again",
  advice: "it may have been done: coupon redemptions shows; run again, a repeated run changes nothing",
};

type Answer = {
  readonly redemptions?: CouponRedemptions | undefined;
  readonly already: boolean;
  readonly notices?: readonly string[];
};

/** What both methods are asked with. */
type Asked = {
  readonly code: string;
  readonly actor: string;
  readonly reason: string;
  readonly dryRun: boolean;
};

type VoidCall<I extends DescMessage> = {
  readonly method: DescMethodUnary<I, DescMessage>;
  readonly requestOf: (asked: Asked) => MessageInitShape<I>;
  readonly send: (request: MessageInitShape<I>, options: CallOptions) => Promise<Answer>;
};

/** Makes a code void, or valid again. */
export async function changeVoid<I extends DescMessage>(
  session: Session,
  input: Input,
  { method, requestOf, send }: VoidCall<I>,
): Promise<void> {
  const isCheck = dryRunMode(input) === "server";
  const request = requestOf({
    code: input.requiredText("--code"),
    actor: actorOf(session, input),
    reason: input.text("--reason") ?? "",
    dryRun: isCheck,
  });
  if (await dryRun(session, input, { method, request })) return;
  const answer = await call(session, (options) => send(request, options), againWords);
  await showVoid(session, answer, isCheck);
}

async function showVoid(
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
