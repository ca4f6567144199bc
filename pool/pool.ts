import { withDeadline } from "../runtime/deadline.ts";
import { type CampaignKeys, campaignKeys } from "./keys.ts";
import type { Redis } from "./redis.ts";
import { isMoving } from "./redis-trouble.ts";
import type { ScriptName } from "./scripts.ts";

/** A code bound to a claim key, as Redis decided it. */
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

/** Why a pool cannot answer: nothing is there, or it was loaded into another process or dataset. Both ask for a rebuild. */
export type Unusable = "none" | "fenced";

/** `held`: a change of the campaign's life is being decided. It answers again when that is over; see hold.lua. */
export type Standstill = Unusable | "held";

export type ClaimAnswer =
  | { readonly kind: "claimed" | "pending" | "replay"; readonly claim: Claim }
  /** All of `total` have owners; 0: not to be remembered, more are about to come. */
  | { readonly kind: "sold"; readonly total: number }
  /** `redisWaitMs`: to the start by the clock of Redis alone; `waitMs` is the longer of that and the caller's. */
  | {
      readonly kind: "early";
      readonly waitMs: number;
      readonly redisWaitMs: number;
      readonly startsAtMs: number;
    }
  | { readonly kind: "not-open"; readonly state: PoolState }
  /** There is a coupon to be had, but the call was only to recall. */
  | { readonly kind: "held-back" }
  | { readonly kind: Standstill };

/** `recall` answers what is known already (replays, sold out, not open) and pops nothing. */
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

/** What a pool looked like when it was held; `superseded`: a later change or load has been here. */
export type Hold =
  | { readonly kind: Unusable | "superseded" }
  | {
      readonly kind: "held";
      readonly generation: number;
      readonly state: PoolState;
      /** 0: not yet. */
      readonly armedAtMs: number;
      readonly redisNowMs: number;
    };

/** What a pool is to be after a change; `generation` is the change's. */
export type TurnTarget = Pick<LoadTarget, "campaignId" | "generation" | "state" | "startsAtMs" | "endsAtMs">;

/** See top-up.lua; `total`: how many codes the pool has had then; `quiet`: what to wait for, empty: nothing. */
export type TopUp = {
  readonly kind: "topped" | "quiet" | "moved" | Standstill;
  readonly total: number;
  readonly quiet: string;
};

export type Pool = ReturnType<typeof createPool>;

/** The most items one script call takes: bounds the time Redis is held and Lua's unpack. */
export const SCRIPT_ITEMS_MAX = 1_000;

/**
 * The typed calls of the pool; each is one script and therefore one atomic decision. Any of them rejects when Redis does
 * not answer within `deadlineMs`: the script may then have run or not.
 */
export function createPool(redis: Redis, deadlineMs: number) {
  const call = (name: ScriptName, keys: readonly string[], args: readonly string[]) =>
    withDeadline(redis[name](keys, args), deadlineMs, `Redis ${name}`);
  const list = async (name: ScriptName, keys: readonly string[], args: readonly string[]) =>
    (await call(name, keys, args)) as readonly (string | number)[];
  const word = async <W extends string>(name: ScriptName, keys: readonly string[], args: readonly string[]) =>
    (await call(name, keys, args)) as W;

  return {
    /**
     * Claims for 1 to 1,000 keys of one campaign at once; answers in the order of `asks`. A pool of a generation below
     * `leastGeneration` has been replaced somewhere else since: it gives itself up and is `fenced`.
     */
    async claim(
      campaignId: string,
      callerNowMs: number,
      asks: readonly { readonly claimKey: string; readonly userId: string }[],
      mode: ClaimMode = "issue",
      leastGeneration = 0,
    ): Promise<ClaimAnswer[]> {
      const k = campaignKeys(campaignId);
      const args = [String(callerNowMs), mode, String(leastGeneration)];
      for (const ask of asks) args.push(ask.claimKey, ask.userId);
      const keys = [k.meta, k.staged, k.open, k.claims, k.ledger, k.away];
      const reply = (await list("claim", keys, args).catch((error: unknown) => {
        // Nothing was done. The pool goes on being served where its keys are, for as long as they are there.
        if (isMoving(error)) return list("claimMoving", keys, args);
        throw error;
      })) as readonly string[];
      const status = reply[0];
      if (status === "none" || status === "fenced") return asks.map(() => ({ kind: status }));
      return asks.map((ask, i) => parseAnswer(campaignId, ask.claimKey, ask.userId, reply[i + 2] ?? ""));
    },

    async advance(campaignId: string, callerNowMs: number, leastGeneration = 0): Promise<Advance> {
      const k = campaignKeys(campaignId);
      const args = [String(callerNowMs), String(leastGeneration)];
      const reply = (await list("advance", [k.meta, k.staged, k.open, k.away], args)).map(String);
      const [status, generation, state, changed, wait, armedAt, now] = reply;
      if (status === "none" || status === "fenced" || status === "held") return { kind: status };
      return {
        kind: "ok",
        generation: Number(generation),
        state: state as PoolState,
        changed: changed as "opened" | "ended" | "",
        waitMs: Number(wait),
        armedAtMs: Number(armedAt),
        redisNowMs: Number(now),
      };
    },

    async inspect(campaignId: string): Promise<Inspection> {
      const k = campaignKeys(campaignId);
      const reply = await list("inspect", [k.meta, k.staged, k.open, k.claims, k.ledger, k.away], []);
      const [status, generation, state, staged, open, claims, ledger, armedAt, now, away, ...rest] = reply;
      const [total, startsAt, endsAt] = rest;
      return {
        status: status as Inspection["status"],
        generation: Number(generation),
        state: state as Inspection["state"],
        stagedCodes: Number(staged),
        openCodes: Number(open),
        awayCodes: Number(away),
        claims: Number(claims),
        ledger: Number(ledger),
        total: Number(total),
        armedAtMs: Number(armedAt),
        startsAtMs: Number(startsAt),
        endsAtMs: Number(endsAt),
        redisNowMs: Number(now),
      };
    },

    /** Drops ledger entries of durable issuances. All must be of one campaign and one generation. */
    settle(campaignId: string, generation: number, seqs: readonly number[]) {
      const k = campaignKeys(campaignId);
      const args = [String(generation), ...seqs.map(String)];
      return word<"settled" | "stale" | Unusable>("settle", [k.meta, k.ledger], args);
    },

    /** Brings a durable issuance of an older generation into a pool that was built without it. */
    adopt(claim: Claim) {
      const k = campaignKeys(claim.campaignId);
      const keys = [k.meta, k.staged, k.open, k.claims, k.away];
      return word<"adopted" | "bound" | Unusable>("adopt", keys, [claim.claimKey, ...binding(claim)]);
    },

    /** Undoes a claim that lost against the durable issuance `winner`; `free`: its code goes back to the pool. */
    release(lost: Claim, free: boolean, winner: Claim) {
      const k = campaignKeys(lost.campaignId);
      return word<"released" | "moved" | Unusable>(
        "release",
        [k.meta, k.staged, k.open, k.claims, k.ledger, k.away],
        [lost.claimKey, ...binding(lost), free ? "free" : "taken", winner.claimKey, ...binding(winner)],
      );
    },

    /** Makes a pool of this generation answer nobody until it has been made again. */
    distrust: (campaignId: string, generation: number) =>
      word<"distrusted" | "moved">("distrust", [campaignKeys(campaignId).meta], [String(generation)]),

    /** Ledger entries that are at least `leastAgeMs` old; start with `after` `-`, go on with `next` until it is empty. */
    async ledgerPage(
      campaignId: string,
      leastAgeMs: number,
      after: string,
      limit: number,
    ): Promise<LedgerPage> {
      const args = [String(leastAgeMs), after, String(Math.min(limit, SCRIPT_ITEMS_MAX))];
      const reply = (await list("ledger", [campaignKeys(campaignId).ledger], args)).map(String);
      const claims: Claim[] = [];
      for (let i = 1; i + 4 < reply.length; i += 5) {
        const [id = "", claimKey = "", code = "", at = "", userId = ""] = reply.slice(i, i + 5);
        claims.push({ campaignId, claimKey, userId, code, ...parseId(id), issuedAtMs: Number(at) });
      }
      return { claims, next: reply[0] ?? "" };
    },

    loadBegin(campaignId: string, generation: number) {
      const k = campaignKeys(campaignId);
      const keys = [k.meta, k.loading, k.loadingCodes, k.loadingClaims];
      return word<"begun" | "healthy" | "superseded">("loadBegin", keys, [String(generation)]);
    },

    /** Appends up to 1,000 codes after the first `offset`. The new length, or -1: this load is over. */
    async loadCodes(
      campaignId: string,
      generation: number,
      offset: number,
      codes: readonly string[],
    ): Promise<number> {
      const k = campaignKeys(campaignId);
      const args = [String(generation), String(offset), ...codes];
      return Number(await call("loadCodes", [k.loading, k.loadingCodes], args));
    },

    /** Binds up to 1,000 durable issuances. The number bound so far, or -1: this load is over. */
    async loadClaims(campaignId: string, generation: number, claims: readonly Claim[]): Promise<number> {
      const k = campaignKeys(campaignId);
      const args = [String(generation)];
      for (const claim of claims) args.push(claim.claimKey, binding(claim).join(" "));
      return Number(await call("loadClaims", [k.loading, k.loadingClaims], args));
    },

    loadCommit(target: LoadTarget) {
      const k: CampaignKeys = campaignKeys(target.campaignId);
      const { generation, state, startsAtMs, endsAtMs, total, armedAtMs } = target;
      return word<"loaded" | "healthy" | "superseded" | "miscounted">(
        "loadCommit",
        [k.meta, k.staged, k.open, k.claims, k.ledger, k.loading, k.loadingCodes, k.loadingClaims, k.away],
        [generation, state, startsAtMs, endsAtMs, total, armedAtMs].map(String),
      );
    },

    /** Stops a pool of a generation below `generation` while MongoDB decides about a change of its campaign. */
    async hold(
      campaignId: string,
      callerNowMs: number,
      generation: number,
      leastGeneration = 0,
    ): Promise<Hold> {
      const k = campaignKeys(campaignId);
      const args = [callerNowMs, leastGeneration, generation].map(String);
      const loading = [k.loading, k.loadingCodes, k.loadingClaims];
      const reply = (await list("hold", [k.meta, k.staged, k.open, k.away, ...loading], args)).map(String);
      const [kind, of, state, armedAt, now] = reply;
      if (kind !== "held") return { kind: kind as "none" };
      return {
        kind,
        generation: Number(of),
        state: state as PoolState,
        armedAtMs: Number(armedAt),
        redisNowMs: Number(now),
      };
    },

    /** Makes a held pool what the record says, and ends the hold. */
    turn({ campaignId, generation, state, startsAtMs, endsAtMs }: TurnTarget) {
      const k = campaignKeys(campaignId);
      const args = [generation, state, startsAtMs, endsAtMs].map(String);
      return word<"turned" | "superseded" | Unusable>("turn", [k.meta, k.staged, k.open, k.away], args);
    },

    /** Takes away everything of a rehearsal; how many keys there were. Rejects for any other campaign, and removes nothing then. */
    async remove(campaignId: string): Promise<number> {
      return Number(await call("remove", Object.values(campaignKeys(campaignId)), []));
    },

    /** Appends 1 to 1,000 added codes to a pool that has had `offset` so far. `waitedFor`: the quiet that was waited for. */
    async topUp(
      campaignId: string,
      generation: number,
      offset: number,
      codes: readonly string[],
      waitedFor: string,
    ): Promise<TopUp> {
      const k = campaignKeys(campaignId);
      const args = [String(generation), String(offset), waitedFor, ...codes];
      const [kind, total, quiet = ""] = await list("topUp", [k.meta, k.staged, k.open, k.away], args);
      return { kind: kind as TopUp["kind"], total: Number(total), quiet: String(quiet) };
    },
  };
}

function binding(claim: Claim): [code: string, id: string, ms: string] {
  return [claim.code, `${claim.generation}-${claim.seq}`, String(claim.issuedAtMs)];
}

function parseId(id: string): { generation: number; seq: number } {
  const dash = id.indexOf("-");
  return { generation: Number(id.slice(0, dash)), seq: Number(id.slice(dash + 1)) };
}

function parseAnswer(campaignId: string, claimKey: string, userId: string, answer: string): ClaimAnswer {
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
      return { kind: "held-back" };
    case "w":
      return { kind: "held" };
    case "x":
      return { kind: "not-open", state: rest as PoolState };
    default:
      throw new Error("claim.lua gave an answer of no known kind");
  }
}
