import { MongoNetworkError } from "mongodb";
import type { Actor } from "./agenda.ts";
import type { MongoServer } from "./mongo-server.ts";
import { faultUntil, happened, latencyMs, type World } from "./world.ts";

/** The connections of one server to MongoDB: a pool, so operations can overtake one another. */
export type MongoLink = {
  /** Executes `run` when the request arrives at MongoDB; the promise resolves to the argument of `done`. */
  call<T>(label: string, run: (done: (result: T) => void) => void): Promise<T>;
  read<T>(label: string, run: () => T): Promise<T>;
};

export type MongoLinkOptions = {
  world: World;
  mongo: MongoServer;
  owner: Actor;
  /** Half of the driver's longest time-out for an operation. */
  operationMs: number;
  crash(): void;
  /** Called when Redis is to be lost while an insert is on its way. */
  loseRedis(): void;
};

const LATE_MAX_MS = 4_000;
const ELSEWHERE = 0.1;

export function createMongoLink({
  world,
  mongo,
  owner,
  operationMs,
  crash,
  loseRedis,
}: MongoLinkOptions): MongoLink {
  const { agenda, random } = world;

  function call<T>(label: string, run: (done: (result: T) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let settled = false;
      const { rough } = world;
      const incarnation = mongo.incarnation;
      const fail = (why: string) => {
        if (settled) return;
        settled = true;
        stopWaiting();
        reject(new MongoNetworkError(`${label}: ${why}`));
      };
      // The time-out of the driver: it gives up a socket that stays silent for so long.
      const limitMs = operationMs * random.between(1, 2);
      const stopWaiting = agenda.in(limitMs, owner, `mongo ${label} timed out`, () => fail("timed out"));
      if (!mongo.actor.alive) {
        const afterMs = random.chance(0.5) ? random.between(0, 2) : operationMs * random.next();
        agenda.in(afterMs, owner, `mongo ${label} refused`, () => fail("no server"));
        return;
      }
      // Inserts get the full rate of faults, because their outcome matters; other calls get a tenth of it.
      const isInsert = label.startsWith("insert");
      const strikes = (rate: number) => random.chance(isInsert ? rate : rate * ELSEWHERE);
      let travelMs = latencyMs(world, world.typicalMs.mongo);
      let isLate = false;
      let lostReply = false;
      const brokenInMs = random.between(0, 3);
      const broken = (hazard: string) => {
        happened(world, hazard);
        agenda.in(brokenInMs, owner, `mongo ${label} connection lost`, () => fail("connection lost"));
      };
      if (strikes(rough.loseRequest)) {
        broken("MongoDB request lost");
        return;
      }
      if (strikes(rough.late)) {
        // The caller gives up, while its request is still on the way.
        isLate = true;
        travelMs += LATE_MAX_MS * random.next() ** 3;
        faultUntil(world, agenda.nowMs() + travelMs);
        if (random.chance(0.7)) broken("MongoDB request applied late");
      } else if (strikes(rough.loseReply)) {
        lostReply = true;
        broken("MongoDB reply lost");
      }
      if (isInsert && random.chance(rough.redisLossAtInsert)) {
        agenda.in(random.between(0, 3), undefined, "-- Redis is lost during an insert", loseRedis);
      }
      if (strikes(rough.crashAtCall)) {
        happened(world, "server died at a call to MongoDB");
        agenda.in(random.between(0, 3), owner, "dies at a call to MongoDB", crash);
      }
      const arrive = () => {
        world.onTheWay.delete(hurry);
        if (incarnation !== mongo.incarnation) return;
        run((result) => {
          agenda.note(`   = ${JSON.stringify(result)}`);
          if (lostReply) return;
          agenda.in(latencyMs(world, world.typicalMs.mongo), owner, `mongo ${label} answered`, () => {
            if (settled || incarnation !== mongo.incarnation) return;
            settled = true;
            stopWaiting();
            resolve(result);
          });
        });
      };
      const travel = (ms: number) => agenda.in(ms, mongo.actor, `<- ${owner.name} ${label}`, arrive);
      const stop = travel(travelMs);
      const hurry = () => {
        world.onTheWay.delete(hurry);
        stop();
        travel(random.between(0, 3 * world.typicalMs.mongo));
      };
      if (isLate && isInsert) world.onTheWay.add(hurry);
    });
  }

  return {
    call,
    read: (label, run) => call(label, (done) => done(run())),
  };
}
