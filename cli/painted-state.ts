import { CampaignState } from "../proto/gen/coupon/v1/campaign_pb.ts";
import type { Output } from "./output.ts";
import { stateName } from "./render.ts";

/** The state's name in its colour. */
export function paintedState(output: Output, state: number): string {
  const name = stateName(state);
  if (state === CampaignState.OPEN) return output.style("green", name);
  if (state === CampaignState.CANCELLED) return output.style("red", name);
  if (state === CampaignState.GENERATING || state === CampaignState.PAUSED)
    return output.style("yellow", name);
  return output.style("cyan", name);
}
