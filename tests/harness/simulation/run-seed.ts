import type { HistoryEntry } from "../../../audit/history.ts";
import type { CampaignDoc } from "../../../record/documents.ts";
import { createLogger, type Logger } from "../../../runtime/logger.ts";
import { type Actor, createAgenda } from "./agenda.ts";
import {
  checkAnswered,
  checkAtRest,
  checkNothingLeft,
  isKnownAfterTheEnd,
  sorryButYours,
} from "./check-books.ts";
import { type Client, startClient } from "./client.ts";
import { createMongoServer } from "./mongo-server.ts";
import { MONGO_STEP_MAX_MS, type NemesisOptions, restartRedis, startNemesis } from "./nemesis.ts";
import type { PlantName } from "./plants.ts";
import { createRandom, type Random } from "./random.ts";
import { createRedisServer } from "./redis-server.ts";
import { type ServerProcess, type Settings, startServer } from "./server-process.ts";
import { createWatch } from "./watch.ts";
import { CALM, EPOCH_MS, faultUntil, happened, type Machine, type Roughness, type World } from "./world.ts";

export type SeedResult = {
  readonly seed: number;
  readonly steps: number;
  readonly hash: string;
  /** The violations; empty: none. */
  readonly violations: readonly string[];
  readonly hazards: ReadonlyMap<string, number>;
  /** Virtual ms from the last fault until the last client had its answer. */
  readonly answeredAfterMs: number;
};

export type SeedOptions = {
  seed: number;
  plant?: PlantName | undefined;
  /** Also counts known and open findings as violations. */
  strict?: boolean;
  trace?: (line: string) => void;
};

/**
 * The bound of U11: answers are due within this time after the last fault, plus a lease that a crashed or
 * cut-off server may still have.
 */
const ANSWERED_WITHIN_MS = 5_000;
/** Books are compared 10 s after a rebuild, and again after a rebuild that may follow from it. */
const REST_WITHIN_MS = 40_000;
const LOOK_EVERY_MS = 250;
const STEPS_MAX = 200_000;
const CAMPAIGN_ID = "C";
const silent = createLogger({ level: "silent", format: "json" });

/**
 * Runs the whole life of a campaign, first under faults, then without, and checks it. The same options give
 * the same result.
 */
export async function runSeed({ seed, plant, strict = false, trace }: SeedOptions): Promise<SeedResult> {
  const random = createRandom(seed);
  const agenda = createAgenda(trace);
  const rough = drawRoughness(random);
  const typicalMs = { redis: random.pick([0.3, 1, 5]), mongo: random.pick([0.5, 3, 15]) };
  const world: World = {
    agenda,
    random,
    plant,
    strict,
    rough,
    typicalMs,
    lastFaultMs: 0,
    onTheWay: new Set(),
    hazards: new Map(),
  };
  const campaign = drawCampaign(random);
  const coupons = Array.from({ length: campaign.total }, (_, ordinal) => ({
    _id: `c${ordinal + 1}`,
    campaignId: CAMPAIGN_ID,
    ordinal,
  }));
  const redis = createRedisServer(world);
  const mongo = createMongoServer(world, campaign, coupons);
  const watch = createWatch(world, mongo, redis);
  const settings = drawSettings(random);
  const logger = trace === undefined ? silent : traceLogger(agenda.nowMs, trace);
  const faultsEndMs = random.between(300, 3_000);

  const machines: Machine[] = Array.from({ length: 2 + random.below(2) }, () => ({
    offsetMs: random.below(6) - 3,
  }));
  const roles = machines.map((_, i) => ({
    schedules: i === 0 || random.chance(0.3),
    generates: i === 0 || random.chance(0.1),
  }));
  const servers: ServerProcess[] = [];
  const up = () => servers.filter(({ actor }) => actor.alive);
  let processes = 0;

  function start(index: number): void {
    const machine = machines[index];
    const role = roles[index];
    if (machine === undefined || role === undefined) return;
    servers[index] = startServer({
      ...role,
      world,
      name: `server${index + 1}.${++processes}`,
      redis,
      mongo,
      watch,
      machine,
      settings,
      logger,
      loseRedis,
      crash: (actor) => crash(actor),
    });
  }

  const nemesis: NemesisOptions = {
    world,
    redis,
    mongo,
    servers: up,
    serverMachines: machines,
    crash: ({ actor }) => crash(actor),
    untilMs: faultsEndMs,
  };
  const loseRedis = () => restartRedis(nemesis, random.pick(["current", "older", "empty"] as const));

  function crash(actor: Actor): void {
    const index = servers.findIndex((server) => server.actor === actor);
    const server = servers[index];
    if (server === undefined || !actor.alive) return;
    happened(world, "server died");
    agenda.note(`-- ${actor.name} dies`);
    server.cutRedis();
    actor.alive = false;
    for (const reset of [...server.connected]) reset();
    const downMs = random.between(5, random.chance(0.1) ? 2_000 : 100);
    faultUntil(world, agenda.nowMs() + downMs);
    agenda.in(downMs, undefined, `-- a process starts on machine ${index + 1}`, () => start(index));
  }

  machines.forEach((_, i) => {
    start(i);
  });
  const history: HistoryEntry[] = [];
  const pressFromMs = campaign.startsAt.getTime() - EPOCH_MS - 100;
  const pressForMs = random.pick([20, 300, faultsEndMs]);
  // Usually more keys than coupons; with fewer keys some codes are never popped, so faults in them do not
  // show.
  const keys = random.chance(0.6) ? campaign.total + 1 + random.below(5) : 1 + random.below(campaign.total);
  const clients: Client[] = Array.from({ length: keys }, (_, i) =>
    startClient({
      world,
      claimKey: `k${i + 1}`,
      campaignId: CAMPAIGN_ID,
      startsAfterMs: Math.max(0, pressFromMs) + random.between(0, pressForMs),
      patienceMs: random.between(100, 2_000),
      asksMax: random.chance(0.2) ? 1 + random.below(3) : Number.POSITIVE_INFINITY,
      servers: up,
      watch,
      history,
    }),
  );
  startNemesis(nemesis);

  agenda.in(faultsEndMs, undefined, "-- faults end", () => {
    world.rough = CALM;
    for (const machine of [...machines, redis.machine, mongo.machine]) machine.offsetMs = random.below(6) - 3;
    faultUntil(world, agenda.nowMs());
  });

  /** The violations at rest, without those that are known and open. */
  function atRest(): string[] {
    const found = checkAtRest(redis, mongo, history);
    if (strict || !isKnownAfterTheEnd(campaign, found)) return found;
    happened(world, "known: an insert came after ENDED was recorded, nobody adopts it");
    return [];
  }

  // Runs until all clients have a definite answer and the books balance, or until the time for that is over.
  let resting = false;
  let askedOnceMore = false;
  const calmMs = () =>
    Math.max(
      world.lastFaultMs,
      campaign.startsAt.getTime() - EPOCH_MS,
      Math.max(0, pressFromMs) + pressForMs,
    );
  const look = () => {
    const isCalm = agenda.nowMs() > calmMs() && agenda.nowMs() > faultsEndMs;
    const allKnow = isCalm && clients.every((client) => client.isDone());
    const isOver = campaign.state === "SOLD_OUT" || campaign.state === "ENDED";
    if (allKnow && askedOnceMore) resting = atRest().length === 0;
    // The service must repair itself without requests. A campaign that is over is the exception: only
    // requests restore its pool.
    else if (allKnow && (isOver || atRest().length === 0)) {
      askedOnceMore = true;
      for (const client of clients) client.askOnceMore();
    }
    if (agenda.nowMs() > Math.max(calmMs(), faultsEndMs) + REST_WITHIN_MS) resting = true;
    if (!resting) agenda.in(LOOK_EVERY_MS, undefined, "-- look", look);
  };
  agenda.in(faultsEndMs, undefined, "-- look", look);

  while (!resting && watch.violation() === undefined && agenda.steps() < STEPS_MAX) await agenda.step();

  const live = watch.violation();
  const violations =
    live !== undefined
      ? [live.message]
      : agenda.steps() >= STEPS_MAX
        ? [`U11 not at rest after ${STEPS_MAX} steps`]
        : [
            ...atRest(),
            ...checkNothingLeft(mongo, clients),
            ...checkAnswered(clients, calmMs(), ANSWERED_WITHIN_MS + settings.leaseMs + MONGO_STEP_MAX_MS),
          ];
  happened(world, "told sold out, holds a coupon in the end", sorryButYours(mongo, history));
  const answeredAtMs = Math.max(
    ...clients.map((client) => client.definite()?.atMs ?? Number.POSITIVE_INFINITY),
  );
  return {
    seed,
    steps: agenda.steps(),
    hash: agenda.hash(),
    violations,
    hazards: world.hazards,
    answeredAfterMs: Math.max(0, answeredAtMs - calmMs()),
  };
}

function drawCampaign(random: Random): CampaignDoc {
  const startsAtMs = EPOCH_MS + Math.floor(random.between(-200, 500));
  const total = 1 + random.below(8);
  return {
    _id: CAMPAIGN_ID,
    name: "simulated",
    total,
    startsAt: new Date(startsAtMs),
    ...(random.chance(0.1) ? { endsAt: new Date(startsAtMs + Math.floor(random.between(500, 5_000))) } : {}),
    onePerUser: true,
    codeFormat: "가가가가가가0000",
    state: "GENERATING",
    generation: 0,
    generated: total,
    committed: total,
    createdAt: new Date(EPOCH_MS),
  };
}

function drawSettings(random: Random): Settings {
  const commitDeadlineMs = Math.floor(random.between(100, 1_500));
  return {
    claimBatchMax: 1 + random.below(6),
    queueMax: random.pick([3, 8, 64]),
    heldMax: random.pick([4, 100]),
    waitTargetMs: random.pick([0, 1, 20]),
    commitsInFlightMax: 1 + random.below(4),
    commitDeadlineMs,
    commitStallMs: Math.floor(random.between(50, 1_000)),
    storeStallMs: Math.floor(random.between(50, 1_000)),
    issueDeadlineMs: Math.floor(random.between(200, 2_500)),
    storeDeadlineMs: Math.floor(random.between(100, 1_000)),
    sweepAfterMs: Math.floor(random.between(50, 800)),
    leaseMs: Math.floor(random.between(100, 1_000)),
  };
}

/** Each kind of fault is absent from many seeds, so that the other kinds have their effects. */
function drawRoughness(random: Random): Roughness {
  const rate = (most: number) => (random.chance(0.5) ? 0 : most * random.next() ** 2);
  return {
    cut: rate(0.1),
    slow: rate(0.1),
    loseRequest: rate(0.1),
    loseReply: rate(0.3),
    late: rate(0.5),
    crashAtCall: rate(0.06),
    redisLossAtInsert: rate(0.5),
    loseAnswer: rate(0.3),
  };
}

/** Writes the product's log between the events of the trace. */
function traceLogger(nowMs: () => number, trace: (line: string) => void): Logger {
  const destination = {
    write: (line: string) => trace(`${nowMs().toFixed(3).padStart(10)}      log ${line.slice(13).trimEnd()}`),
  };
  return createLogger({ level: "info", format: "text", destination });
}
