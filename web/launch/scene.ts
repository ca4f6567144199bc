import type { ClaimOutcome, CountdownView } from "../../client/coupon-client.ts";
import type { KeptCoupon } from "./kept.ts";
import type { Shop } from "./sign-in.ts";

/** How far the claim is. */
export type ClaimPhase =
  | { readonly phase: "idle" }
  | { readonly phase: "asking" }
  /** Another tab of this customer asks; this one does, too, where that has no answer soon. */
  | { readonly phase: "otherTab" }
  | { readonly phase: "waiting"; readonly why: "start" | "offline" | "unreachable" | "busy" }
  | { readonly phase: "over"; readonly outcome: ClaimOutcome };

/** All that decides what is shown. */
export type LaunchState = {
  /** Undefined: the address names no campaign. */
  readonly campaignId: string | undefined;
  /** Undefined: the first question is under way. */
  readonly campaign: CountdownView | undefined;
  readonly isOnline: boolean;
  /** The customer as typed, or as the token names it; "": not known. */
  readonly user: string;
  readonly hasToken: boolean;
  readonly shop: Shop;
  readonly isWanted: boolean;
  readonly claim: ClaimPhase;
  readonly coupon: KeptCoupon | undefined;
  /** Another tab of this customer has claimed the coupon while this one was open. */
  readonly isOtherTabs: boolean;
};

/** Each has a title and a text in every language. */
export type SceneName =
  | ("noCampaign" | "unknownCampaign" | "connecting" | "offline" | "unreachable")
  | ("signIn" | "signInAgain" | "shopSilent" | "notAllowed" | "wrongUser" | "unclear")
  | (
      | "early"
      | "queued"
      | "turn"
      | "readying"
      | "open"
      | "asking"
      | "askingInOtherTab"
      | "busy"
      | "askingOffline"
      | "askingUnreachable"
    )
  | ("paused" | "pausedWanted" | "soldOut" | "gone" | "hasAll" | "ended" | "endedWithout" | "cancelled")
  | ("issued" | "issuedInOtherTab");

export type Scene = {
  readonly name: SceneName;
  /** What fills the stage: the countdown, the coupon, or a sign. */
  readonly stage: "clock" | "coupon" | "sign";
  readonly tone: "calm" | "good" | "over" | "trouble";
  /** What the one button does, in words; undefined: it stands still. */
  readonly button: "claim" | "early" | "look" | "again" | "waiting" | "copy" | "none";
  /** Whether the customer is asked for the user id. */
  readonly asksUser: boolean;
};

type Campaign = Extract<CountdownView, { readonly kind: "campaign" }>;

/** A server of an earlier version does not say it. */
export function needsToken({ claimAuth }: Campaign): boolean {
  return claimAuth === "KEY" || claimAuth === "TOKEN";
}

/** A claim names its user; a server of an earlier version does not say `maxPerUser`. */
export function countsUsers({ onePerUser, maxPerUser }: Campaign): boolean {
  return onePerUser || maxPerUser > 0;
}

/** Who a claim is for, in this campaign; undefined: the campaign is not known yet. */
export function needsOf({ campaign, user, hasToken }: LaunchState): "nothing" | "user" | "token" | undefined {
  if (campaign?.kind !== "campaign") return undefined;
  if (needsToken(campaign)) return hasToken ? "nothing" : "token";
  return countsUsers(campaign) && user === "" ? "user" : "nothing";
}

/** What the page shows: a pure function of its state. */
export function sceneOf(state: LaunchState): Scene {
  if (state.campaignId === undefined) return sign("noCampaign", "trouble");
  if (state.coupon !== undefined)
    return {
      ...{ name: state.isOtherTabs ? "issuedInOtherTab" : "issued", stage: "coupon" },
      ...{ tone: "good", button: "copy", asksUser: false },
    };
  return ofClaim(state) ?? ofCampaign(state);
}

/** Undefined: the claim says nothing that the campaign's state does not say. */
function ofClaim({ claim, campaign, hasToken, shop }: LaunchState): Scene | undefined {
  if (claim.phase === "asking") return sign("asking", "calm", "waiting");
  if (claim.phase === "otherTab")
    return isBefore(campaign) ? undefined : sign("askingInOtherTab", "calm", "waiting");
  if (claim.phase === "waiting") {
    if (claim.why === "offline") return sign("askingOffline", "calm", "waiting");
    if (shop === "silent") return sign("shopSilent", "trouble", "again");
    if (claim.why === "unreachable") return sign("askingUnreachable", "calm", "waiting");
    return claim.why === "busy" ? sign("busy", "calm", "waiting") : undefined;
  }
  if (claim.phase === "idle") return undefined;
  const { outcome } = claim;
  switch (outcome.kind) {
    case "issued":
    case "notStarted":
      return undefined;
    case "soldOut":
      return sign("gone", "over");
    case "maxPerUser":
      return sign("hasAll", "over");
    case "ended":
      return sign("endedWithout", "over");
    case "cancelled":
      return sign("cancelled", "over");
    case "paused":
      return sign("pausedWanted", "calm", "waiting");
    case "unknownCampaign":
      return sign("unknownCampaign", "trouble");
    case "unauthenticated":
      return hasToken ? sign("signInAgain", "trouble", "again") : sign("signInAgain", "trouble");
    case "permissionDenied":
      return sign("notAllowed", "trouble", "again");
    case "invalid": {
      const isUser = campaign?.kind === "campaign" && !needsToken(campaign) && countsUsers(campaign);
      return isUser
        ? { ...sign("wrongUser", "trouble", "claim"), asksUser: true }
        : sign("unclear", "trouble", "again");
    }
    case "refused":
    case "failed":
    case "unanswered":
      return sign("unclear", "trouble", "again");
  }
}

function ofCampaign(state: LaunchState): Scene {
  const { campaign, isOnline, isWanted, claim } = state;
  const pressed = isWanted ? "waiting" : "claim";
  if (campaign === undefined || campaign.kind === "connecting") {
    const name = !isOnline ? "offline" : campaign === undefined ? "connecting" : "unreachable";
    return { ...sign(name, "calm", pressed), stage: "clock" };
  }
  if (campaign.kind === "unknownCampaign") return sign("unknownCampaign", "trouble");
  if (campaign.kind !== "campaign") return sign("unreachable", "calm", pressed);
  if (state.shop === "silent")
    return { ...sign("shopSilent", "trouble", "again"), stage: isBefore(campaign) ? "clock" : "sign" };
  const needs = needsOf(state);
  if (needs === "token") return sign("signIn", "calm");
  const asksUser = needs === "user" && state.shop === "known";
  // Whoever has claimed before, here or elsewhere, is shown the coupon.
  const look = countsUsers(campaign) || needsToken(campaign) ? "look" : "none";
  switch (campaign.state) {
    case "CANCELLED":
      return { ...sign("cancelled", "over", look), asksUser };
    case "ENDED":
      return { ...sign("ended", "over", look), asksUser };
    case "PAUSED":
      return isWanted
        ? sign("pausedWanted", "calm", "waiting")
        : { ...sign("paused", "calm", look), asksUser };
    case "GENERATING":
    case "SCHEDULED": {
      const isQueued = claim.phase === "waiting" || isWanted;
      if (campaign.millisToStart <= 0) return { ...sign("readying", "calm", pressed), asksUser };
      const name = isQueued ? "queued" : "early";
      return { ...sign(name, "calm", isQueued ? "waiting" : "early"), stage: "clock", asksUser };
    }
    default:
      if (claim.phase === "waiting") return sign("turn", "calm", "waiting");
      if (campaign.soldOut) return { ...sign("soldOut", "over", look), asksUser };
      return { ...sign("open", "good", pressed), asksUser };
  }
}

function isBefore(campaign: CountdownView | undefined): boolean {
  return campaign?.kind === "campaign" && campaign.state === "SCHEDULED" && campaign.millisToStart > 0;
}

function sign(name: SceneName, tone: Scene["tone"], button: Scene["button"] = "none"): Scene {
  return { name, stage: "sign", tone, button, asksUser: false };
}
