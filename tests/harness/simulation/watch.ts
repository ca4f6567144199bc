import { type Model, statusOf } from "../../support/pool-model.ts";
import type { MongoServer } from "./mongo-server.ts";
import type { RedisServer } from "./redis-server.ts";
import { happened, Violation, type World } from "./world.ts";

/** Checks invariants that must hold at every moment, at each event; keeps the first violation. */
export type Watch = {
  violation(): Violation | undefined;
  violate(what: string): void;
  /** Called when the pool goes from staged to open. */
  opened(redisNowMs: number, callerNowMs: number): void;
  loaded(generation: number, state: string): void;
  /** Called when a script has run. */
  pool(model: Model): void;
  /** Called when the claim script answers that no coupon is left. */
  soldOut(claimKey: string, model: Model): void;
  /** Called when a server answers a client with this coupon. */
  acknowledged(claimKey: string, code: string, seq: number, generation: number): void;
  /** Called when a server answers SOLD_OUT to a client that asked at this step. */
  refused(claimKey: string, askedStep: number): void;
  /** Called when a client's request reaches a server. */
  asked(claimKey: string): void;
  /**
   * Called when a server answers OVERLOADED, so that nothing was tried, to a client of which no earlier
   * request may be under way.
   */
  untried(claimKey: string): void;
  /** Called when the claim script has popped a code for this key. */
  claimed(claimKey: string): void;
};

export function createWatch(world: World, mongo: MongoServer, redis: RedisServer): Watch {
  const { campaign, coupons } = mongo;
  const startsAtMs = campaign.startsAt.getTime();
  let first: Violation | undefined;
  let hasOpened = false;
  let loadedLast = 0;
  /** Clients that were told that nothing was tried, and have not asked again. */
  const untried = new Set<string>();

  function violate(what: string): void {
    if (first !== undefined) return;
    first = new Violation(what);
    world.agenda.note(`VIOLATION ${what}`);
  }

  return {
    violation: () => first,
    violate,
    opened(redisNowMs, callerNowMs) {
      hasOpened = true;
      if (redisNowMs < startsAtMs)
        violate(`U8 opened ${startsAtMs - redisNowMs} ms early on the clock of Redis`);
      if (callerNowMs < startsAtMs)
        violate(`U8 opened ${startsAtMs - callerNowMs} ms early on the caller's clock`);
    },
    loaded(generation, state) {
      const what = `U12 a pool of generation ${generation} was loaded after one of ${loadedLast}`;
      // Known and open: a loader that was held since it took its generation resumes, and Redis has lost the
      // newer pool.
      const isWoken = generation < loadedLast && !world.strict;
      if (isWoken) happened(world, "known: a held loader loaded an older generation into an emptied Redis");
      else if (generation <= loadedLast) violate(what);
      loadedLast = generation;
      if (state === "open" && !hasOpened) violate("U8 loaded as open before it was ever opened");
    },
    pool({ meta }) {
      if (meta !== undefined && meta.generation > campaign.generation)
        violate(`U12 the pool is of generation ${meta.generation}, MongoDB knows ${campaign.generation}`);
    },
    soldOut(claimKey, model) {
      const bound = new Set([...model.claims.values()].map(({ code }) => code));
      const left = coupons.find(({ _id }) => !bound.has(_id) && mongo.holder(_id) === undefined);
      if (left !== undefined)
        violate(`U7 ${claimKey} was told sold out while ${left._id} was neither bound nor issued`);
    },
    acknowledged(claimKey, code, seq, generation) {
      const held = mongo.holder(code);
      const right = held?.claimKey === claimKey && held.seq === seq && held.generation === generation;
      if (!right || !mongo.holderIsVisible(code))
        violate(`U2 ${claimKey} was told ${code} (${generation}-${seq}), which is not durable as such`);
    },
    refused(claimKey, askedStep) {
      if (mongo.durableStep(claimKey) >= askedStep) return;
      const what = `U7 ${claimKey} was told SOLD_OUT although it held a durable coupon before it asked`;
      const isBound = statusOf(redis.model) === "ok" && redis.model.claims.has(claimKey);
      // Known and open: an insert of an older generation is durable, and the pool that was made without it
      // has not adopted it yet.
      if (isBound || world.strict) violate(what);
      else happened(world, "known: sold out before a late insert was adopted");
    },
    asked: (claimKey) => void untried.delete(claimKey),
    untried(claimKey) {
      happened(world, "told that nothing was tried");
      untried.add(claimKey);
      if (redis.model.claims.has(claimKey))
        violate(`U2 ${claimKey} has a code, and was told: nothing was tried`);
    },
    claimed(claimKey) {
      if (untried.has(claimKey)) violate(`U2 ${claimKey} got a code after it was told: nothing was tried`);
    },
  };
}
