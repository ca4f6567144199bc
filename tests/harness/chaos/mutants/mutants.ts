import type { Invariant } from "../../../../audit/verdict.ts";
import type { Patch } from "./patch.ts";

/**
 * One safeguard of the design taken out on purpose, the round that must show it, and the invariant that must
 * be violated.
 */
export type Mutant = {
  readonly name: string;
  readonly patches: readonly Patch[];
  readonly round: string;
  /** LIFE: each change by an operator is either complete and on record, or absent. */
  readonly caughtBy: Invariant | "LIFE";
  /** Why this invariant, in a sentence. */
  readonly because: string;
};

/**
 * Takes out the second safeguard against a lost pool, where a mutant tests the first one: the mutant answers
 * "sold out" whenever the list is empty.
 */
const BELIEVE_THE_EMPTY_LIST: Patch = {
  file: "pool/lua/claim.lua",
  search: "if redis.call('HLEN', claims_key) >= tonumber(stock[1]) then",
  replace: "if true then",
};

export const mutants: readonly Mutant[] = [
  {
    name: "naive-pop",
    patches: [
      {
        file: "pool/lua/claim.lua",
        search: "redis.call('HSET', claims_key, unpack(bindings))",
        replace: "-- popped and not bound",
      },
      BELIEVE_THE_EMPTY_LIST,
    ],
    round: "winners-ask-at-sold-out",
    caughtBy: "U7",
    because: "nothing remembers the winner: asking again once the pool is empty, it is told that all is gone",
  },
  {
    name: "reply-before-commit",
    patches: [
      {
        file: "claims/claimer",
        search: "const done = await commit(pipeline, answer.claim)",
        replace:
          'const done = { kind: "durable", coupon: answer.claim }; void commit(pipeline, answer.claim).catch(() => undefined)',
      },
    ],
    round: "kill-server-between-claim-and-commit",
    caughtBy: "U2",
    because: "callers hold coupons that are not on record at the moment of the reply",
  },
  {
    name: "no-fence",
    patches: [
      {
        file: "pool/lua/include-fence.lua",
        search: "return run_id .. '-' .. replication_id",
        replace: "return 'any'",
      },
    ],
    round: "redis-older-aof-open",
    caughtBy: "U10",
    because:
      "the rolled-back pool goes on where it was: late callers get places before those who were answered",
  },
  {
    name: "unguarded-rename",
    patches: [
      {
        file: "pool/lua/include-advance.lua",
        search: "if pool.state == 'staged' then",
        replace: "if pool.state == 'staged' or redis.call('EXISTS', staged_key) == 1 then",
      },
      {
        file: "pool/lua/include-advance.lua",
        search: "redis.call('RENAMENX', staged_key, open_key) == 0 then",
        replace: "not redis.call('RENAME', staged_key, open_key) then",
      },
      BELIEVE_THE_EMPTY_LIST,
    ],
    round: "staged-beside-open",
    caughtBy: "U7",
    because: "the live pool is replaced, so that callers are told it is empty while codes are left",
  },
  {
    name: "clock-gate-while-open",
    patches: [
      {
        file: "pool/lua/include-advance.lua",
        search: "if pool.state == 'staged' then",
        replace:
          "if pool.state == 'open' and starts_at > math.min(now, caller_ms) then " +
          "pool.state = 'staged' pool.wait = starts_at - math.min(now, caller_ms) return 'ok', pool end\n" +
          "  if pool.state == 'staged' then",
      },
    ],
    round: "redis-clock-hour-behind-after-start",
    caughtBy: "U8",
    because: "callers are refused as too early long after the start",
  },
  {
    name: "sold-out-cache-without-winners",
    patches: [
      {
        file: "claims/claimer",
        search: "const answer = known.recall(campaignId, claimKey, isFinal);",
        replace:
          'if (globalThis.soldOut?.has(campaignId)) return refused({ reason: "SOLD_OUT" });\nconst answer = known.recall(campaignId, claimKey, isFinal);',
      },
      {
        file: "claims/claimer",
        search: "known.learn(campaignId, answer, askedAtMs);",
        replace:
          '{ known.learn(campaignId, answer, askedAtMs); if (answer.kind === "sold") (globalThis.soldOut ??= new Set()).add(campaignId); }',
      },
    ],
    round: "winners-ask-at-sold-out",
    caughtBy: "U7",
    because: "a winner who asks again is told that all is gone",
  },
  {
    name: "no-unique-index-on-claim-key",
    patches: [
      {
        file: "record/mongo",
        search: 'name: "one_per_claim_key", unique: true',
        replace: 'name: "one_per_claim_key"',
      },
    ],
    round: "e11000-claim-key",
    caughtBy: "U4",
    because: "a key with a coupon on record gets a second one",
  },
  {
    name: "push-back-on-failure",
    patches: [
      {
        file: "claims/commit-stage",
        search: "end(false);",
        replace:
          'end(false);\nawait Promise.allSettled(batch.map((claim) => pool.release(claim, true, { ...claim, claimKey: "" })));',
      },
      {
        file: "pool/lua/release.lua",
        search: "redis.call('HSETNX', claims_key, durable_key,",
        replace: "local _ = durable_key ~= '' and redis.call('HSETNX', claims_key, durable_key,",
      },
    ],
    round: "cut-last-inserts",
    caughtBy: "U7",
    because: "callers were told that all is gone, and then codes come back and go to others",
  },
  {
    name: "hold-that-does-not-hold",
    patches: [
      {
        file: "pool/lua/claim.lua",
        search: "if pool.state == 'open' and not frozen and mode ~= 'recall' then",
        replace: "if pool.state == 'open' and mode ~= 'recall' then",
      },
    ],
    round: "kill-cancel-before-turn",
    caughtBy: "LIFE",
    because:
      "the cancellation is on record, whoever made it has died, and coupons go out until somebody notices",
  },
  {
    name: "settle-of-this-generation-only",
    patches: [
      {
        file: "pool/lua/settle.lua",
        search: "if claimed_in < tonumber(meta[3]) or claimed_in > tonumber(meta[1]) then return 'stale' end",
        replace: "if claimed_in ~= tonumber(meta[1]) then return 'stale' end",
      },
    ],
    round: "change-over-claims-under-way",
    caughtBy: "U5",
    because: "claims that were under way when it was paused stay in the ledger for ever",
  },
  {
    name: "winners-of-any-total",
    patches: [
      {
        file: "claims/known-answers",
        search: "if (total > sale.total) {",
        replace: "if (total > sale.total) sale.total = total;\n        if (false) {",
      },
    ],
    round: "added-after-sold-out",
    caughtBy: "U7",
    because:
      "the winners of the first coupons are kept for all, so that those of the added ones are told that there are none",
  },
  {
    name: "no-quiet-before-more",
    patches: [
      {
        file: "pool/lua/top-up.lua",
        search: "if may_issue and redis.call('EXISTS', list) == 0 and",
        replace: "if false and",
      },
    ],
    round: "added-after-sold-out",
    caughtBy: "U7",
    because:
      "the other server goes on telling from memory that all are gone while added coupons are given out",
  },
  {
    name: "limit-before-the-coupon",
    patches: [
      {
        file: "claims/claim-guard",
        search: "return couponOr(limited(over),",
        replace: "return limited(over) ?? couponOr(limited(over),",
      },
    ],
    round: "winners-over-their-limit",
    caughtBy: "U7",
    because: "a winner that lost its answer and asks again is told to wait, and does not get its coupon",
  },
  {
    name: "breaker-never-probes",
    patches: [{ file: "claims/breaker", search: "void runProbe();", replace: "void 0;" }],
    round: "cut-off-both",
    caughtBy: "U11",
    because:
      "no caller is let through to a pool whose store did not answer once, however well the store is since",
  },
];
