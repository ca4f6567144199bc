import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { HazardMissed } from "../../harness/chaos/hazard.ts";
import { createSplitter, type Frame, type Protocol } from "./frames.ts";

export type Address = { readonly host: string; readonly port: number };

/** The frames that a trap catches, and what it does with them. */
export type TrapSpec = {
  readonly at: "request" | "reply";
  /** The kind of the request; for a reply, of its request. */
  readonly kind: string;
  /** `hold`: it and all frames behind it on its connection wait; `cut`: drops it and its connection. */
  readonly deed: "hold" | "cut";
  /** How many frames to catch in all (default 1). */
  readonly times?: number;
  /** How many frames to let pass before the first catch. */
  readonly skip?: number;
};

export type Trap = {
  /** How many frames it has caught so far. */
  readonly caught: number;
  /** Resolves when it has caught its first frame; rejects with HazardMissed at the deadline. */
  sprung(deadlineMs: number): Promise<void>;
  /** Lets the held frames continue, and catches no more. */
  release(): void;
  /** Drops the held frames and closes their connections, and catches no more. */
  cut(): void;
};

/** Proxies to one store, of one party: a store of several nodes has a door to each of them. */
export type StoreProxy = {
  /** The door to the first target. */
  readonly address: Address;
  /** The door to a further target; it opens one where there is none yet. */
  doorTo(target: Address): Promise<Address>;
  /** How many error replies with this code came. */
  errors(code: string): number;
  trap(spec: TrapSpec): Trap;
  /** Delays every frame in either direction by this, from now on. */
  delay(ms: number): void;
  /**
   * A network that drops all traffic: established and new connections stay open, and no byte passes;
   * afterwards the sent bytes arrive. `only`: of the door to that target.
   */
  blackHole(on: boolean, only?: Address): void;
  /** Sends new connections of the first door to the target, and closes the established ones. */
  pointAt(target: Address): void;
  /**
   * The same, but leaves established connections alone, like a DNS name or a forwarder whose target changes.
   */
  leadTo(target: Address): void;
  /** Closes every connection. */
  cutAll(): void;
  /** Refuses new connections and closes the established ones, until `refuse(false)`. */
  refuse(on: boolean): void;
  close(): Promise<void>;
};

type ArmedTrap = {
  readonly spec: TrapSpec;
  skipLeft: number;
  timesLeft: number;
  caught: number;
  readonly held: Set<Stream>;
  onCaught: () => void;
};

/** One direction of a connection: frames keep their order. */
type Stream = { resume(): void; cut(): void };

type Queued = { readonly frame: Frame; readonly dueAtMs: number };

/** One listening port, and where it leads. */
type Door = { readonly address: Address; target: Address; isDark: boolean; close(): Promise<void> };

/** A TCP proxy that reads enough of a protocol to hold or cut exactly one request or reply. */
export async function startProxy(protocol: Protocol, firstTarget: Address): Promise<StoreProxy> {
  let delayMs = 0;
  let refusing = false;
  let isDark = false;
  const errors = new Map<string, number>();
  /** By the port of the target that each door was opened for. */
  const doors = new Map<number, Promise<Door>>();
  const opened = new Map<number, Door>();
  const pumps = new Set<() => void>();
  const sessions = new Set<() => void>();
  const traps = new Set<ArmedTrap>();

  function catching(at: TrapSpec["at"], kind: string): ArmedTrap | undefined {
    for (const trap of traps) {
      if (trap.spec.at !== at || trap.spec.kind !== kind || trap.timesLeft === 0) continue;
      if (trap.skipLeft > 0) {
        trap.skipLeft -= 1;
        continue;
      }
      trap.timesLeft -= 1;
      trap.caught += 1;
      return trap;
    }
    return undefined;
  }

  function createStream(door: Door, at: TrapSpec["at"], to: Socket, end: () => void) {
    const queue: Queued[] = [];
    let blocked = false;
    let mayPass: Frame | undefined;
    let timer: NodeJS.Timeout | undefined;
    const stream: Stream = {
      resume() {
        blocked = false;
        pump();
      },
      cut: end,
    };

    pumps.add(pump);

    function pump(): void {
      while (!blocked && !door.isDark && timer === undefined) {
        const [head] = queue;
        if (head === undefined) return;
        const waitMs = head.dueAtMs - performance.now();
        if (waitMs > 0) {
          timer = setTimeout(() => {
            timer = undefined;
            pump();
          }, waitMs);
          return;
        }
        const trap = head.frame === mayPass ? undefined : catching(at, head.frame.kind);
        if (trap?.spec.deed === "cut") {
          trap.onCaught();
          end();
          return;
        }
        if (trap !== undefined) {
          blocked = true;
          mayPass = head.frame;
          trap.held.add(stream);
          trap.onCaught();
          return;
        }
        queue.shift();
        if (to.writable) to.write(head.frame.bytes);
      }
    }

    return {
      push(frames: readonly Frame[]) {
        const last = queue.at(-1)?.dueAtMs ?? 0;
        const dueAtMs = delayMs === 0 ? last : Math.max(last, performance.now() + delayMs);
        for (const frame of frames) queue.push({ frame, dueAtMs });
        pump();
      },
      drop() {
        clearTimeout(timer);
        pumps.delete(pump);
        blocked = true;
        queue.length = 0;
        for (const trap of traps) trap.held.delete(stream);
      },
    };
  }

  /** A connection of a party, until either end closes it. */
  function serve(door: Door, client: Socket): void {
    client.on("error", () => {});
    if (refusing) {
      client.destroy();
      return;
    }
    const upstream = connect({ ...door.target, noDelay: true });
    upstream.on("error", () => {});
    const asked: string[] = [];
    const askedById = new Map<number, string>();
    const kindOfReply = (frame: Frame) => {
      if (frame.unasked) return "";
      if (protocol.pairing === "fifo") return asked.shift() ?? "";
      const kind = askedById.get(frame.id) ?? "";
      askedById.delete(frame.id);
      return kind;
    };
    const end = () => {
      if (!sessions.delete(end)) return;
      toServer.drop();
      toClient.drop();
      client.destroy();
      upstream.destroy();
    };
    const toServer = createStream(door, "request", upstream, end);
    const toClient = createStream(door, "reply", client, end);
    sessions.add(end);
    const requests = createSplitter(protocol.requests);
    const replies = createSplitter(protocol.replies);
    client.on("data", (chunk: Buffer) => {
      const frames = requests(chunk);
      for (const { kind, id, unasked } of frames) {
        if (unasked) continue;
        if (protocol.pairing === "fifo") asked.push(kind);
        else askedById.set(id, kind);
      }
      toServer.push(frames);
    });
    upstream.on("data", (chunk: Buffer) => {
      toClient.push(replies(chunk).map((frame) => told({ ...frame, kind: kindOfReply(frame) })));
    });
    client.on("close", end);
    upstream.on("close", end);
  }

  /** The reply as the party gets it: it names doors where the store names its nodes. */
  function told(reply: Frame): Frame {
    if (reply.error !== undefined) errors.set(reply.error, (errors.get(reply.error) ?? 0) + 1);
    const bytes = protocol.renamed?.(reply, (port) => opened.get(port)?.address.port);
    return bytes === undefined ? reply : { ...reply, bytes };
  }

  async function open(target: Address): Promise<Door> {
    const server = createServer({ noDelay: true }, (client) => serve(door, client));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const door: Door = {
      address: { host: "127.0.0.1", port },
      target,
      isDark,
      async close() {
        server.close();
        await once(server, "close");
      },
    };
    opened.set(target.port, door);
    return door;
  }

  function doorTo(target: Address): Promise<Door> {
    const door = doors.get(target.port) ?? open(target);
    doors.set(target.port, door);
    return door;
  }
  const first = await doorTo(firstTarget);

  function cutAll(): void {
    for (const end of [...sessions]) end();
  }

  return {
    address: first.address,
    doorTo: async (target) => (await doorTo(target)).address,
    errors: (code) => errors.get(code) ?? 0,
    trap(spec) {
      let onCaught: () => void = () => {};
      const caughtOne = new Promise<void>((resolve) => {
        onCaught = resolve;
      });
      const armed: ArmedTrap = {
        spec,
        skipLeft: spec.skip ?? 0,
        timesLeft: spec.times ?? 1,
        caught: 0,
        held: new Set(),
        onCaught: () => onCaught(),
      };
      traps.add(armed);
      const disarm = () => {
        traps.delete(armed);
        const held = [...armed.held];
        armed.held.clear();
        return held;
      };
      return {
        get caught() {
          return armed.caught;
        },
        sprung: (deadlineMs) =>
          new Promise((resolve, reject) => {
            const timer = setTimeout(
              () => reject(new HazardMissed(`no ${spec.at} of ${spec.kind} came within ${deadlineMs} ms`)),
              deadlineMs,
            );
            void caughtOne.then(() => {
              clearTimeout(timer);
              resolve();
            });
          }),
        release() {
          for (const stream of disarm()) stream.resume();
        },
        cut() {
          for (const stream of disarm()) stream.cut();
        },
      };
    },
    delay(ms) {
      delayMs = ms;
    },
    blackHole(on, only) {
      if (only === undefined) isDark = on;
      for (const [port, door] of opened) if (only === undefined || only.port === port) door.isDark = on;
      if (!on) for (const pump of [...pumps]) pump();
    },
    pointAt(next) {
      first.target = next;
      cutAll();
    },
    leadTo(next) {
      first.target = next;
    },
    cutAll,
    refuse(on) {
      refusing = on;
      if (on) cutAll();
    },
    async close() {
      cutAll();
      await Promise.all([...opened.values()].map((door) => door.close()));
    },
  };
}
