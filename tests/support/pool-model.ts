import type { PoolContents } from "./raw-redis.ts";

/**
 * A model of the pool in memory. It follows the description at the head of each Lua script, and not the code
 * of the scripts.
 */
export type Meta = {
  state: string;
  startsAt: number;
  endsAt: number;
  generation: number;
  token: string;
  seq: number;
  total: number;
  armedAt: number;
  shape: number;
  /** Generation of the last load. */
  base: number;
  /** Generation of the change that froze the pool. */
  held?: number;
  /** The pool has run dry and is about to get added codes: since this generation and total. */
  quiet?: string;
};
export type Bound = { code: string; id: string; ms: number };
export type Entry = { id: string; key: string; code: string; ms: number; user: string };

export type Model = {
  /** The fence token of this Redis, as the scripts read it. */
  readonly token: string;
  meta: Meta | undefined;
  staged: string[];
  open: string[];
  away: string[];
  claims: Map<string, Bound>;
  ledger: Entry[];
  loading: { generation: number; token: string } | undefined;
  loadingCodes: string[];
  loadingClaims: Map<string, Bound>;
};

export function newModel(token: string): Model {
  return {
    token,
    meta: undefined,
    staged: [],
    open: [],
    away: [],
    claims: new Map(),
    ledger: [],
    loading: undefined,
    loadingCodes: [],
    loadingClaims: new Map(),
  };
}

export function copyOf(model: Model): Model {
  return structuredClone(model);
}

/** 'none' | 'fenced' | 'ok', as every script that needs the pool reads it, whether or not it is frozen. */
export function fenceOf({ meta, token }: Model): "none" | "fenced" | "ok" {
  return meta === undefined ? "none" : meta.token === token ? "ok" : "fenced";
}

/** The same, and `frozen` while a change is being decided. */
export function statusOf(model: Model): "none" | "fenced" | "ok" | "frozen" {
  const fence = fenceOf(model);
  return fence === "ok" && model.meta?.held !== undefined ? "frozen" : fence;
}

/** What frontier.lua replies, without the time since the load. */
export function frontier(model: Model) {
  const { meta, ledger } = model;
  const [generation, seq] = (ledger[0]?.id ?? "").split("-").map(Number);
  return {
    status: fenceOf(model),
    generation: meta?.generation ?? 0,
    base: meta?.base ?? 0,
    seq: meta?.seq ?? 0,
    pending: generation === undefined || seq === undefined ? undefined : { generation, seq },
  };
}

export type Advanced =
  | { status: "none" | "fenced" | "frozen" }
  | { status: "ok"; changed: "" | "opened" | "ended"; waitMs: number };

/**
 * Readings of Redis's clock: about when the script ran, which decides; and the exact instants that the script
 * wrote, in ms, which the model copies.
 */
export type RedisClock = { nowMs: number; armedAtMs: number; claimedAtMs: number };

export function advance(
  model: Model,
  callerMs: number,
  redis: Pick<RedisClock, "nowMs" | "armedAtMs">,
  leastGeneration = 0,
): Advanced {
  const status = fenceOf(model);
  const { meta } = model;
  if (status !== "ok" || meta === undefined) return { status: status === "ok" ? "none" : status };
  if (meta.generation < leastGeneration) {
    meta.token = "";
    return { status: "fenced" };
  }
  if (meta.held !== undefined) return { status: "frozen" };
  let changed: "" | "opened" | "ended" = "";
  const both = Math.min(callerMs, redis.nowMs);
  if (meta.state === "staged") {
    if (both < meta.startsAt) return { status, changed, waitMs: meta.startsAt - both };
    if (model.staged.length === 0 || model.open.length > 0) {
      meta.token = "";
      return { status: "fenced" };
    }
    model.open = model.staged;
    model.staged = [];
    meta.state = "open";
    meta.armedAt = redis.armedAtMs;
    changed = "opened";
  }
  const hasOpened = meta.state === "open" || (meta.state === "paused" && meta.armedAt > 0);
  if (hasOpened && meta.endsAt > 0 && both >= meta.endsAt) {
    if (meta.state === "paused" && model.away.length > 0) {
      if (model.open.length > 0) {
        meta.token = "";
        return { status: "fenced" };
      }
      model.open = model.away;
      model.away = [];
    }
    meta.state = "ended";
    changed = "ended";
  }
  return { status, changed, waitMs: 0 };
}

export type Answer =
  | { kind: "claimed" | "pending" | "replay"; bound: Bound }
  | { kind: "sold"; total: number }
  | { kind: "early" | "not-open" | "withheld" | "none" | "fenced" | "frozen" };

export function claim(
  model: Model,
  asks: readonly { claimKey: string; userId: string }[],
  callerMs: number,
  redis: RedisClock,
  mode: "issue" | "recall",
  leastGeneration = 0,
): Answer[] {
  const advanced = advance(model, callerMs, redis, leastGeneration);
  const { meta } = model;
  if (advanced.status === "none" || advanced.status === "fenced" || meta === undefined)
    return asks.map(() => ({ kind: advanced.status === "fenced" ? "fenced" : "none" }));
  return asks.map(({ claimKey, userId }): Answer => {
    const bound = model.claims.get(claimKey);
    if (bound !== undefined) {
      const pending = model.ledger.some(({ id }) => id === bound.id);
      return { kind: pending ? "pending" : "replay", bound };
    }
    if (advanced.status === "frozen") return { kind: "frozen" };
    if (meta.state === "staged") return { kind: "early" };
    if (meta.state !== "open") return { kind: "not-open" };
    if (mode === "recall" && model.open.length > 0) return { kind: "withheld" };
    const code = model.open.shift();
    if (code === undefined) {
      if (model.claims.size >= meta.total)
        return { kind: "sold", total: meta.quiet === undefined ? meta.total : 0 };
      meta.token = "";
      return { kind: "fenced" };
    }
    meta.seq++;
    const given = {
      code,
      id: `${meta.generation}-${meta.seq}`,
      ms: redis.claimedAtMs,
    };
    model.claims.set(claimKey, given);
    model.ledger.push({ id: given.id, key: claimKey, code, ms: given.ms, user: userId });
    return { kind: "claimed", bound: given };
  });
}

export function distrust(model: Model, generation: number): string {
  if (model.meta?.generation !== generation) return "moved";
  model.meta.token = "";
  return "distrusted";
}

export function settle(model: Model, generation: number, seqs: readonly number[]): string {
  const status = fenceOf(model);
  const { meta } = model;
  if (status !== "ok" || meta === undefined) return status;
  if (generation < meta.base || generation > meta.generation) return "stale";
  const ids = new Set(seqs.map((seq) => `${generation}-${seq}`));
  model.ledger = model.ledger.filter(({ id }) => !ids.has(id));
  return "settled";
}

function without(codes: string[], code: string): string[] {
  const at = codes.indexOf(code);
  return at < 0 ? codes : codes.toSpliced(at, 1);
}

export function adopt(model: Model, key: string, bound: Bound): string {
  const status = fenceOf(model);
  if (status !== "ok") return status;
  model.staged = without(model.staged, bound.code);
  model.open = without(model.open, bound.code);
  model.away = without(model.away, bound.code);
  const standing = model.claims.get(key);
  if (standing === undefined) model.claims.set(key, bound);
  return standing === undefined || same(standing, bound) ? "adopted" : "bound";
}

export function release(
  model: Model,
  lostKey: string,
  lost: Bound,
  free: boolean,
  winnerKey: string,
  winner: Bound,
): string {
  const status = fenceOf(model);
  if (status !== "ok") return status;
  const standing = model.claims.get(lostKey);
  if (standing === undefined || !same(standing, lost)) return "moved";
  model.claims.delete(lostKey);
  model.ledger = model.ledger.filter(({ id }) => id !== lost.id);
  if (free) model[listOf(model.meta?.state)].unshift(lost.code);
  if (!model.claims.has(winnerKey)) model.claims.set(winnerKey, winner);
  return "released";
}

/** The list that holds the codes of a pool in this state. */
function listOf(state: string | undefined): "staged" | "open" | "away" {
  if (state === "staged") return "staged";
  return state === "paused" || state === "cancelled" ? "away" : "open";
}

export function freeze(
  model: Model,
  callerMs: number,
  redis: Pick<RedisClock, "nowMs" | "armedAtMs">,
  generation: number,
  leastGeneration = 0,
): "none" | "fenced" | "superseded" | "frozen" {
  const { status } = advance(model, callerMs, redis, leastGeneration);
  const { meta } = model;
  if (status === "none") {
    if ((model.loading?.generation ?? 0) > generation) return "superseded";
    model.loading = { generation, token: "" };
    model.loadingCodes = [];
    model.loadingClaims = new Map();
  }
  if (status === "none" || status === "fenced" || meta === undefined)
    return status === "fenced" ? status : "none";
  if (meta.generation >= generation || (meta.held ?? 0) > generation) return "superseded";
  meta.held = generation;
  return "frozen";
}

export function turn(
  model: Model,
  target: Pick<Meta, "generation" | "state" | "startsAt" | "endsAt">,
): "none" | "fenced" | "superseded" | "turned" {
  const status = fenceOf(model);
  const { meta } = model;
  if (status !== "ok" || meta === undefined) return status === "ok" ? "none" : status;
  if (meta.generation === target.generation) return "turned";
  if (meta.generation > target.generation || meta.held === undefined || meta.held > target.generation)
    return "superseded";
  const codes = [model.staged, model.open, model.away].filter((list) => list.length > 0);
  if (codes.length > 1) {
    meta.token = "";
    return "fenced";
  }
  model.staged = [];
  model.open = [];
  model.away = [];
  model[listOf(target.state)] = codes[0] ?? [];
  Object.assign(meta, target);
  delete meta.held;
  return "turned";
}

export function topUp(
  model: Model,
  generation: number,
  offset: number,
  codes: readonly string[],
  waitedFor: string,
): { kind: "topped" | "quiet" | "moved" | "frozen" | "none" | "fenced"; total: number; quiet: string } {
  const status = statusOf(model);
  const { meta } = model;
  if (meta === undefined) return { kind: "none", total: 0, quiet: "" };
  const answer = (kind: "topped" | "moved" | "frozen" | "fenced") => ({ kind, total: meta.total, quiet: "" });
  if (status !== "ok") return answer(status === "frozen" ? status : "fenced");
  if (meta.generation !== generation || meta.total !== offset) return answer("moved");
  const list = model[listOf(meta.state)];
  const mayIssue = meta.state === "open" || meta.state === "paused";
  if (mayIssue && list.length === 0 && (meta.quiet === undefined || meta.quiet !== waitedFor)) {
    meta.quiet ??= `${meta.generation}-${meta.total}`;
    return { kind: "quiet", total: meta.total, quiet: meta.quiet };
  }
  list.push(...codes);
  meta.total += codes.length;
  delete meta.quiet;
  return answer("topped");
}

export function ledgerPage(
  model: Model,
  leastAgeMs: number,
  after: string,
  limit: number,
  redisMs: number,
): { entries: Entry[]; next: string } {
  const from = after === "-" ? 0 : model.ledger.filter(({ id }) => place(id) <= place(after)).length;
  const looked = model.ledger.slice(from, from + limit);
  const entries = looked.filter(({ ms }) => redisMs - ms >= leastAgeMs || ms > redisMs);
  return { entries, next: looked.length === limit ? (looked.at(-1)?.id ?? "") : "" };
}

export function loadBegin(model: Model, generation: number): string {
  const { meta, loading, token } = model;
  if (fenceOf(model) === "ok") return "healthy";
  if (meta !== undefined && meta.generation >= generation) return "superseded";
  if (loading !== undefined && loading.generation > generation) return "superseded";
  model.loading = { generation, token };
  model.loadingCodes = [];
  model.loadingClaims = new Map();
  return "begun";
}

function ownsLoad({ loading, token }: Model, generation: number): boolean {
  return loading?.generation === generation && loading.token === token;
}

export function loadCodes(model: Model, generation: number, offset: number, codes: string[]): number {
  if (!ownsLoad(model, generation) || model.loadingCodes.length !== offset) return -1;
  return model.loadingCodes.push(...codes);
}

export function loadClaims(model: Model, generation: number, claims: readonly [string, Bound][]): number {
  if (!ownsLoad(model, generation)) return -1;
  for (const [key, bound] of claims) model.loadingClaims.set(key, bound);
  return model.loadingClaims.size;
}

export function loadCommit(model: Model, target: Omit<Meta, "token" | "seq" | "base">): string {
  if (fenceOf(model) === "ok") return "healthy";
  if (!ownsLoad(model, target.generation)) return "superseded";
  if (model.meta !== undefined && model.meta.generation >= target.generation) return "superseded";
  if (model.loadingCodes.length + model.loadingClaims.size !== target.total) return "miscounted";
  model.meta = { ...target, token: model.token, seq: 0, base: target.generation };
  model.staged = [];
  model.open = [];
  model.away = [];
  model[listOf(target.state)] = model.loadingCodes;
  model.claims = model.loadingClaims;
  model.ledger = [];
  model.loading = undefined;
  model.loadingCodes = [];
  model.loadingClaims = new Map();
  return "loaded";
}

function same(a: Bound, b: Bound): boolean {
  return a.code === b.code && a.id === b.id && a.ms === b.ms;
}

function place(id: string): number {
  const [generation, seq] = id.split("-").map(Number);
  return (generation ?? 0) * 1_000_000 + (seq ?? 0);
}

/** The contents that Redis should have for this model. */
export function contentsOfModel(model: Model): PoolContents {
  const { meta, loading } = model;
  const texts = (record: object) =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, String(value)]));
  const bindings = (claims: Map<string, Bound>) =>
    Object.fromEntries([...claims].map(([key, { code, id, ms }]) => [key, `${code} ${id} ${ms}`]));
  return {
    meta: meta === undefined ? {} : texts(meta),
    staged: model.staged,
    open: model.open,
    away: model.away,
    claims: bindings(model.claims),
    ledger: model.ledger.map(({ id, key, code, ms, user }) => ({
      id,
      message: { k: key, c: code, t: String(ms), ...(user === "" ? {} : { u: user }) },
    })),
    loading: loading === undefined ? {} : texts(loading),
    loadingCodes: model.loadingCodes,
    loadingClaims: bindings(model.loadingClaims),
  };
}
