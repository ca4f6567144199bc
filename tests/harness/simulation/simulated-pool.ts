import type { Advance, Claim, ClaimAnswer, Freeze, Inspection, PoolState } from "../../../pool/answers.ts";
import type { Pool } from "../../../pool/pool.ts";
import * as script from "../../support/pool-model.ts";
import { WITHOUT_BOOKS } from "./plants.ts";
import type { RedisLink } from "./redis-link.ts";
import type { RedisServer } from "./redis-server.ts";
import type { Watch } from "./watch.ts";
import { happened, type World } from "./world.ts";

export type SimulatedPoolDeps = {
  world: World;
  redis: RedisServer;
  link: RedisLink;
  watch: Watch;
  /** The caller's real clock, whatever clock the product passes on. */
  callerNowMs: () => number;
};

/**
 * The typed calls of the pool, on the reference model of the scripts; each runs when its request arrives at
 * Redis.
 */
export function createSimulatedPool({ world, redis, link, watch, callerNowMs }: SimulatedPoolDeps): Pool {
  const { plant } = world;

  /** Runs a script at Redis and lets the watch check the result. */
  function call<T>(label: string, run: (model: script.Model) => T): Promise<T> {
    const sentAtMs = callerNowMs();
    return link.call(label, () => {
      const before = redis.model.meta?.state;
      const result = run(redis.model);
      const isLoad = label.startsWith("load");
      if (before === "staged" && redis.model.meta?.state !== "staged" && !isLoad)
        watch.opened(redis.nowMs(), sentAtMs);
      watch.pool(redis.model);
      if (world.random.chance(0.04)) redis.snapshot();
      return result;
    });
  }

  const instants = (model: script.Model): script.RedisClock => {
    const nowMs = redis.nowMs();
    return { nowMs, armedAtMs: nowMs, claimedAtMs: Math.max(nowMs, model.meta?.armedAt ?? 0) };
  };
  const believed = (nowMs: number) => (plant === "one-clock" ? Number.MAX_SAFE_INTEGER : nowMs);

  function answerOf(campaignId: string, ask: Ask, answer: script.Answer, waitMs: number): ClaimAnswer {
    switch (answer.kind) {
      case "claimed":
      case "pending":
      case "replay":
        return { kind: answer.kind, claim: { campaignId, ...ask, ...unbound(answer.bound) } };
      case "early":
        return {
          kind: "early",
          waitMs,
          redisWaitMs: Math.max(0, (redis.model.meta?.startsAt ?? 0) - redis.nowMs()),
          startsAtMs: redis.model.meta?.startsAt ?? 0,
        };
      case "not-open":
        return { kind: "not-open", state: redis.model.meta?.state as PoolState };
      case "sold":
        return { kind: "sold", total: answer.total };
      default:
        return { kind: answer.kind };
    }
  }

  return {
    claim: (campaignId, nowMs, asks, mode = "issue", leastGeneration = 0) =>
      call(`claim ${mode} ${asks.map((ask) => ask.claimKey).join()}`, (model) => {
        const clock = instants(model);
        const caller = believed(nowMs);
        const answers = script.claim(model, asks, caller, clock, mode, leastGeneration);
        if (plant === "settle-before-durable") model.ledger = [];
        const waitMs = (model.meta?.startsAt ?? 0) - Math.min(caller, clock.nowMs);
        answers.forEach((answer, i) => {
          if (answer.kind === "claimed") watch.claimed(asks[i]?.claimKey ?? "");
          if (answer.kind === "sold") watch.soldOut(asks[i]?.claimKey ?? "", model);
          if (answer.kind === "fenced" || answer.kind === "none" || answer.kind === "pending")
            happened(world, `claim answered ${answer.kind}`);
        });
        return asks.map((ask, i) =>
          answerOf(campaignId, plainAsk(ask), answers[i] ?? { kind: "none" }, waitMs),
        );
      }),

    advance: (_, nowMs, leastGeneration = 0) =>
      call("advance", (model): Advance => {
        const advanced = script.advance(model, believed(nowMs), instants(model), leastGeneration);
        if (advanced.status !== "ok" || model.meta === undefined)
          return { kind: advanced.status === "ok" ? "none" : advanced.status };
        return {
          kind: "ok",
          generation: model.meta.generation,
          state: model.meta.state as PoolState,
          changed: advanced.changed,
          waitMs: advanced.waitMs,
          armedAtMs: model.meta.armedAt,
          redisNowMs: redis.nowMs(),
        };
      }),

    mark: () => Promise.reject(new Error("no user is erased here")),
    bindings: () => Promise.reject(new Error("no user is erased here")),
    erase: () => Promise.reject(new Error("no user is erased here")),

    inspect: () =>
      call("inspect", (model): Inspection => {
        const { meta } = model;
        return {
          status: script.statusOf(model),
          generation: meta?.generation ?? 0,
          state: (meta?.state ?? "") as Inspection["state"],
          stagedCodes: model.staged.length,
          openCodes: model.open.length,
          awayCodes: model.away.length,
          total: meta?.total ?? 0,
          claims: model.claims.size,
          ledger: model.ledger.length,
          armedAtMs: meta?.armedAt ?? 0,
          startsAtMs: meta?.startsAt ?? 0,
          endsAtMs: meta?.endsAt ?? 0,
          redisNowMs: redis.nowMs(),
        };
      }),

    frontier: () => call("frontier", (model) => ({ ...script.frontier(model), sinceLoadMs: undefined })),

    settle: (_, generation, seqs) =>
      call(
        `settle ${generation}-${seqs.join()}`,
        (model) => script.settle(model, generation, seqs) as "settled",
      ),

    adopt: (claim) =>
      call(`adopt ${told(claim)}`, (model) => {
        happened(world, "late issuance adopted");
        if (plant === "adopt-nothing") return "adopted";
        return script.adopt(model, claim.claimKey, bound(claim)) as "adopted";
      }),

    release: (lost, free, winner) =>
      call(`release ${told(lost)} ${free ? "free" : "taken"} for ${told(winner)}`, (model) => {
        happened(world, free ? "code handed back" : "stale code dropped");
        const goesBack = free || plant === "release-pushes-back";
        return script.release(
          model,
          lost.claimKey,
          bound(lost),
          goesBack,
          winner.claimKey,
          bound(winner),
        ) as "released";
      }),

    distrust: (_, generation) =>
      call(`distrust ${generation}`, (model) => {
        happened(world, "pool distrusted");
        if (WITHOUT_BOOKS.has(plant)) return "moved";
        return script.distrust(model, generation) as "distrusted";
      }),

    freeze: (_, nowMs, generation, leastGeneration = 0) =>
      call(`freeze ${generation}`, (model): Freeze => {
        const kind = script.freeze(model, believed(nowMs), instants(model), generation, leastGeneration);
        const { meta } = model;
        happened(world, `freeze ${kind}`);
        if (kind !== "frozen" || meta === undefined) return { kind: kind === "frozen" ? "none" : kind };
        const { generation: of, armedAt: armedAtMs } = meta;
        return { kind, generation: of, state: meta.state as PoolState, armedAtMs, redisNowMs: redis.nowMs() };
      }),

    turn: ({ campaignId: _, startsAtMs, endsAtMs, ...target }) =>
      call(`turn ${target.generation} ${target.state}`, (model) => {
        const turned = script.turn(model, { ...target, startsAt: startsAtMs, endsAt: endsAtMs });
        happened(world, `turn ${turned}`);
        return turned;
      }),

    remove: () => Promise.reject(new Error("no rehearsal is simulated")),
    topUp: (_, generation, offset, codes, waitedFor) =>
      call(`top-up ${generation} ${offset} ${codes.join()}`, (model) =>
        script.topUp(model, generation, offset, codes, waitedFor),
      ),

    ledgerPage: (campaignId, leastAgeMs, after, limit) =>
      call(`ledger ${leastAgeMs} ${after}`, (model) => {
        const page = script.ledgerPage(model, leastAgeMs, after, limit, redis.nowMs());
        const claims = page.entries.map(({ key, code, id, ms, user }) => ({
          campaignId,
          claimKey: key,
          userId: user,
          ...unbound({ code, id, ms }),
        }));
        return { claims, next: page.next };
      }),

    loadBegin: (_, generation) =>
      call(`load-begin ${generation}`, (model) => script.loadBegin(model, generation) as "begun"),

    loadCodes: (_, generation, offset, codes) =>
      call(`load-codes ${generation} ${offset} ${codes.join()}`, (model) =>
        script.loadCodes(model, generation, offset, [...codes]),
      ),

    loadClaims: (_, generation, claims) =>
      call(`load-claims ${generation} ${claims.map(told).join()}`, (model) =>
        script.loadClaims(
          model,
          generation,
          claims.map((claim) => [claim.claimKey, bound(claim)]),
        ),
      ),

    loadCommit: ({ campaignId: _, startsAtMs, endsAtMs, armedAtMs, ...target }) =>
      call(`load-commit ${target.generation} ${target.state}`, (model) => {
        const counted = model.loadingCodes.length + model.loadingClaims.size;
        const meta = { ...target, startsAt: startsAtMs, endsAt: endsAtMs, armedAt: armedAtMs };
        if (plant === "swap-uncounted" || plant === "loader-order") meta.total = counted;
        const outcome = script.loadCommit(model, meta);
        if (model.meta !== undefined) model.meta.total = target.total;
        if (outcome === "loaded") watch.loaded(target.generation, target.state);
        happened(world, `load ${outcome}`);
        return outcome as "loaded";
      }),
  };
}

type Ask = { claimKey: string; userId: string };

/** The scripts get only a part of each request of the product. */
const plainAsk = ({ claimKey, userId }: Ask): Ask => ({ claimKey, userId });

function bound(claim: Claim): script.Bound {
  return { code: claim.code, id: `${claim.generation}-${claim.seq}`, ms: claim.issuedAtMs };
}

function unbound({ code, id, ms }: script.Bound): Pick<Claim, "code" | "generation" | "seq" | "issuedAtMs"> {
  const [generation, seq] = id.split("-").map(Number);
  return { code, generation: generation ?? 0, seq: seq ?? 0, issuedAtMs: ms };
}

const told = (claim: Claim) => `${claim.claimKey}=${claim.code}@${claim.generation}-${claim.seq}`;
