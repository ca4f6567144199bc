import { ConnectError } from "@connectrpc/connect";
import { firstSpelling } from "../../../../operator/spellings.ts";
import type { Coupon } from "../../../../proto/gen/coupon/v1/campaign_pb.ts";
import type {
  FindIssuanceRequest,
  FindIssuanceResponse,
} from "../../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { RefusalReason } from "../../../../proto/gen/coupon/v1/refusal_pb.ts";
import { failureOf } from "../../session/failure-words.ts";

/** By what a coupon is looked up. */
export const KEYS = ["code", "user", "request"] as const;
export type LookUpKey = (typeof KEYS)[number];

export type LookUpApi = {
  findIssuance(
    request: Partial<Pick<FindIssuanceRequest, "code" | "campaignId" | "userId" | "requestId">>,
  ): Promise<FindIssuanceResponse>;
};

export type LookUp = {
  readonly key: LookUpKey;
  /** As the operator typed it. */
  readonly given: string;
  /** The campaign; empty, for a code: all campaigns. */
  readonly campaignId: string;
  /** Beside a request id, the user whose token claimed; empty: not given. */
  readonly user: string;
};

export type Found =
  | {
      readonly kind: "found";
      /** What was found, with who holds it; several only of a user whose campaign is not one-per-user. */
      readonly issuances: readonly Held[];
      /** True: the user has more than these. */
      readonly hasMore: boolean;
      readonly campaignName: string;
      /** The spelling under which it was found, where that is not the given one. */
      readonly spelling: string | undefined;
    }
  | { readonly kind: "none" }
  /** The campaign's claim key is the other one: user id or request id. */
  | { readonly kind: "otherKey" }
  /** A token claimed with this request id, if anybody did: whose is needed too. */
  | { readonly kind: "userNeeded" };

export type Held = { readonly coupon: Coupon; readonly userId: string; readonly requestId: string };

/** @throws ConnectError where the call fails for another reason than that there is no such coupon */
export async function lookUp(api: LookUpApi, asked: LookUp): Promise<Found> {
  const { key, given, campaignId, user } = asked;
  try {
    if (key === "code") return foundIn(await api.findIssuance({ code: given, campaignId }), undefined);
    const { answer, spelling } = await firstSpelling(given, isNoCoupon, (claimKey) =>
      api.findIssuance(
        key === "user"
          ? { campaignId, userId: claimKey }
          : { campaignId, requestId: claimKey, userId: user.trim() },
      ),
    );
    return foundIn(answer, spelling === given ? undefined : spelling);
  } catch (error) {
    if (isNoCoupon(error)) return { kind: "none" };
    if (key === "user" && isAboutField(error, "request_id")) return { kind: "otherKey" };
    if (isAboutField(error, "user_id, request_id")) return { kind: "userNeeded" };
    if (key === "request" && user.trim() === "" && isAboutField(error, "user_id"))
      return { kind: "otherKey" };
    throw error;
  }
}

function foundIn(answer: FindIssuanceResponse, spelling: string | undefined): Found {
  const { issuance, others, hasMore, campaignName } = answer;
  const issuances = (issuance === undefined ? [] : [issuance, ...others]).flatMap(
    ({ coupon, userId, requestId }) => (coupon === undefined ? [] : [{ coupon, userId, requestId }]),
  );
  if (issuances.length === 0) throw new Error("the service answered without a coupon");
  return { kind: "found", issuances, hasMore, campaignName, spelling };
}

function isNoCoupon(error: unknown): boolean {
  return failureOf(error).reason === RefusalReason.NO_COUPON;
}

/** The campaign decides which claim key it uses: the service refuses a request without that key. */
function isAboutField(error: unknown, field: string): boolean {
  return (
    error instanceof ConnectError &&
    failureOf(error).reason === RefusalReason.INVALID &&
    error.rawMessage.startsWith(`${field}: `)
  );
}
