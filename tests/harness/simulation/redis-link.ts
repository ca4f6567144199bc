import { withDeadline } from "../../../runtime/deadline.ts";
import type { Actor } from "./agenda.ts";
import type { RedisServer } from "./redis-server.ts";
import { faultUntil, happened, latencyMs, type World } from "./world.ts";

/** The error that node-redis rejects with, under its name. */
export class SocketClosedUnexpectedlyError extends Error {
  override readonly name = "SocketClosedUnexpectedlyError";
}

/**
 * The connection of one server to Redis: requests arrive in the order in which they were sent, and so do the
 * replies.
 */
export type RedisLink = {
  call<T>(label: string, run: () => T): Promise<T>;
  /**
   * Breaks the connection: the calls under way fail with an unknown outcome, and the first few requests on
   * their way may still arrive.
   */
  cut(): void;
};

type Call = { readonly label: string; arrived: boolean; lost: boolean; settled: boolean; fail(): void };

export type RedisLinkOptions = {
  world: World;
  redis: RedisServer;
  owner: Actor;
  clock: Parameters<typeof withDeadline>[3];
  deadlineMs: number;
  /** Called when the owner is to crash, just after it has sent a request. */
  crash(): void;
};

export function createRedisLink(options: RedisLinkOptions): RedisLink {
  const { world, redis, owner, clock, deadlineMs, crash } = options;
  const { agenda, random } = world;
  let underWay: Call[] = [];
  let offlineUntilMs = 0;
  let arrivedLastMs = 0;
  let repliedLastMs = 0;
  let connectedTo = redis.incarnation;

  function cut(): void {
    const calls = underWay;
    underWay = [];
    offlineUntilMs = agenda.nowMs() + random.between(1, random.chance(0.3) ? 150 : 10);
    faultUntil(world, offlineUntilMs);
    // A prefix of the sent requests may still arrive, if this Redis process is still running.
    const onTheWay = calls.filter((call) => !call.arrived);
    const arriving = connectedTo === redis.incarnation ? random.below(onTheWay.length + 1) : 0;
    onTheWay.forEach((call, i) => {
      call.lost = i >= arriving;
    });
    for (const call of calls) {
      agenda.in(random.between(0, 2), owner, `${call.label}: connection lost`, () => call.fail());
    }
  }

  function send<T>(label: string, run: () => T): Promise<T> {
    if (connectedTo !== redis.incarnation && underWay.length > 0) cut();
    if (!redis.actor.alive || agenda.nowMs() < offlineUntilMs)
      return Promise.reject(new SocketClosedUnexpectedlyError("The client is closed or offline"));
    if (connectedTo !== redis.incarnation) {
      connectedTo = redis.incarnation;
      arrivedLastMs = 0;
      repliedLastMs = 0;
    }
    const incarnation = redis.incarnation;
    return new Promise<T>((resolve, reject) => {
      const call: Call = {
        label,
        arrived: false,
        lost: false,
        settled: false,
        fail() {
          if (call.settled) return;
          call.settled = true;
          reject(new SocketClosedUnexpectedlyError("Socket closed unexpectedly"));
        },
      };
      underWay.push(call);
      arrivedLastMs = Math.max(arrivedLastMs, agenda.nowMs() + latencyMs(world, world.typicalMs.redis));
      agenda.in(arrivedLastMs - agenda.nowMs(), redis.actor, `<- ${owner.name} ${label}`, () => {
        if (call.lost || incarnation !== redis.incarnation) return;
        call.arrived = true;
        const reply = run();
        agenda.note(`   = ${JSON.stringify(reply)}`);
        repliedLastMs = Math.max(repliedLastMs, agenda.nowMs() + latencyMs(world, world.typicalMs.redis));
        agenda.in(repliedLastMs - agenda.nowMs(), owner, `${label} answered`, () => {
          underWay = underWay.filter((other) => other !== call);
          if (call.settled || incarnation !== redis.incarnation) return;
          call.settled = true;
          resolve(reply);
        });
      });
      if (random.chance(world.rough.cut)) {
        happened(world, "Redis connection cut");
        agenda.in(random.between(0, 3), owner, "connection to Redis cut", cut);
      }
      if (random.chance(world.rough.crashAtCall)) {
        happened(world, "server died at a call to Redis");
        agenda.in(random.between(0, 1.5), owner, "dies at a call to Redis", crash);
      }
    });
  }

  return {
    call: (label, run) => withDeadline(send(label, run), deadlineMs, `Redis ${label}`, clock),
    cut,
  };
}
