import type { Campaign } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { counted } from "../../runtime/counting.ts";
import { commonRequest, makeChange } from "../change.ts";
import type { Action } from "../command.ts";
import type { Question } from "../confirm.ts";
import { metadataOf } from "../metadata.ts";
import { endFields } from "../new-instants.ts";
import { readInstants } from "../read-instants.ts";
import { isOver, printable } from "../render.ts";
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
    const forgetUsersAfterDays = input.wholeNumber("--forget-users-after", 1, 3_650);
    const keepUsers = input.flag("--keep-users") === true;
    const forgets = forgetUsersAfterDays !== undefined;
    if (forgets && keepUsers)
      throw new UserError("--forget-users-after and --keep-users are not for one edit");
    if (
      name === undefined &&
      instants.end === undefined &&
      !instants.noEnd &&
      !notes &&
      !forgets &&
      !keepUsers
    )
      throw new UserError("there is nothing to change", {
        hint: "give --name, --end, --no-end, --meta, --unmeta, --forget-users-after or --keep-users",
      });
    const common = commonRequest(session, input);
    const request = {
      ...common,
      ...(name === undefined ? {} : { name }),
      ...endFields(instants),
      ...(notes ? { setMetadata, removeMetadata } : {}),
      ...(forgets ? { forgetUsersAfterDays } : {}),
      ...(keepUsers ? { keepUsers } : {}),
    };
    await makeChange(session, input, {
      method: CampaignService.method.updateCampaign,
      request,
      send: (sent, options) => session.campaigns.updateCampaign(sent, options),
      done: "changed",
      instants,
      ...(forgets
        ? { question: (campaign: Campaign) => erasureQuestion(campaign, forgetUsersAfterDays) }
        : {}),
    });
  },
};

/** Of a campaign that is over the days may have passed: its users are then erased at once. */
function erasureQuestion({ id, name, state, issued }: Campaign, days: number): Question | undefined {
  if (!isOver(state)) return undefined;
  return {
    what: `erase the users of ${id} (${name}), which is over with ${counted(issued, "coupon")} issued, ${counted(days, "day")} after it became so`,
  };
}
