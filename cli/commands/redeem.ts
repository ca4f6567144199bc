import { randomUUID } from "node:crypto";
import { toJson } from "@bufbuild/protobuf";
import { type Redemption, RedemptionSchema } from "../../proto/gen/coupon/v1/redemption_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { call } from "../call.ts";
import type { Action, Input } from "../command.ts";
import { dryRun } from "../dry-run.ts";
import { jsonOptions } from "../json.ts";
import { redemptionFacts } from "../redemption-facts.ts";
import { factLines, printable } from "../render.ts";
import type { Session } from "../session.ts";
import { UserError } from "../user-error.ts";

const { method } = RedemptionService;
const leastMs = 1_000;
const mostMs = 86_400_000;

type Answer = { readonly redemption?: Redemption | undefined; readonly replayed: boolean };

/** undefined: it was a dry run. */
type Step = (session: Session, input: Input, code: string) => Promise<Answer | undefined>;

const words = (key: string) => ({
  again: "asking again with the same key",
  advice: `it may have been done: run again with --key ${printable(key)}`,
});

const keyOf = (input: Input) => input.text("--key") ?? randomUUID();

const redeem: Step = async (session, input, code) => {
  const request = { code, key: keyOf(input), userId: input.text("--user") ?? "" };
  if (await dryRun(session, input, { method: method.redeemCoupon, request })) return undefined;
  return call(session, (options) => session.redemptions.redeemCoupon(request, options), words(request.key));
};

const reserve: Step = async (session, input, code) => {
  const timeoutMs = BigInt(input.wholeNumber("--for", leastMs, mostMs) ?? 0);
  const request = { code, key: keyOf(input), userId: input.text("--user") ?? "", timeoutMs };
  if (await dryRun(session, input, { method: method.reserveCoupon, request })) return undefined;
  return call(session, (options) => session.redemptions.reserveCoupon(request, options), words(request.key));
};

const confirm: Step = async (session, input, code) => {
  const request = { code, key: input.requiredText("--key") };
  if (await dryRun(session, input, { method: method.confirmRedemption, request })) return undefined;
  return call(
    session,
    (options) => session.redemptions.confirmRedemption(request, options),
    words(request.key),
  );
};

const cancel: Step = async (session, input, code) => {
  const request = { code, key: input.requiredText("--key") };
  if (await dryRun(session, input, { method: method.cancelRedemption, request })) return undefined;
  return call(
    session,
    (options) => session.redemptions.cancelRedemption(request, options),
    words(request.key),
  );
};

const steps: Readonly<Record<string, Step>> = {
  "--reserve": reserve,
  "--confirm": confirm,
  "--cancel": cancel,
};

export const action: Action = {
  async run(session, input) {
    const code = input.requiredText("--code");
    const [step, ...more] = Object.keys(steps).filter((flag) => input.flag(flag) === true);
    if (more.length > 0)
      throw new UserError("give one of --reserve, --confirm and --cancel", {
        hint: "none of them: both steps in one",
      });
    if (step !== "--reserve" && input.text("--for") !== undefined)
      throw new UserError("--for goes with --reserve", { hint: "nothing is kept without it" });
    const answer = await ((step === undefined ? undefined : steps[step]) ?? redeem)(session, input, code);
    if (answer === undefined) return;
    const { redemption, replayed } = answer;
    if (redemption === undefined) throw new Error("the service answered without a redemption");
    const { output, settings } = session;
    if (output.json) {
      const shown = { redemption: toJson(RedemptionSchema, redemption, jsonOptions), replayed };
      await output.write(`${JSON.stringify(shown)}\n`);
      return;
    }
    const facts = redemptionFacts(redemption, settings.zone);
    if (replayed) facts.push(["note", "it was so already"]);
    await output.write(`${output.style("bold", printable(redemption.code))}\n${factLines(facts)}`);
  },
};
