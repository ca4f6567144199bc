import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { claimsOf, hmacOf, secretMaker, tokenOf } from "../../support/claim-credentials.ts";
import type { CrowdPlan } from "./crowd-plan.ts";

/** A request in bytes; `owner`: the user whose valid token it carries, and who may get a coupon for it. */
export type Prepared = { readonly bytes: Buffer; readonly owner?: string };

/** Requests of each kind, made before the attack: many different ones, so that no cache of a token helps. */
const EACH = 400;
const COUPONS = "/coupon.v1.CouponService/";
const CAMPAIGNS = "/coupon.v1.CampaignService/";

type Made = { readonly path?: string; readonly fields?: object; readonly token?: string };

export function hostileRequests(plan: CrowdPlan): Readonly<Record<string, readonly Prepared[]>> {
  const { campaignId, otherCampaignId, victims, accomplices, secret, publicKey, keyId } = plan;
  const shop = secretMaker(secret);
  const hostile = secretMaker(randomBytes(32).toString("hex"));
  const victim = (i: number) => victims[i % victims.length] ?? "";
  const accomplice = (i: number) => accomplices[i % accomplices.length] ?? "";
  const nobody = () => `siege-nobody-${randomUUID()}`;
  const valid = (userId: string, more: object = {}) => shop.sign(claimsOf(userId, more));
  const times = (make: (i: number) => Made) =>
    Array.from({ length: EACH }, (_, i) => ({ bytes: requestBytes(plan, make(i)) }));
  const past = Math.floor(Date.now() / 1_000) - 3_600;

  return {
    forged: times((i) => ({ token: hostile.sign(claimsOf(i % 2 === 0 ? victim(i) : nobody())) })),
    unsigned: times((i) => ({ token: tokenOf({ alg: "none", typ: "JWT" }, claimsOf(victim(i)), () => "") })),
    // The public key as the secret of HS256, under the id of that key and without it.
    confused: times((i) => ({
      token: tokenOf(
        { alg: "HS256", typ: "JWT", ...(i % 2 === 0 ? { kid: keyId } : {}) },
        claimsOf(victim(i)),
        hmacOf(publicKey),
      ),
    })),
    // An HMAC of the public key that is called a signature with the private one.
    mislabelled: times((i) => ({
      token: tokenOf({ alg: "RS256", kid: keyId }, claimsOf(victim(i)), (input) =>
        createHmac("sha256", publicKey).update(input).digest("base64url"),
      ),
    })),
    expired: times((i) => ({ token: valid(victim(i), { exp: past - i }) })),
    "other-audience": times((i) => ({ token: valid(victim(i), { aud: "another-shop" }) })),
    "other-campaign": times((i) => ({ token: valid(victim(i), { campaign_id: otherCampaignId }) })),
    // A request of an honest user that somebody saw, sent again with the token of another.
    replayed: times((i) => ({ token: valid(accomplice(i)), fields: { campaignId, userId: victim(i) } })),
    invented: times(() => ({ fields: { campaignId, userId: nobody() } })),
    "look-ups": times((i) => ({
      path: `${COUPONS}FindCoupon`,
      ...(i % 3 === 0
        ? {}
        : { token: i % 3 === 1 ? hostile.sign(claimsOf(victim(i))) : valid(accomplice(i)) }),
      fields: i % 2 === 0 ? { campaignId, userId: victim(i) } : { campaignId, code: guessedCode(i) },
    })),
    operating: times((i) => operating(i, campaignId, valid(accomplice(i)))),
    unlimited: Array.from({ length: EACH }, (_, i) => ({
      owner: accomplice(i),
      bytes: requestBytes(plan, {
        path: `${COUPONS}${i % 3 === 0 ? "FindCoupon" : "IssueCoupon"}`,
        token: valid(accomplice(i)),
        fields: i % 3 === 0 ? { campaignId, userId: accomplice(i) } : { campaignId },
      }),
    })),
  };
}

/** Calls of operators with a guessed key, with a user's token, and with nothing. */
function operating(i: number, campaignId: string, token: string): Made {
  const calls: readonly [method: string, fields: object][] = [
    ["CancelCampaign", { campaignId }],
    ["EndCampaign", { campaignId }],
    ["PauseCampaign", { campaignId }],
    ["AddCoupons", { campaignId, count: 1_000 }],
    ["FindIssuance", { campaignId, code: guessedCode(i) }],
    ["GetCampaign", { campaignId }],
    ["RescheduleCampaign", { campaignId, startsAt: "2020-01-01T00:00:00Z" }],
  ];
  const [method, fields] = calls[i % calls.length] ?? ["", {}];
  const credentials = [{ token: randomBytes(32).toString("base64url") }, { token }, {}];
  return { path: `${CAMPAIGNS}${method}`, fields, ...credentials[i % credentials.length] };
}

function guessedCode(i: number): string {
  const syllables = "가나다라마바사아자차";
  const at = (place: number) => syllables[(i * 7 + place * 3) % syllables.length] ?? "";
  return `${[0, 1, 2, 3, 4, 5].map(at).join("")}${String(i % 10_000).padStart(4, "0")}`;
}

function requestBytes({ url, campaignId }: CrowdPlan, { path, fields, token }: Made): Buffer {
  const json = Buffer.from(JSON.stringify(fields ?? { campaignId }));
  const head = [
    `POST ${path ?? `${COUPONS}IssueCoupon`} HTTP/1.1`,
    `host: ${new URL(url).host}`,
    "content-type: application/json",
    `content-length: ${json.length}`,
    ...(token === undefined ? [] : [`authorization: Bearer ${token}`]),
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), json]);
}
