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
  /**
   * LIFE: each change by an operator is either complete and on record, or absent. PROOF: what a campaign was
   * committed to and certified as never changes.
   */
  readonly caughtBy: Invariant | "LIFE" | "PROOF";
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
    name: "places-uncounted",
    patches: [
      {
        file: "claims/claim-stage",
        search: "const perUser = asks[0]?.maxPerUser ?? 1",
        replace: "const perUser = 2 * (asks[0]?.maxPerUser ?? 1)",
      },
    ],
    round: "several-per-user",
    caughtBy: "U4",
    because: "a user's fourth request gets a place that the campaign does not give",
  },
  {
    name: "erased-not-recognised",
    patches: [
      {
        file: "pool/lua/claim.lua",
        search: "erased = pseudonyms and redis.call('HMGET', claims_key, unpack(pseudonyms)) or {}",
        replace: "erased = {}",
      },
      {
        file: "record/issuances",
        search: "erased === undefined ? insertOnce(docs) : insertUnlessErased",
        replace: "true ? insertOnce(docs) : insertUnlessErased",
      },
    ],
    round: "erased-in-the-sale",
    caughtBy: "U4",
    because: "nothing looks for the pseudonym: an erased user who asks again gets a second coupon",
  },
  {
    name: "reply-before-commit",
    patches: [
      {
        file: "claims/claimer",
        search: "const done = await commit(pipeline, answer.claim, ask.caller.span)",
        replace:
          'void commit(pipeline, answer.claim).catch(() => undefined); const done = await Promise.resolve({ kind: "durable", coupon: answer.claim })',
      },
    ],
    round: "kill-server-between-claim-and-commit",
    caughtBy: "U2",
    because: "callers hold coupons that are not on record at the moment of the reply",
  },
  {
    name: "batch-acknowledged-when-sent",
    patches: [
      {
        file: "claims/commit-stage",
        search: "const outcomes = await inSpan(span, () => insert(batch));",
        replace:
          "void inSpan(span, () => insert(batch)).then((late) => settleDurable(batch, late)).catch(() => undefined); " +
          'const outcomes = batch.map((claim) => ({ kind: "durable", issuance: issuanceOf(claim), isEarly: true }));',
      },
      {
        file: "claims/commit-stage",
        search: 'if (outcome?.kind !== "durable")',
        replace: 'if (outcome?.kind !== "durable" || outcome.isEarly)',
      },
    ],
    round: "kill-server-between-claim-and-commit",
    caughtBy: "U2",
    because:
      "a gathered batch is answered as soon as its insert is sent: its callers hold coupons that are not on record",
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
        file: "record/issuance-indexes",
        search: 'name: "one_per_claim_key", unique: true',
        replace: 'name: "one_per_claim_key"',
      },
      // A rebuild counts one claim for a key with two coupons. It would load no pool any more, and the round
      // would not end.
      {
        file: "pool/lua/load-commit.lua",
        search: "if codes + claims ~= tonumber(total) then",
        replace: "if false then",
      },
      BELIEVE_THE_EMPTY_LIST,
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
        search: "end(error);",
        replace:
          'end(error);\nawait Promise.allSettled(batch.map((claim) => pool.release(claim, true, { ...claim, claimKey: "" })));',
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
    name: "signed-anew",
    patches: [
      {
        file: "record/certificates",
        search: "const { campaignId, issued, committed } = doc;",
        replace: "const { campaignId, issued } = doc; const committed = Date.now();",
      },
    ],
    round: "kill-while-committing-and-certifying",
    caughtBy: "PROOF",
    because: "a certificate was signed before the kill, and whoever asks after it gets another one",
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
    name: "acknowledged-without-a-majority",
    patches: [
      {
        file: "record/issuances",
        search: "new Set(await insertUnordered(db, collection.collectionName, docs))",
        replace:
          "new Set(await insertUnordered(db, collection.collectionName, docs).catch((error) => { if (error.code === 64) return []; throw error; }))",
      },
    ],
    round: "unmet-write-concern",
    caughtBy: "U2",
    because: "callers hold coupons whose inserts no majority had, and that were undone",
  },
  {
    name: "breaker-never-probes",
    patches: [{ file: "claims/breaker", search: "void runProbe();", replace: "void 0;" }],
    round: "cut-off-both",
    caughtBy: "U11",
    because:
      "no caller is let through to a pool whose store did not answer once, however well the store is since",
  },
  {
    name: "watermark-over-claims-under-way",
    patches: [
      {
        file: "campaign/settled-issues",
        search: "const place = pending ?? { generation, seq: seq + 1 };",
        replace: "const place = { generation, seq: seq + 1 };",
      },
    ],
    round: "kill-server-between-claim-and-commit",
    caughtBy: "U14",
    because: "later coupons are told before claims of a killed server, which the sweeper then finishes",
  },
  {
    name: "listed-nodes-alone",
    patches: [
      {
        file: "pool/redis",
        search: 'kind === "cluster" ? [...seen.values()] : address.nodes',
        replace: "address.nodes",
      },
    ],
    round: "cluster-node-leaves",
    caughtBy: "U11",
    because: "the node that REDIS_URL lists has left the cluster, and no server finds another one again",
  },
  {
    name: "confirm-twice",
    patches: [
      {
        file: "redemption/judge",
        search: "if (confirmed >= max)",
        replace: "if (confirmed >= max + 1)",
      },
      {
        file: "redemption/judge",
        search: "confirmed + untils.length < max",
        replace: "confirmed + untils.length < max + 1",
      },
    ],
    round: "redeem-many-race",
    caughtBy: "R1",
    because: "a second key redeems the code that the first has redeemed",
  },
  {
    name: "lost-reservation",
    patches: [
      {
        file: "redemption/judge",
        search: "confirmed + untils.length < max",
        replace: "confirmed < max",
      },
    ],
    round: "redeem-kill-between-reserve-and-confirm",
    caughtBy: "R1",
    because: "a rival redeems a code that another key has reserved, and that key then redeems it, too",
  },
  {
    name: "void-ignored",
    patches: [
      {
        file: "redemption/judge",
        search: "if (redemption.voided)",
        replace: "if (false)",
      },
    ],
    round: "redeem-void-races-reserve",
    caughtBy: "R3",
    because: "a code is reserved and redeemed while an operator has made it void",
  },
  {
    name: "expiry-by-the-wrong-clock",
    patches: [
      {
        file: "redemption/redeemer",
        search: "nowMs: seen.now.getTime(),",
        replace: "nowMs: Date.now(),",
      },
    ],
    round: "redeem-server-clock-day-ahead",
    caughtBy: "R3",
    because:
      "a server whose clock is a day ahead takes live reservations for expired, and gives their codes away",
  },
];
