/** The replies of the scripts as types, and the claims that they take and return. */

import { requestIn, userIn } from "./claim-field.ts";

/** A code bound to a claim key by claim.lua. */
export type Claim = {
  readonly campaignId: string;
  readonly claimKey: string;
  /** The user who asked, where that is not the claim key; empty: unknown. */
  readonly userId: string;
  /**
   * Where a user may have several coupons, up to a number: which of this user's it is, from 1. `userId` and a
   * request id make up the claim key there.
   */
  readonly place?: number;
  readonly code: string;
  readonly generation: number;
  readonly seq: number;
  /** Milliseconds since the epoch, on the clock of Redis. */
  readonly issuedAtMs: number;
};

export type PoolState = "staged" | "open" | "paused" | "ended" | "cancelled";

/**
 * Why a pool cannot answer: it does not exist, or it was loaded into another Redis process or dataset. Both
 * need a rebuild.
 */
export type Unusable = "none" | "fenced";

/**
 * `frozen`: the pool is frozen while a change of the campaign is decided; see freeze.lua.
 */
export type Standstill = Unusable | "frozen";

export type ClaimAnswer =
  | { readonly kind: "claimed" | "pending" | "replay"; readonly claim: Claim }
  /** All `total` coupons have owners; 0: must not be kept in memory, coupons are being added. */
  | { readonly kind: "sold"; readonly total: number }
  /**
   * `redisWaitMs`: time to the start by the clock of Redis; `waitMs`: the longer of that and the same by the
   * caller's clock.
   */
  | {
      readonly kind: "early";
      readonly waitMs: number;
      readonly redisWaitMs: number;
      readonly startsAtMs: number;
      /** Absent: no end. */
      readonly endsAtMs?: number;
    }
  | { readonly kind: "not-open"; readonly state: PoolState }
  /** The user has as many coupons as the campaign gives each. */
  | { readonly kind: "full" }
  /** A coupon is left, but the call was only to recall. */
  | { readonly kind: "withheld" }
  /**
   * The campaign has erased users: claims must bring pseudonyms of the key with this fingerprint. Nothing was
   * done.
   */
  | { readonly kind: "marked"; readonly fingerprint: string }
  | { readonly kind: Standstill };

/** `recall` pops no code: it only returns existing coupons, sold out, or not open. */
export type ClaimMode = "issue" | "recall";

export type Advance =
  | { readonly kind: Standstill }
  | {
      readonly kind: "ok";
      readonly generation: number;
      readonly state: PoolState;
      readonly changed: "opened" | "ended" | "";
      readonly waitMs: number;
      /** 0: not yet. */
      readonly armedAtMs: number;
      readonly redisNowMs: number;
    };

export type Inspection = {
  readonly status: "ok" | Standstill;
  readonly generation: number;
  readonly state: PoolState | "";
  readonly stagedCodes: number;
  readonly openCodes: number;
  /** Codes of a paused or cancelled pool. */
  readonly awayCodes: number;
  readonly claims: number;
  readonly ledger: number;
  /** How many codes the pool has had in all: those in it and those bound to claim keys. */
  readonly total: number;
  readonly armedAtMs: number;
  readonly startsAtMs: number;
  /** 0: none. */
  readonly endsAtMs: number;
  readonly redisNowMs: number;
  /** Of the key of pseudonyms; absent: the campaign has no erased users. */
  readonly erased?: string;
};

/** How far the claims of a pool have come in issue order; see frontier.lua. */
export type Frontier = {
  readonly status: "ok" | Unusable;
  readonly generation: number;
  /** The generation of the last load: the ledger has no claim of an older one. */
  readonly base: number;
  /** Of the last claim. */
  readonly seq: number;
  /** The first claim that may not be durable yet; undefined: all are. */
  readonly pending: { readonly generation: number; readonly seq: number } | undefined;
  /** By the clock of Redis; undefined: not known. */
  readonly sinceLoadMs: number | undefined;
};

export type LedgerPage = { readonly claims: readonly Claim[]; readonly next: string };

export type LoadTarget = {
  readonly campaignId: string;
  readonly generation: number;
  readonly state: PoolState;
  readonly startsAtMs: number;
  /** 0: no end. */
  readonly endsAtMs: number;
  readonly total: number;
  /** 0: not yet. */
  readonly armedAtMs: number;
  /** Of the campaign; see runtime/stored-shape.ts. */
  readonly shape: number;
  /** Fingerprint of the key of pseudonyms; absent: the campaign has no erased users. */
  readonly erased?: string | undefined;
};

/** The pool when it was frozen; `superseded`: a later change or load has already taken it. */
export type Freeze =
  | { readonly kind: Unusable | "superseded" }
  | {
      readonly kind: "frozen";
      readonly generation: number;
      readonly state: PoolState;
      /** 0: not yet. */
      readonly armedAtMs: number;
      readonly redisNowMs: number;
    };

/** What a frozen pool must become after a change; `generation` is that of the change. */
export type TurnTarget = Pick<LoadTarget, "campaignId" | "generation" | "state" | "startsAtMs" | "endsAtMs">;

/**
 * See top-up.lua. `total`: how many codes the pool has had then, in all; `quiet`: the name of the quiet to
 * wait for, empty: none.
 */
export type TopUp = {
  readonly kind: "topped" | "quiet" | "moved" | Standstill;
  readonly total: number;
  readonly quiet: string;
};

/**
 * The parts of a claim that the scripts store under its field; after the instant the request id, where the
 * field has a place in its stead.
 */
export function binding(claim: Claim): [code: string, id: string, ms: string] {
  const ms = String(claim.issuedAtMs);
  const id = `${claim.generation}-${claim.seq}`;
  return [claim.code, id, claim.place === undefined ? ms : `${ms} ${requestIn(claim)}`];
}

/** An id of the ledger, `generation-seq`. */
export function parseId(id: string): { generation: number; seq: number } {
  const dash = id.indexOf("-");
  return { generation: Number(id.slice(0, dash)), seq: Number(id.slice(dash + 1)) };
}

/** What claim.lua is asked for. `pseudonym`: of the claim key; absent: none is needed. */
export type ClaimAsk = {
  readonly claimKey: string;
  readonly userId: string;
  readonly pseudonym?: string;
};

/** A pool and whether it is the one in use. */
export type PoolStanding = { readonly status: "ok" | Unusable; readonly generation: number };

/** One answer of claim.lua. `perUser`: how many coupons a user may have; 1: a claim has no place. */
export function parseAnswer(
  campaignId: string,
  { claimKey: givenKey, userId: givenUser, pseudonym }: ClaimAsk,
  answer: string,
  perUser = 1,
): ClaimAnswer {
  const rest = answer.slice(1);
  const isErased = answer[0] === "P" || answer[0] === "R";
  const claimKey = isErased ? (pseudonym ?? givenKey) : givenKey;
  const userId = isErased ? (perUser > 1 ? userIn(claimKey) : "") : givenUser;
  const bound = (): Claim => {
    if (perUser > 1) {
      const [place = "", code = "", id = "", at = ""] = rest.split(" ", 4);
      const claim = { campaignId, claimKey, userId, place: Number(place), code, ...parseId(id) };
      if (!(claim.place >= 1 && claim.place <= perUser)) throw new Error("claim.lua gave a place of none");
      return { ...claim, issuedAtMs: Number(at) };
    }
    const [code = "", id = "", at = ""] = rest.split(" ");
    return { campaignId, claimKey, userId, code, ...parseId(id), issuedAtMs: Number(at) };
  };
  switch (answer[0]) {
    case "c":
      return { kind: "claimed", claim: bound() };
    case "p":
    case "P":
      return { kind: "pending", claim: bound() };
    case "r":
    case "R":
      return { kind: "replay", claim: bound() };
    case "s":
      return { kind: "sold", total: Number(rest) };
    case "q":
      return { kind: "sold", total: 0 };
    case "e": {
      const [waitMs = 0, redisWaitMs = 0, startsAtMs = 0, endsAtMs = 0] = rest.split(" ").map(Number);
      const early = { kind: "early", waitMs, redisWaitMs, startsAtMs } as const;
      return endsAtMs === 0 ? early : { ...early, endsAtMs };
    }
    case "f":
      return { kind: "fenced" };
    case "l":
      return { kind: "full" };
    case "h":
      return { kind: "withheld" };
    case "w":
      return { kind: "frozen" };
    case "x":
      return { kind: "not-open", state: rest as PoolState };
    default:
      throw new Error("claim.lua gave an answer of no known kind");
  }
}
