import { toJson } from "@bufbuild/protobuf";
import { enumName } from "../../proto/enum-name.ts";
import {
  PreflightCampaignResponseSchema,
  PreflightColour,
  PreflightColourSchema,
  type PreflightLine,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { exitCodes } from "../exit-code.ts";
import { jsonOptions } from "../json.ts";
import { paintedState } from "../painted-state.ts";
import { preflightLines } from "../preflight-lines.ts";
import { countdown, epochMsOf, printable } from "../render.ts";
import { UserError } from "../user-error.ts";

export const action: Action = {
  async run(session, input) {
    const { output, settings } = session;
    const { campaignId } = input;
    const answer = await call(session, (options) =>
      session.campaigns.preflightCampaign({ campaignId }, options),
    );
    if (output.json) {
      await output.write(`${JSON.stringify(toJson(PreflightCampaignResponseSchema, answer, jsonOptions))}\n`);
    } else {
      const { campaign } = answer;
      const leftMs = (epochMsOf(campaign?.startsAt) ?? 0) - (epochMsOf(answer.serverTime) ?? 0);
      const opens = leftMs > 0 ? `  opens in ${countdown(leftMs)}` : "";
      const state = campaign === undefined ? "" : paintedState(output, campaign.state);
      const name = printable(campaign?.name ?? "");
      await output.write(`${output.style("bold", campaignId)}  ${state}${opens}  ${name}\n`);
      await output.write(preflightLines(output, answer.lines, settings.zone));
    }
    judge(answer.colour, answer.lines);
  },
};

/** The exit code is the verdict. @throws UserError unless all is green */
function judge(colour: PreflightColour, lines: readonly PreflightLine[]): void {
  if (colour === PreflightColour.GREEN) return;
  const count = (wanted: PreflightColour) => lines.filter((line) => line.colour === wanted).length;
  const counts = `${count(PreflightColour.RED)} red, ${count(PreflightColour.AMBER)} amber`;
  if (colour === PreflightColour.AMBER) {
    throw new UserError(`preflight is amber: ${counts}`, {
      exitCode: exitCodes.amber,
      hint: "it will open; look at the amber lines",
    });
  }
  // A colour that only a newer service has does not mean that the campaign will open.
  throw new UserError(`preflight is ${enumName(PreflightColourSchema, colour).toLowerCase()}: ${counts}`, {
    exitCode: exitCodes.red,
    hint: "do what the red lines say and look again",
  });
}
