import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { spellingsOf } from "../../campaign/user-spellings.ts";
import { validKey } from "../../campaign/valid.ts";
import type { Breaker } from "../../claims/breaker.ts";
import type { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Attempts } from "../../record/attempts.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { Refuse } from "./refuse.ts";

export type FindAttemptsDeps = {
  readonly attempts: Pick<Attempts, "of">;
  /** Whether this server keeps attempts. */
  readonly keepsAttempts: boolean;
  readonly reads: Breaker;
  /** The campaign, or a refusal. */
  readonly findCampaign: (id: string) => Promise<CampaignDoc>;
} & Refuse;

const ATTEMPTS_MAX = 1_000;
const NO_KEY = {
  reason: "INVALID",
  field: "user_id, request_id",
  allowed: "give the user id or the request id",
} as const;

/** Finds what a user or a request id asked, in the attempt log. */
export function createFindAttempts(
  deps: FindAttemptsDeps,
): ServiceImpl<typeof CampaignService>["findAttempts"] {
  const { attempts, keepsAttempts, reads, findCampaign, refuse, orRefuse } = deps;
  return async ({ campaignId, userId, requestId }) => {
    if (userId === "" && requestId === "") throw refuse(NO_KEY);
    if (userId !== "") orRefuse(validKey("user_id", userId));
    if (requestId !== "") orRefuse(validKey("request_id", requestId));
    const { _id } = await findCampaign(campaignId);
    const users = userId === "" ? [] : spellingsOf(userId);
    const found = await reads.ask(() => attempts.of(_id, users, requestId, ATTEMPTS_MAX));
    return {
      isKept: keepsAttempts,
      attempts: found.map(({ at, tookMs, outcome, server, ...one }) => ({
        ...{ at: timestampFromDate(at), tookMs, outcome, server },
        ...{ userId: one.userId, requestId: one.requestId },
      })),
    };
  };
}
