import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { allowedIn, PHASES, recordedAs } from "../../campaign/life-cycle.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { ROLE_NEEDED } from "../../server/rpc/operator-rights.ts";
import {
  ACTIONS,
  type Action,
  deniedWith,
  disallowedBecause,
  METHODS,
} from "../../web/console/actions/action.ts";

describe("the console's actions", () => {
  it("are those that the life cycle allows, in each phase", () => {
    for (const phase of PHASES) {
      const opened = ["OPEN", "PAUSED", "SOLD_OUT", "ENDED"].includes(phase);
      const campaign = {
        state: CampaignState[recordedAs(phase)],
        ...(opened ? { openedAt: timestampFromMs(1) } : {}),
      };
      const enabled = ACTIONS.filter((action) => disallowedBecause(action, campaign) === undefined);
      expect([...enabled].sort(), phase).to.deep.equal(allowedIn(phase).sort());
    }
  });

  it("are left to the service in a state that the page does not know", () => {
    const unknown = { state: 99 as CampaignState };
    expect(ACTIONS.filter((action) => disallowedBecause(action, unknown) !== undefined)).to.deep.equal([]);
  });

  it("that a role does not cover are those that need the same role, or a higher one", () => {
    const ranks = ["viewer", "operator", "admin"];
    const roleOf = new Map(
      CampaignService.methods.map(({ name, localName }) => [
        name,
        ROLE_NEEDED[localName as keyof typeof ROLE_NEEDED],
      ]),
    );
    const rankOf = (action: Action) => ranks.indexOf(roleOf.get(METHODS[action]) ?? "");
    for (const action of ACTIONS)
      expect([...deniedWith(action)].sort()).to.deep.equal(
        ACTIONS.filter((other) => rankOf(other) >= rankOf(action))
          .map((other) => METHODS[other])
          .sort(),
      );
  });
});
