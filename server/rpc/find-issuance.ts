import { demandShape, ISSUANCE, issuanceNamed } from "../../audit/stores/document-shape.ts";
import { requestIdOf } from "../../campaign/claim-key.ts";
import { claimOf } from "../../campaign/claim-record.ts";
import type { Refusal } from "../../campaign/refusal.ts";
import { withoutField } from "../../campaign/valid.ts";
import type { Breaker } from "../../claims/breaker.ts";
import { type CodeFormat, parseCodeFormat } from "../../codes/code-format.ts";
import { mistypedBecause, normaliseCode } from "../../codes/normalise-code.ts";
import type { FindIssuanceRequest } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { CampaignDoc, IssuanceDoc } from "../../record/documents.ts";
import type { Issuances } from "../../record/issuances.ts";
import { viewCoupon } from "../view/campaign-view.ts";
import type { toConnectError } from "./rpc-status.ts";

export type FindIssuanceDeps = {
  campaigns: Pick<Campaigns, "formatsInUse">;
  issuances: Pick<Issuances, "findIssued">;
  reads: Breaker;
  /** The campaign, or a refusal. */
  findCampaign: (id: string) => Promise<CampaignDoc>;
  refuse: (refusal: Refusal) => ReturnType<typeof toConnectError>;
};

/** The coupon of an issuance as it was read. @throws MisshapenDocument, which names the document */
export function viewIssued(issuance: IssuanceDoc) {
  demandShape(issuance, ISSUANCE, issuanceNamed(issuance._id));
  return viewCoupon(claimOf(issuance));
}

/**
 * One issuance as operators see it: the coupon and the user id or request id that claimed it. @throws
 * MisshapenDocument, which names the document
 */
export function viewIssuance(issuance: IssuanceDoc, onePerUser: boolean) {
  return {
    coupon: viewIssued(issuance),
    userId: onePerUser ? issuance.claimKey : (issuance.userId ?? ""),
    requestId: onePerUser ? "" : requestIdOf(issuance.claimKey),
    generation: issuance.generation,
  };
}

/** The formats of recorded campaigns, all valid when recorded; one of a newer version may be unknown here. */
export function recordedFormats(patterns: readonly string[]): CodeFormat[] {
  return patterns.flatMap((pattern) => {
    const parsed = parseCodeFormat(pattern);
    return parsed.ok ? [parsed.format] : [];
  });
}

/**
 * Finds the holder of a code. Reads issuances only, never the codes that were made: so an answer cannot
 * reveal that an unissued code exists, not even by the time it takes.
 */
export function createFindIssuance(deps: FindIssuanceDeps) {
  const { campaigns, issuances, reads, findCampaign, refuse } = deps;

  return async (request: FindIssuanceRequest) => {
    const code = normaliseCode(request.code);
    if (!code.ok)
      throw refuse({ reason: "INVALID", field: "code", allowed: withoutField("code", code.message) });
    const within = request.campaignId === "" ? undefined : await findCampaign(request.campaignId);
    const found = await reads.ask(() => issuances.findIssued(code.code));
    if (found === null || (within !== undefined && found.campaignId !== within._id)) {
      const patterns = within === undefined ? await campaigns.formatsInUse() : [within.codeFormat];
      const mistyped = mistypedBecause(code.code, recordedFormats(patterns));
      if (mistyped !== undefined) throw refuse({ reason: "INVALID", field: "code", allowed: mistyped });
      throw refuse({ reason: "NO_COUPON" });
    }
    const campaign = within ?? (await findCampaign(found.campaignId));
    return { issuance: viewIssuance(found, campaign.onePerUser), campaignName: campaign.name };
  };
}
