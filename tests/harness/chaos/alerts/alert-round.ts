import type { GroundPlan } from "../ground/ground.ts";
import type { RedisForm } from "../ground/redis-form.ts";
import type { Server } from "../ground/server.ts";
import type { Sale, SalePlan } from "../sale.ts";
import type { Callers } from "./callers.ts";

/** An alert that a fault must fire; `labels`: those that it must have, among others. */
export type Expected = { readonly alert: string; readonly labels?: Readonly<Record<string, string>> };

/** What a round acts on. */
export type Stage = {
  readonly sale: Sale;
  readonly callers: Callers;
  readonly servers: readonly Server[];
  readonly scheduler: Server;
  readonly generator: Server;
  /** With the role events, where the ground of the round has one. */
  readonly events: Server | undefined;
};

/** A fault that has struck. */
export type Struck = {
  readonly fires: readonly Expected[];
  /** Ends the fault. */
  readonly end: () => Promise<unknown> | unknown;
};

/** One fault, in a sale that a Prometheus with the shipped rules watches. */
export type AlertRound = {
  readonly name: string;
  /** The alerts that the fault must fire: those of `fires`. */
  readonly alerts: readonly [string, ...string[]];
  /** Other alerts that rightly fire, too, or not, by how long the fault lasts. */
  readonly also?: readonly string[];
  /** Of Redis; default: one Redis. */
  readonly form?: RedisForm;
  readonly ground?: GroundPlan;
  readonly sale?: Partial<SalePlan>;
  /** Before the fault, once the campaign is open; no alert may fire by then. */
  readonly before?: (stage: Stage) => Promise<unknown>;
  readonly strike: (stage: Stage) => Promise<Struck>;
  /** Callers keep coming after the fault: their answers are what ends the alert. */
  readonly callersAfter?: true;
  /** By its expression the alert goes on for so long after its fault, in ms; other rounds begin meanwhile. */
  readonly lingersMs?: number;
  /** A healthy sale: only `alerts` may fire, and all others of the file are counted as quiet. */
  readonly isHealthy?: true;
};

/** The roles of the processes: two servers, a scheduler and a generator, as a deployment has them. */
export const ROLES = ["server", "server", "scheduler", "generator"] as const;

/** Those, and one that delivers events. */
export const ROLES_AND_EVENTS = [...ROLES, "events"] as const;

/** The label by which Prometheus knows a process. */
export function instanceOf({ pagesUrl }: Server): string {
  return new URL(pagesUrl).host;
}
