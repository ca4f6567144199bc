import { toJson } from "@bufbuild/protobuf";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { GetCampaignStatusResponseSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { jsonOptions } from "../json.ts";
import { paintedState } from "../painted-state.ts";
import { countdown, epochMsOf, factLines, instantText, whenResumed } from "../render.ts";

export const action: Action = {
  async run(session, input) {
    const { output, settings } = session;
    const { campaignId } = input;
    const answer = await call(session, (options) =>
      session.coupons.getCampaignStatus({ campaignId }, options),
    );
    if (output.json) {
      await output.write(`${JSON.stringify(toJson(GetCampaignStatusResponseSchema, answer, jsonOptions))}\n`);
      return;
    }
    const startsMs = epochMsOf(answer.startsAt);
    const endsMs = epochMsOf(answer.endsAt);
    const serverMs = epochMsOf(answer.serverTime);
    const left = Number(answer.millisToStart);
    const distance = answer.state === CampaignState.PAUSED ? whenResumed(left) : `in ${countdown(left)}`;
    const facts: [string, string][] = [["sold out", answer.soldOut ? "yes" : "no"]];
    if (startsMs !== undefined) {
      facts.push(["starts", instantText(startsMs, settings.zone) + (left > 0 ? `, ${distance}` : "")]);
    }
    facts.push(["ends", endsMs === undefined ? "never" : instantText(endsMs, settings.zone)]);
    if (serverMs !== undefined) facts.push(["server's clock", instantText(serverMs, settings.zone)]);
    const title = `${output.style("bold", campaignId)}  ${paintedState(output, answer.state)}\n`;
    await output.write(title + factLines(facts));
  },
};
