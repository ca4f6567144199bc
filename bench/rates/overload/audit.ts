import { CheckVerdict } from "../../../proto/gen/coupon/v1/verify_pb.ts";
import { Trouble } from "../../trouble.ts";
import type { Ground } from "../ground.ts";

/**
 * Has the service audit a campaign (`coupon verify`). Returns how many checks hold.
 * @throws Trouble where one is violated
 */
export async function auditCampaign(
  { clients }: Ground,
  campaignId: string,
  signal: AbortSignal,
): Promise<number> {
  for await (const { message } of clients.campaigns.verifyCampaign({ campaignId }, { signal })) {
    if (message.case !== "report") continue;
    const { checks } = message.value;
    const violated = checks.filter(({ verdict }) => verdict === CheckVerdict.VIOLATED);
    if (violated.length > 0)
      throw new Trouble(
        `verify: ${violated.map(({ invariant, title }) => `${invariant} ${title}`).join("; ")}`,
      );
    return checks.filter(({ verdict }) => verdict === CheckVerdict.HOLDS).length;
  }
  throw new Trouble("verify ended without a report");
}
