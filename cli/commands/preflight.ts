import { toJson } from "@bufbuild/protobuf";
import {
  PreflightCampaignResponseSchema,
  PreflightColour,
  type PreflightLine,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { call } from "../call.ts";
import type { Command } from "../command.ts";
import { exitCodes } from "../exit-code.ts";
import { jsonOptions } from "../json.ts";
import { paintedState } from "../output.ts";
import { preflightLines } from "../preflight-lines.ts";
import { countdown, epochMsOf, printable } from "../render.ts";
import { UserError } from "../user-error.ts";

export const preflight: Command = {
  name: "preflight",
  summary: "will it open? pool, stores, processes, clocks: green, amber or red, and what to do",
  takesCampaign: true,
  options: [],
  examples: [
    "coupon preflight 01JEXAMPLE",
    "coupon preflight 01JEXAMPLE && echo all green",
    "coupon preflight 01JEXAMPLE --json | jq '.lines[] | select(.colour != \"PREFLIGHT_COLOUR_GREEN\")'",
  ],
  notes:
    "Exits with 0 where all is green, 9 where the worst is amber, 10 where it is red. Schedulers do the same by themselves\n" +
    "ten minutes, one minute and ten seconds before each start and write what is not green to their log.",

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
  throw new UserError(`preflight is red: ${counts}`, {
    exitCode: exitCodes.red,
    hint: "do what the red lines say and look again",
  });
}
