import {
  type Advance,
  binding,
  type Claim,
  type ClaimAnswer,
  type ClaimAsk,
  type ClaimMode,
  type Freeze,
  type Frontier,
  type Inspection,
  type LedgerPage,
  type PoolState,
  parseAnswer,
  parseId,
  type TurnTarget,
  type Unusable,
} from "./answers.ts";
import { fieldOf } from "./claim-field.ts";
import { createErasureCalls } from "./erasure-calls.ts";
import { type CampaignKeys, campaignKeys } from "./keys.ts";
import { createLoadCalls } from "./load-calls.ts";
import type { Redis } from "./redis.ts";
import { isMoving } from "./redis-trouble.ts";
import { createScriptCalls } from "./script-calls.ts";

export type Pool = ReturnType<typeof createPool>;

/** The most items of one script call: bounds how long a script blocks Redis, and Lua's unpack. */
export const SCRIPT_ITEMS_MAX = 1_000;

/**
 * The typed calls of the pool; each is one script and therefore one atomic decision. Each rejects when Redis
 * does not answer within `deadlineMs`: the script may then have run or not. `keysOf`: the keys of a pool.
 */
export function createPool(
  redis: Redis,
  deadlineMs: number,
  keysOf: (campaignId: string) => CampaignKeys = campaignKeys,
) {
  const { call, list, word } = createScriptCalls(redis, deadlineMs);

  return {
    /**
     * Claims for 1 to 1,000 keys of one campaign at once; answers in the order of `asks`. A pool of a
     * generation below `leastGeneration` is older than one already in use: the script gives it up, and it is
     * `fenced`. `perUser`: where a user may have several coupons, but no more than so many; the claim keys
     * are then of a user and a request. It is the campaign's, in every call. `fingerprint`: of
     * the key of the pseudonyms, which each ask then has; empty: none has one.
     */
    async claim(
      campaignId: string,
      callerNowMs: number,
      asks: readonly ClaimAsk[],
      mode: ClaimMode = "issue",
      leastGeneration = 0,
      perUser = 1,
      fingerprint = "",
    ): Promise<ClaimAnswer[]> {
      const k = keysOf(campaignId);
      const args = [String(callerNowMs), mode, String(leastGeneration), String(perUser), fingerprint];
      for (const { claimKey, userId, pseudonym = claimKey } of asks)
        if (fingerprint === "") args.push(claimKey, userId);
        else args.push(claimKey, userId, pseudonym);
      const keys = [k.meta, k.staged, k.open, k.claims, k.ledger, k.away];
      const reply = (await list("claim", keys, args).catch((error: unknown) => {
        // The call had no effect. The node that still has the keys serves the pool until they have moved.
        if (isMoving(error)) return list("claimMoving", keys, args);
        throw error;
      })) as readonly string[];
      const status = reply[0];
      if (status === "none" || status === "fenced") return asks.map(() => ({ kind: status }));
      if (status === "marked") {
        const marked = { kind: status, fingerprint: reply[2] ?? "" } as const;
        return asks.map(() => marked);
      }
      return asks.map((ask, i) => parseAnswer(campaignId, ask, reply[i + 2] ?? "", perUser));
    },

    async advance(campaignId: string, callerNowMs: number, leastGeneration = 0): Promise<Advance> {
      const k = keysOf(campaignId);
      const args = [String(callerNowMs), String(leastGeneration)];
      const reply = (await list("advance", [k.meta, k.staged, k.open, k.away], args)).map(String);
      const [status, generation, state, changed, wait, armedAt, now] = reply;
      if (status === "none" || status === "fenced" || status === "frozen") return { kind: status };
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
      const k = keysOf(campaignId);
      const reply = await list("inspect", [k.meta, k.staged, k.open, k.claims, k.ledger, k.away], []);
      const [status, generation, state, staged, open, claims, ledger, armedAt, now, away, ...rest] = reply;
      const [total, startsAt, endsAt, erased] = rest;
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
        ...(erased === undefined || erased === "" ? {} : { erased: String(erased) }),
      };
    },

    async frontier(campaignId: string): Promise<Frontier> {
      const { meta, ledger } = keysOf(campaignId);
      const reply = (await list("frontier", [meta, ledger], [])).map(String);
      const [status, generation, base, seq, first = "", sinceLoadMs] = reply;
      return {
        status: status as Frontier["status"],
        generation: Number(generation),
        base: Number(base),
        seq: Number(seq),
        pending: first === "" ? undefined : parseId(first),
        sinceLoadMs: sinceLoadMs === "" ? undefined : Number(sinceLoadMs),
      };
    },

    /** Drops ledger entries of durable issuances. All must be of one campaign and one generation. */
    settle(campaignId: string, generation: number, seqs: readonly number[]) {
      const k = keysOf(campaignId);
      const args = [String(generation), ...seqs.map(String)];
      return word<"settled" | "stale" | Unusable>("settle", [k.meta, k.ledger], args);
    },

    /**
     * Brings a durable issuance of an older generation into a pool that was built without it. `erased`: the
     * same claim as an erasure of its user leaves it, where the campaign has erased users.
     */
    adopt(claim: Claim, erased?: Claim) {
      const k = keysOf(claim.campaignId);
      const keys = [k.meta, k.staged, k.open, k.claims, k.away];
      const after = erased === undefined ? ["", ""] : [fieldOf(erased), binding(erased)[2]];
      const args = [fieldOf(claim), ...binding(claim), ...after];
      return word<"adopted" | "bound" | Unusable>("adopt", keys, args);
    },

    /**
     * Undoes a claim that the durable issuance `winner` rules out; `free`: its code returns to the pool.
     */
    release(lost: Claim, free: boolean, winner: Claim) {
      const k = keysOf(lost.campaignId);
      return word<"released" | "moved" | Unusable>(
        "release",
        [k.meta, k.staged, k.open, k.claims, k.ledger, k.away],
        [fieldOf(lost), ...binding(lost), free ? "free" : "taken", fieldOf(winner), ...binding(winner)],
      );
    },

    /** Gives up a pool of this generation: it is `fenced` until it is rebuilt. */
    distrust: (campaignId: string, generation: number) =>
      word<"distrusted" | "moved">("distrust", [keysOf(campaignId).meta], [String(generation)]),

    /**
     * Ledger entries that are at least `leastAgeMs` old. Start with `after` `-`, continue with `next` until
     * it is empty.
     */
    async ledgerPage(
      campaignId: string,
      leastAgeMs: number,
      after: string,
      limit: number,
    ): Promise<LedgerPage> {
      const args = [String(leastAgeMs), after, String(Math.min(limit, SCRIPT_ITEMS_MAX))];
      const reply = (await list("ledger", [keysOf(campaignId).ledger], args)).map(String);
      const claims: Claim[] = [];
      for (let i = 1; i + 5 < reply.length; i += 6) {
        const [id = "", claimKey = "", code = "", at = "", userId = "", place = ""] = reply.slice(i, i + 6);
        const claim = { campaignId, claimKey, userId, code, ...parseId(id), issuedAtMs: Number(at) };
        claims.push(place === "" ? claim : { ...claim, place: Number(place) });
      }
      return { claims, next: reply[0] ?? "" };
    },

    /**
     * Freezes a pool of a generation below `generation` while MongoDB decides about a change of its campaign.
     */
    async freeze(
      campaignId: string,
      callerNowMs: number,
      generation: number,
      leastGeneration = 0,
    ): Promise<Freeze> {
      const k = keysOf(campaignId);
      const args = [callerNowMs, leastGeneration, generation].map(String);
      const loading = [k.loading, k.loadingCodes, k.loadingClaims];
      const reply = (await list("freeze", [k.meta, k.staged, k.open, k.away, ...loading], args)).map(String);
      const [kind, of, state, armedAt, now] = reply;
      if (kind !== "frozen") return { kind: kind as "none" };
      return {
        kind,
        generation: Number(of),
        state: state as PoolState,
        armedAtMs: Number(armedAt),
        redisNowMs: Number(now),
      };
    },

    /** Sets a frozen pool to the state in MongoDB, and ends the freeze. */
    turn({ campaignId, generation, state, startsAtMs, endsAtMs }: TurnTarget) {
      const k = keysOf(campaignId);
      const args = [generation, state, startsAtMs, endsAtMs].map(String);
      return word<"turned" | "superseded" | Unusable>("turn", [k.meta, k.staged, k.open, k.away], args);
    },

    /**
     * Removes all keys of a rehearsal; returns how many there were. Rejects for any other campaign, and
     * removes nothing then.
     */
    async remove(campaignId: string): Promise<number> {
      return Number(await call("remove", Object.values(keysOf(campaignId)), []));
    },

    ...createLoadCalls({ call, list, word }, keysOf),
    ...createErasureCalls({ call, list, word }, keysOf),
  };
}
