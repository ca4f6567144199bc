import { runChecks } from "../../../audit/checks.ts";
import type { HistoryEntry } from "../../../audit/history.ts";
import type { Issuance, Snapshot } from "../../../audit/snapshot.ts";
import type { Invariant } from "../../../audit/verdict.ts";
import type { CampaignDoc, IssuanceDoc } from "../../../record/documents.ts";
import type { Client } from "./client.ts";
import type { MongoServer } from "./mongo-server.ts";
import type { RedisServer } from "./redis-server.ts";

/**
 * The audit's invariants that depend only on the contents of the stores and on callers' answers: they use no
 * wall clock.
 */
const AUDITS: readonly Invariant[] = ["U1", "U2", "U3", "U4", "U5", "U10"];

/** The violations at rest; empty: none. */
export function checkAtRest(
  redis: RedisServer,
  mongo: MongoServer,
  history: readonly HistoryEntry[],
): string[] {
  const snapshot = snapshotOf(redis, mongo);
  const { campaign, issuances } = snapshot;
  // Sold out with every coupon durable: servers answer from the record, and no process rebuilds a pool that
  // would be empty.
  const needsNoPool = redis.model.meta === undefined && issuances.length === campaign.total;
  const audits = needsNoPool ? AUDITS.filter((invariant) => invariant !== "U5") : AUDITS;
  const found = runChecks(snapshot, history).flatMap(({ invariant, offenders }) =>
    audits.includes(invariant) ? offenders.map(({ words }) => `${invariant} ${words}`) : [],
  );
  for (const { code, issuedAtMs } of issuances) {
    if (issuedAtMs < campaign.startsAtMs) found.push(`U8 ${code} carries an instant before the start`);
  }
  return found;
}

/**
 * Known and open: once a campaign is recorded as ENDED, no scheduler repairs its pool; an insert that comes
 * even later is in MongoDB only. Everything else at rest is a violation.
 */
export function isKnownAfterTheEnd({ state }: CampaignDoc, found: readonly string[]): boolean {
  const late = /is in the pool and issued$|has an issuance and is not in the claims hash$/;
  return state === "ENDED" && found.length > 0 && found.every((words) => late.test(words));
}

/** Keys that got SOLD_OUT, true at that moment, and have a coupon in the end: allowed, counted. */
export function sorryButYours(mongo: MongoServer, history: readonly HistoryEntry[]): number {
  const told = history.filter(({ outcome }) => outcome.kind === "refused" && outcome.reason === "SOLD_OUT");
  const holders = new Set(mongo.visible().map((doc) => doc.claimKey));
  return new Set(told.filter(({ claimKey }) => holders.has(claimKey)).map(({ claimKey }) => claimKey)).size;
}

function snapshotOf({ model }: RedisServer, mongo: MongoServer): Snapshot {
  const { campaign } = mongo;
  const claims = [...model.claims].map(([claimKey, { code, id, ms }]): Issuance => {
    const [generation = 0, seq = 0] = id.split("-").map(Number);
    return { claimKey, code, generation, seq, issuedAtMs: ms };
  });
  return {
    campaign: {
      id: campaign._id,
      total: campaign.total,
      startsAtMs: campaign.startsAt.getTime(),
      endsAtMs: campaign.endsAt?.getTime(),
      openedAtMs: campaign.openedAt?.getTime(),
      onePerUser: campaign.onePerUser,
      state: campaign.state,
      generation: campaign.generation,
    },
    codes: mongo.coupons.map(({ _id }) => _id),
    issuances: mongo.visible().map(issuanceOf),
    redis: {
      meta: model.meta && {
        state: model.meta.state,
        startsAtMs: model.meta.startsAt,
        endsAtMs: model.meta.endsAt,
        generation: model.meta.generation,
        total: model.meta.total,
        armedAtMs: model.meta.armedAt,
        base: model.meta.base,
      },
      staged: model.staged,
      open: model.open,
      away: model.away,
      claims,
      seq: model.meta?.seq ?? 0,
      ledgerIds: model.ledger.map(({ id }) => id),
      lengths: {
        staged: model.staged.length,
        open: model.open.length,
        away: model.away.length,
        claims: model.claims.size,
        ledger: model.ledger.length,
      },
    },
  };
}

function issuanceOf(doc: IssuanceDoc): Issuance {
  return {
    code: doc._id,
    claimKey: doc.claimKey,
    generation: doc.generation,
    seq: doc.seq,
    issuedAtMs: doc.issuedAt.getTime(),
  };
}

/** U6: once all clients have asked again, with at least as many keys as coupons, every coupon is issued. */
export function checkNothingLeft(mongo: MongoServer, clients: readonly Client[]): string[] {
  const { campaign } = mongo;
  const issued = mongo.visible().length;
  if (campaign.endsAt !== undefined || issued === Math.min(campaign.total, clients.length)) return [];
  return [`U6 ${clients.length} keys wanted ${campaign.total} coupons, ${issued} were issued`];
}

/**
 * U11: the clients that had no definite answer within `withinMs` after the last fault.
 */
export function checkAnswered(clients: readonly Client[], calmMs: number, withinMs: number): string[] {
  return clients.flatMap(({ claimKey, definite, hasLeft }) => {
    if (hasLeft()) return [];
    const answer = definite();
    if (answer !== undefined && answer.atMs <= calmMs + withinMs) return [];
    return [
      answer === undefined
        ? `U11 ${claimKey} never had a definite answer`
        : `U11 ${claimKey} waited ${(answer.atMs - calmMs).toFixed(0)} ms after the last fault`,
    ];
  });
}
