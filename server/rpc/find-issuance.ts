import type { DeploymentClaimAuth } from "../../access/campaign-claim-auth.ts";
import { stricter } from "../../access/claim-auth-mode.ts";
import { demandShape, ISSUANCE, issuanceNamed } from "../../audit/stores/document-shape.ts";
import { claimKeyOf, claimKeysOf, requestIdOf } from "../../campaign/claim-key.ts";
import { claimOf } from "../../campaign/claim-record.ts";
import type { Pseudonyms } from "../../campaign/erasure/pseudonyms.ts";
import { NO_ERASURE_KEY, type Refusal } from "../../campaign/refusal.ts";
import { isSettled, type SettledNow } from "../../campaign/settled-issues.ts";
import { spellingsOf } from "../../campaign/user-spellings.ts";
import { validKey, withoutField } from "../../campaign/valid.ts";
import type { Breaker } from "../../claims/breaker.ts";
import { type CodeFormat, parseCodeFormat } from "../../codes/code-format.ts";
import { mistypedBecause, normaliseCode } from "../../codes/normalise-code.ts";
import type { FindIssuanceRequest } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { CampaignDoc, IssuanceDoc } from "../../record/documents.ts";
import type { Issuances } from "../../record/issuances.ts";
import { shownId } from "../../record/pseudonym.ts";
import { viewCoupon } from "../view/campaign-view.ts";
import type { Refuse } from "./refuse.ts";

export type FindIssuanceDeps = {
  campaigns: Pick<Campaigns, "formatsInUse">;
  issuances: Pick<Issuances, "findIssued" | "findByClaimKey" | "findByClaimKeys" | "countBefore">;
  settledNow: SettledNow;
  claimAuth: DeploymentClaimAuth;
  /** Of this process' erasure key; undefined: it has none, and cannot tell whether an erased user has one. */
  pseudonyms: Pseudonyms | undefined;
  reads: Breaker;
  /** The campaign, or a refusal. */
  findCampaign: (id: string) => Promise<CampaignDoc>;
} & Refuse;

/** The issuance as it was read. @throws MisshapenDocument, which names the document */
export function demandIssuance(issuance: IssuanceDoc): IssuanceDoc {
  demandShape(issuance, ISSUANCE, issuanceNamed(issuance._id));
  return issuance;
}

/**
 * One issuance as operators see it: the coupon and the user id or request id that claimed it, or what an
 * erasure has put in their place. @throws MisshapenDocument, which names the document
 */
export function viewIssuance(issuance: IssuanceDoc, onePerUser: boolean, rank = 0) {
  return {
    coupon: viewCoupon(claimOf(demandIssuance(issuance)), rank),
    userId: shownId(onePerUser ? issuance.claimKey : (issuance.userId ?? "")),
    requestId: onePerUser ? "" : shownId(requestIdOf(issuance.claimKey)),
    generation: issuance.generation,
  };
}

/**
 * The formats of recorded campaigns, all valid when recorded. None, where one is unknown here, of which any
 * code may be: that of imported codes, or of a newer version.
 */
export function recordedFormats(patterns: readonly string[]): CodeFormat[] {
  const formats = patterns.flatMap((pattern) => {
    const parsed = parseCodeFormat(pattern);
    return parsed.ok ? [parsed.format] : [];
  });
  return formats.length === patterns.length ? formats : [];
}

const KEYS = "code, user_id, request_id";
const NO_KEY = {
  reason: "INVALID",
  field: KEYS,
  allowed: "give the code, the user id, or the request id",
} as const satisfies Refusal;
const CODE_AND_MORE = {
  reason: "INVALID",
  field: KEYS,
  allowed: "a code is looked up alone: give no user id and no request id beside it",
} as const satisfies Refusal;

/** A user's coupons in one answer; a user with more is answered these, and told so. */
const COUPONS_MAX = 100;

/** How long MongoDB may count for a rank: about a million places. */
const RANK_WITHIN_MS = 1_000;

/** Finds issuances by the code, or by the claim key, of which operators know the user or the request. */
export function createFindIssuance(deps: FindIssuanceDeps) {
  const { campaigns, issuances, settledNow, pseudonyms, reads, findCampaign } = deps;
  const { claimAuth, refuse, orRefuse } = deps;
  const noCoupon = () => refuse({ reason: "NO_COUPON" });
  const invalid = (field: string, allowed: string) => refuse({ reason: "INVALID", field, allowed });

  /**
   * Reads issuances only, never the codes that were made: so an answer cannot reveal that an unissued code
   * exists, not even by the time it takes.
   */
  async function byCode(text: string, campaignId: string) {
    const code = normaliseCode(text);
    if (!code.ok) throw invalid("code", withoutField("code", code.message));
    const within = campaignId === "" ? undefined : await findCampaign(campaignId);
    const found = await reads.ask(() => issuances.findIssued(code.code));
    if (found === null || (within !== undefined && found.campaignId !== within._id)) {
      const patterns = within === undefined ? await campaigns.formatsInUse() : [within.codeFormat];
      const mistyped = mistypedBecause(code.code, recordedFormats(patterns));
      if (mistyped !== undefined) throw invalid("code", mistyped);
      throw noCoupon();
    }
    return answer(within ?? (await findCampaign(found.campaignId)), [found]);
  }

  /**
   * The rank of an issuance, once it is final: no claim before it is under way. 0: it is not, or MongoDB
   * takes too long to count those before it.
   */
  async function rankOf({ campaignId, generation, seq }: IssuanceDoc): Promise<number> {
    if (!isSettled({ generation, seq }, await settledNow(campaignId))) return 0;
    const before = await reads.ask(() =>
      issuances.countBefore(campaignId, { generation, seq }, RANK_WITHIN_MS),
    );
    return before === undefined ? 0 : before + 1;
  }

  /** Ranks are told of a single coupon. */
  async function answer({ name, onePerUser }: CampaignDoc, found: readonly IssuanceDoc[]) {
    const rank = found.length === 1 && found[0] !== undefined ? await rankOf(found[0]) : 0;
    const [issuance, ...others] = found
      .slice(0, COUPONS_MAX)
      .map((doc) => viewIssuance(doc, onePerUser, rank));
    return { issuance, campaignName: name, others, hasMore: found.length > COUPONS_MAX };
  }

  const isOurs = (key: string) => key === pseudonyms?.fingerprint;

  /** No coupon; or, where users were erased under a key that this process lacks, that it cannot know. */
  const notFound = ({ erasure }: CampaignDoc) =>
    erasure === undefined || isOurs(erasure.key) ? noCoupon() : refuse(NO_ERASURE_KEY);

  /** Ids, or claim keys, and their pseudonyms where the campaign has erased users. */
  function withPseudonyms(
    { _id, erasure }: CampaignDoc,
    keys: readonly string[],
    of: "of" | "ofClaimKey" = "ofClaimKey",
  ): readonly string[] {
    return pseudonyms !== undefined && erasure !== undefined && isOurs(erasure.key)
      ? keys.flatMap((key) => [key, pseudonyms[of](_id, key)])
      : keys;
  }

  /** The first of these claim keys that has an issuance, under itself or under its pseudonym. */
  async function firstOf(campaign: CampaignDoc, claimKeys: readonly string[]): Promise<IssuanceDoc | null> {
    for (const claimKey of withPseudonyms(campaign, claimKeys)) {
      const found = await reads.ask(() => issuances.findByClaimKey(campaign._id, claimKey));
      if (found !== null) return found;
    }
    return null;
  }

  async function onePerUser(campaign: CampaignDoc, userId: string, requestId: string) {
    const each = "the campaign gives one coupon per user";
    if (userId === "") throw invalid("user_id", `is the key to look up here: ${each}`);
    if (requestId !== "") throw invalid("request_id", `must be empty: ${each}`);
    const found = await firstOf(campaign, spellings(campaign, userId));
    if (found === null) throw notFound(campaign);
    return answer(campaign, [found]);
  }

  async function byRequest(campaign: CampaignDoc, userId: string, requestId: string) {
    const users = userId === "" ? [] : spellings(campaign, userId);
    const own = await firstOf(
      campaign,
      users.map((user) => claimKeyOf(user, requestId)),
    );
    if (own !== null) return answer(campaign, [own]);
    const found = await firstOf(campaign, [requestId]);
    const owners = withPseudonyms(campaign, users, "of");
    if (found !== null && (userId === "" || owners.includes(found.userId ?? "")))
      return answer(campaign, [found]);
    if (userId === "" && campaign.maxPerUser !== undefined)
      throw invalid("user_id, request_id", "must be given together: a request id is its user's own here");
    if (userId === "" && haveTokens(campaign))
      throw invalid(
        "user_id, request_id",
        "must be given together: no claim without a token has this request id, and with a token it is its user's own",
      );
    throw notFound(campaign);
  }

  async function byUser(campaign: CampaignDoc, userId: string) {
    const found: IssuanceDoc[] = [];
    for (const user of withPseudonyms(campaign, spellings(campaign, userId), "of")) {
      const limit = COUPONS_MAX + 1 - found.length;
      if (limit > 0)
        found.push(
          ...(await reads.ask(() => issuances.findByClaimKeys(campaign._id, claimKeysOf(user), limit))),
        );
    }
    if (found.length > 0) return answer(campaign, found);
    if (campaign.claimAuth === "token" || campaign.maxPerUser !== undefined) throw notFound(campaign);
    const byId = "is the key to look up here: the campaign gives coupons by request, not by user";
    throw invalid("request_id", haveTokens(campaign) ? `${byId}, and no token of this user claimed` : byId);
  }

  /** What claims of this campaign have to bring. */
  const demanded = (campaign: CampaignDoc) => stricter(claimAuth.mode, campaign.claimAuth ?? "open");

  /** Whether a claim of this campaign may have come with a token. */
  function haveTokens(campaign: CampaignDoc): boolean {
    const mode = demanded(campaign);
    return mode === "token" || (mode === "key" && claimAuth.acceptsTokens);
  }

  /** The forms in which a claim of this user may be recorded: `provenUserId` makes NFC of it. */
  function spellings(campaign: CampaignDoc, userId: string): string[] {
    return demanded(campaign) === "open" ? [userId] : spellingsOf(userId);
  }

  return async ({ code, campaignId, userId, requestId }: FindIssuanceRequest) => {
    if (code === "" && userId === "" && requestId === "") throw refuse(NO_KEY);
    if (code !== "") {
      if (userId !== "" || requestId !== "") throw refuse(CODE_AND_MORE);
      return byCode(code, campaignId);
    }
    if (userId !== "") orRefuse(validKey("user_id", userId));
    if (requestId !== "") orRefuse(validKey("request_id", requestId));
    const campaign = await findCampaign(campaignId);
    if (campaign.onePerUser) return onePerUser(campaign, userId, requestId);
    return requestId === "" ? byUser(campaign, userId) : byRequest(campaign, userId, requestId);
  };
}
