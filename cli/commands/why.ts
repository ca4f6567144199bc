import { toJson } from "@bufbuild/protobuf";
import { type Attempt, AttemptSchema } from "../../proto/gen/coupon/v1/attempt_pb.ts";
import { counted } from "../../runtime/counting.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { exitCodes } from "../exit-code.ts";
import { jsonOptions } from "../json.ts";
import { epochMsOf, instantText, printable } from "../render.ts";
import { UserError } from "../user-error.ts";

export const action: Action = {
  async run(session, input) {
    const { output, settings, campaigns } = session;
    const userId = input.text("--user") ?? "";
    const requestId = input.text("--request") ?? "";
    if (userId === "" && requestId === "")
      throw new UserError("--user or --request is missing", { hint: "--help shows an example" });
    const request = { campaignId: input.campaignId, userId, requestId };
    const { attempts, isKept } = await call(session, (options) => campaigns.findAttempts(request, options));
    if (attempts.length === 0)
      throw new UserError("the attempt log has nothing of this caller", {
        hint: isKept
          ? "it has a sample only; coupon find shows whether there is a coupon"
          : "ATTEMPTS_KEPT is 0 at this server; coupon find shows whether there is a coupon",
        exitCode: exitCodes.notFound,
      });
    for (const attempt of attempts)
      await output.write(
        output.json
          ? `${JSON.stringify(toJson(AttemptSchema, attempt, jsonOptions))}\n`
          : lineOf(attempt, settings.zone),
      );
    output.note(`${counted(attempts.length, "attempt")} in the log, which has a sample of what was refused`);
  },
};

function lineOf({ at, userId, requestId, outcome, server, tookMs }: Attempt, zone: string): string {
  const who = [userId, requestId].filter((id) => id !== "").map(printable);
  const said = `${printable(outcome)} by ${printable(server)} after ${tookMs} ms`;
  return `${instantText(epochMsOf(at) ?? 0, zone)}  ${who.join(" ")}  ${said}\n`;
}
