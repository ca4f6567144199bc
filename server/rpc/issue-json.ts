import type { IssueRequest } from "../../claims/issue-coupon.ts";
import type { Claim } from "../../pool/answers.ts";

/**
 * IssueCoupon in proto3 JSON, without the reflection of a general codec: the tests hold both directions to protobuf-es.
 * Source of the mapping: the protobuf language guide, "ProtoJSON format".
 */

/** Both spellings of each field, as the mapping has it. */
const FIELDS: ReadonlyMap<string, keyof IssueRequest> = new Map([
  ["campaignId", "campaignId"],
  ["campaign_id", "campaignId"],
  ["userId", "userId"],
  ["user_id", "userId"],
  ["requestId", "requestId"],
  ["request_id", "requestId"],
]);

/** The request, or undefined for anything but an object of known fields with plain strings: that is for the general codec. */
export function readIssueRequest(json: string): IssueRequest | undefined {
  // Only an escape can bring half a surrogate pair, or hide what a field is called.
  if (json.includes("\\")) return undefined;
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) return undefined;
  const request: Partial<Record<keyof IssueRequest, string>> = {};
  let fields = 0;
  for (const [name, value] of Object.entries(given)) {
    const field = FIELDS.get(name);
    // A field that is there already was named before, in its other spelling.
    if (field === undefined || typeof value !== "string" || request[field] !== undefined) return undefined;
    request[field] = value;
    fields++;
  }
  // Four quotes a field and no more: JSON.parse forgives a name that comes twice, the general codec does not.
  if (quotesIn(json) !== fields * 4) return undefined;
  const { campaignId = "", userId = "", requestId = "" } = request;
  return { campaignId, userId, requestId };
}

function quotesIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) count++;
  return count;
}

/** The answer with a coupon in it. Nothing in a coupon needs escaping: a code, a ULID, a number, an instant. */
export function writeIssueResponse(
  held: Pick<Claim, "campaignId" | "code" | "seq" | "issuedAtMs">,
  replayed: boolean,
): string {
  const told = replayed ? ',"replayed":true' : "";
  return `{"coupon":{"code":"${held.code}","campaignId":"${held.campaignId}","seq":${held.seq},"issuedAt":"${instant(held.issuedAtMs)}"}${told}}`;
}

/** RFC 3339 with no fraction or three digits of it. */
function instant(ms: number): string {
  const text = new Date(ms).toISOString();
  return ms % 1_000 === 0 ? `${text.slice(0, 19)}Z` : text;
}
