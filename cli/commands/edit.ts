import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { commonRequest, makeChange } from "../change.ts";
import type { Action } from "../command.ts";
import { metadataOf } from "../metadata.ts";
import { endFields } from "../new-instants.ts";
import { readInstants } from "../read-instants.ts";
import { printable } from "../render.ts";
import { UserError } from "../user-error.ts";

export const action: Action = {
  async run(session, input) {
    const name = input.text("--name");
    if (input.text("--end") === "now") {
      throw new UserError("--end now: an end lies ahead", {
        hint: `coupon end ${printable(input.campaignId)} ends it at once, coupon cancel before it has opened`,
      });
    }
    const instants = await readInstants(session, input);
    const setMetadata = metadataOf(input);
    const removeMetadata = [...input.texts("--unmeta")];
    const notes = Object.keys(setMetadata).length + removeMetadata.length > 0;
    if (name === undefined && instants.end === undefined && !instants.noEnd && !notes)
      throw new UserError("there is nothing to change", {
        hint: "give --name, --end, --no-end, --meta or --unmeta",
      });
    const common = commonRequest(session, input);
    const request = {
      ...common,
      ...(name === undefined ? {} : { name }),
      ...endFields(instants),
      ...(notes ? { setMetadata, removeMetadata } : {}),
    };
    await makeChange(session, input, {
      method: CampaignService.method.updateCampaign,
      request,
      send: (sent, options) => session.campaigns.updateCampaign(sent, options),
      done: "changed",
      instants,
    });
  },
};
