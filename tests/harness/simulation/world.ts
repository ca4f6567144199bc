import type { Clock } from "../../../runtime/clock.ts";
import type { Actor, Agenda } from "./agenda.ts";
import type { PlantName } from "./plants.ts";
import type { Random } from "./random.ts";

/** True time begins here; each machine's clock shows this plus its offset. */
export const EPOCH_MS = 1_800_000_000_000;

/** A machine's clock, which a fault may set wrong. */
export type Machine = { offsetMs: number };

/** An invariant that is violated. `what` begins with its name: "U1 …". */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** The rates of faults in this seed: probabilities per message, and 0 once the faults end. */
export type Roughness = {
  /** The Redis connection is cut while a call is under way. */
  cut: number;
  /** A message takes long enough to miss deadlines. */
  slow: number;
  /** A request to MongoDB is lost, its reply is lost, or it is applied after the caller has given up. */
  loseRequest: number;
  loseReply: number;
  late: number;
  /** A server crashes just after it has sent a call. */
  crashAtCall: number;
  /** Redis is lost while an insert is on its way. */
  redisLossAtInsert: number;
  /** A request of a client or its answer is lost. */
  loseAnswer: number;
};

export const CALM: Roughness = {
  cut: 0,
  slow: 0,
  loseRequest: 0,
  loseReply: 0,
  late: 0,
  crashAtCall: 0,
  redisLossAtInsert: 0,
  loseAnswer: 0,
};

/** The state that all parts of one simulation share. */
export type World = {
  readonly agenda: Agenda;
  readonly random: Random;
  readonly plant: PlantName | undefined;
  /** Also counts known and open findings as violations. */
  readonly strict: boolean;
  rough: Roughness;
  /** The usual travel time of a message, for each seed: which calls overlap depends on the slower store. */
  readonly typicalMs: { readonly redis: number; readonly mongo: number };
  /** When the last effect of a fault will be over. */
  lastFaultMs: number;
  /** Late requests that are still on their way; calling one makes it arrive soon. */
  readonly onTheWay: Set<() => void>;
  /** How often each hazard happened, by name: a hazard that never happens tests nothing. */
  readonly hazards: Map<string, number>;
};

export function happened(world: World, hazard: string, times = 1): void {
  world.hazards.set(hazard, (world.hazards.get(hazard) ?? 0) + times);
}

/** Records that a fault has effects until `untilMs`. */
export function faultUntil(world: World, untilMs: number): void {
  world.lastFaultMs = Math.max(world.lastFaultMs, untilMs);
}

/** The travel time of a message: usually short, sometimes longer than every deadline. */
export function latencyMs(world: World, typicalMs: number): number {
  const { random, rough } = world;
  if (rough.slow > 0 && random.chance(rough.slow)) {
    const ms = 10 + 2_500 * random.next() ** 3;
    happened(world, "slow message");
    faultUntil(world, world.agenda.nowMs() + ms);
    return ms;
  }
  return typicalMs * (0.2 + random.next() + (random.chance(0.1) ? 8 * random.next() : 0));
}

export const wallMs = (world: World, machine: Machine) =>
  Math.floor(EPOCH_MS + world.agenda.nowMs() + machine.offsetMs);

/**
 * The product's clock on one machine: its wall time may be set, and its timers do not change with it, as with
 * setTimeout.
 */
export function clockOf(world: World, actor: Actor, machine: Machine): Clock {
  return {
    now: () => wallMs(world, machine),
    elapsed: () => world.agenda.nowMs(),
    after: (delayMs, callback) =>
      world.agenda.in(Math.max(0.3, delayMs + world.random.between(-1, 1.5)), actor, "timer", callback),
  };
}
