import type { IssueRequest } from "../../claims/issue-coupon.ts";
import type { Claim } from "../../pool/answers.ts";
import { instant } from "./proto-json-instant.ts";

/**
 * IssueCoupon in proto3 JSON, without the reflection of a general codec: the tests compare both directions
 * with protobuf-es. Source of the mapping: the protobuf language guide, "ProtoJSON format".
 */

/**
 * One member of an object, the brace before the first, and what comes behind: a comma, or the end of the
 * text. White space and unescaped characters are those of RFC 8259, sections 2 and 7; no escapes, as only an
 * escape can make half a surrogate pair or hide a field's name. No part can end where another would go on, so
 * the expression reads each character once.
 */
const MEMBER =
  /(?:^[ \t\r\n]*\{|(?!^))[ \t\r\n]*"(\w+)"[ \t\r\n]*:[ \t\r\n]*"([ !#-[\]-\uffff]*)"[ \t\r\n]*(?:(,)|\}[ \t\r\n]*$)/y;

/**
 * The request, if it is an object of known fields, in either spelling, with plain strings. undefined: the
 * general codec reads it, as it does where a field comes twice. Costs a third of JSON.parse, which also puts
 * each name and short text into V8's table of strings.
 */
export function readIssueRequest(json: string): IssueRequest | undefined {
  let campaignId: string | undefined;
  let userId: string | undefined;
  let requestId: string | undefined;
  MEMBER.lastIndex = 0;
  for (let more = true; more; ) {
    const member = MEMBER.exec(json);
    if (member === null) return undefined;
    const [, name, value, comma] = member;
    if ((name === "campaignId" || name === "campaign_id") && campaignId === undefined) campaignId = value;
    else if ((name === "userId" || name === "user_id") && userId === undefined) userId = value;
    else if ((name === "requestId" || name === "request_id") && requestId === undefined) requestId = value;
    else return undefined;
    more = comma !== undefined;
  }
  return { campaignId: campaignId ?? "", userId: userId ?? "", requestId: requestId ?? "" };
}

/**
 * The answer with a coupon in it. Nothing in a coupon needs escaping: a code, a ULID, a number, an instant.
 */
export function writeIssueResponse(
  coupon: Pick<Claim, "campaignId" | "code" | "seq" | "issuedAtMs">,
  replayed: boolean,
): string {
  const told = replayed ? ',"replayed":true' : "";
  return `{"coupon":{"code":"${coupon.code}","campaignId":"${coupon.campaignId}","seq":${coupon.seq},"issuedAt":"${instant(coupon.issuedAtMs)}"}${told}}`;
}
