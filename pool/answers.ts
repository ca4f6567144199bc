/** The replies of the scripts as types, and the claims that they take and return. */

/** A code bound to a claim key by claim.lua. */
export type Claim = {
  readonly campaignId: string;
  readonly claimKey: string;
  /** The user who asked, where that is not the claim key; empty: unknown. */
  readonly userId: string;
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
    }
  | { readonly kind: "not-open"; readonly state: PoolState }
  /** A coupon is left, but the call was only to recall. */
  | { readonly kind: "withheld" }
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

/** The parts of a claim that the scripts store under its key. */
export function binding(claim: Claim): [code: string, id: string, ms: string] {
  return [claim.code, `${claim.generation}-${claim.seq}`, String(claim.issuedAtMs)];
}

/** An id of the ledger, `generation-seq`. */
export function parseId(id: string): { generation: number; seq: number } {
  const dash = id.indexOf("-");
  return { generation: Number(id.slice(0, dash)), seq: Number(id.slice(dash + 1)) };
}

/** One answer of claim.lua. */
export function parseAnswer(
  campaignId: string,
  claimKey: string,
  userId: string,
  answer: string,
): ClaimAnswer {
  const rest = answer.slice(1);
  const bound = (): Claim => {
    const [code = "", id = "", at = ""] = rest.split(" ");
    return { campaignId, claimKey, userId, code, ...parseId(id), issuedAtMs: Number(at) };
  };
  switch (answer[0]) {
    case "c":
      return { kind: "claimed", claim: bound() };
    case "p":
      return { kind: "pending", claim: bound() };
    case "r":
      return { kind: "replay", claim: bound() };
    case "s":
      return { kind: "sold", total: Number(rest) };
    case "q":
      return { kind: "sold", total: 0 };
    case "e": {
      const [waitMs = 0, redisWaitMs = 0, startsAtMs = 0] = rest.split(" ").map(Number);
      return { kind: "early", waitMs, redisWaitMs, startsAtMs };
    }
    case "f":
      return { kind: "fenced" };
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
