import type { MongoServer } from "./mongo-server.ts";
import type { Comeback, RedisServer } from "./redis-server.ts";
import type { ServerProcess } from "./server-process.ts";
import { faultUntil, happened, type Machine, type World } from "./world.ts";

export type NemesisOptions = {
  world: World;
  redis: RedisServer;
  mongo: MongoServer;
  servers: () => readonly ServerProcess[];
  serverMachines: readonly Machine[];
  crash(server: ServerProcess): void;
  untilMs: number;
};

type Fault = (options: NemesisOptions) => void;

export function restartRedis({ world, redis }: NemesisOptions, comeback: Comeback): void {
  const { agenda, random } = world;
  happened(world, `Redis came back ${comeback}`);
  const downMs = random.between(0, random.chance(0.2) ? 1_500 : 20);
  agenda.note(`-- Redis is killed, back in ${downMs.toFixed(0)} ms with its ${comeback} state`);
  redis.kill();
  faultUntil(world, agenda.nowMs() + downMs);
  agenda.in(downMs, undefined, "-- Redis is back", () => {
    if (!redis.actor.alive) redis.start(comeback);
  });
}

/**
 * The largest step of MongoDB's clock. It is smaller than for other clocks: if a lease is taken while that
 * clock is ahead, the lease lasts longer by that much.
 */
export const MONGO_STEP_MAX_MS = 1_500;

function stepClock(
  { world }: NemesisOptions,
  what: string,
  machine: Machine,
  far = world.random.chance(0.4) ? 3_600_000 : 2_000,
): void {
  const { random } = world;
  const stepMs = Math.floor(random.between(-far, far));
  happened(world, `clock of ${what} stepped`);
  world.agenda.note(`-- the clock of ${what} steps by ${stepMs} ms`);
  machine.offsetMs = stepMs;
}

function hold(world: World, actor: { readonly name: string; heldUntilMs: number }, mostMs: number): void {
  const ms = world.random.between(20, world.random.chance(0.2) ? mostMs : 400);
  happened(world, `${actor.name.replace(/\d.*/, "")} held`);
  world.agenda.note(`-- ${actor.name} is stopped for ${ms.toFixed(0)} ms`);
  actor.heldUntilMs = world.agenda.nowMs() + ms;
  faultUntil(world, actor.heldUntilMs);
}

/** Every kind of fault that does not concern a single message. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  "server-crash": ({ world, servers, crash }) => {
    const up = servers();
    if (up.length > 0) crash(world.random.pick(up));
  },
  "all-servers-crash": ({ servers, crash }) => {
    for (const server of [...servers()]) crash(server);
  },
  "server-held": ({ world, servers }) => {
    const up = servers();
    if (up.length > 0) hold(world, world.random.pick(up).actor, 4_000);
  },
  "redis-current": (options) => restartRedis(options, "current"),
  "redis-older": (options) => restartRedis(options, "older"),
  "redis-empty": (options) => restartRedis(options, "empty"),
  "redis-flush": ({ world, redis }) => {
    happened(world, "FLUSHALL");
    world.agenda.note("-- FLUSHALL");
    redis.flush();
  },
  "redis-held": ({ world, redis }) => hold(world, redis.actor, 3_000),
  "redis-cut": ({ world, servers }) => {
    happened(world, "Redis connection cut");
    for (const server of servers()) if (world.random.chance(0.6)) server.cutRedis();
  },
  "mongo-down": ({ world, mongo }) => {
    const { agenda, random } = world;
    const downMs = random.between(5, random.chance(0.2) ? 2_500 : 200);
    happened(world, "MongoDB down");
    agenda.note(`-- MongoDB is killed, back in ${downMs.toFixed(0)} ms`);
    mongo.kill();
    faultUntil(world, agenda.nowMs() + downMs);
    agenda.in(downMs, undefined, "-- MongoDB is back", () => mongo.start());
  },
  "mongo-held": ({ world, mongo }) => hold(world, mongo.actor, 3_000),
  "clock-server": (options) =>
    stepClock(options, "a server", options.world.random.pick(options.serverMachines)),
  "clock-redis": (options) => stepClock(options, "Redis", options.redis.machine),
  "clock-mongo": (options) => stepClock(options, "MongoDB", options.mongo.machine, MONGO_STEP_MAX_MS),
};

/** Injects faults at random moments until `untilMs`, of the kinds that are drawn for this seed. */
export function startNemesis(options: NemesisOptions): void {
  const { world, untilMs } = options;
  const { agenda, random } = world;
  // Few kinds for each seed, so that each comes often and coincides with the others.
  const share = random.pick([0.1, 0.2, 0.5]);
  const kinds = Object.keys(FAULTS).filter(() => random.chance(share));
  if (kinds.length === 0) return;
  const everyMs = random.pick([100, 300, 800]) * random.between(0.6, 1.5);
  agenda.note(
    `-- faults: ${kinds.join(" ")}, about every ${everyMs.toFixed(0)} ms until ${untilMs.toFixed(0)}`,
  );

  const strike = () => {
    if (agenda.nowMs() >= untilMs) return;
    FAULTS[random.pick(kinds)]?.(options);
    faultUntil(world, agenda.nowMs());
    agenda.in(everyMs * random.between(0.1, 2), undefined, "-- nemesis", strike);
  };
  agenda.in(random.between(0, everyMs), undefined, "-- nemesis", strike);
}
