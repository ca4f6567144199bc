import type { IssueRequest } from "../../claims/issue-coupon.ts";
import type { Claim } from "../../pool/answers.ts";
import { createReadTexts } from "./plain-texts.ts";
import { instant } from "./proto-json-instant.ts";

/** IssueCoupon in proto3 JSON: the tests compare both directions with protobuf-es. */

const readTexts = createReadTexts(["campaign_id", "user_id", "request_id"]);

/** undefined: an unusual request, which the general codec reads. */
export function readIssueRequest(json: string): IssueRequest | undefined {
  const texts = readTexts(json);
  if (texts === undefined) return undefined;
  return { campaignId: texts[0] ?? "", userId: texts[1] ?? "", requestId: texts[2] ?? "" };
}

/**
 * The answer with a coupon in it; that of FindCoupon is the same where nothing is replayed. Nothing in a
 * coupon needs escaping: a code, a ULID, a number, an instant.
 */
export function writeIssueResponse(
  coupon: Pick<Claim, "campaignId" | "code" | "seq" | "issuedAtMs">,
  replayed: boolean,
): string {
  const told = replayed ? ',"replayed":true' : "";
  return `{"coupon":{"code":"${coupon.code}","campaignId":"${coupon.campaignId}","seq":${coupon.seq},"issuedAt":"${instant(coupon.issuedAtMs)}"}${told}}`;
}
