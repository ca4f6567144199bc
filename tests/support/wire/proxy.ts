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

export type StoreProxy = {
  readonly address: Address;
  trap(spec: TrapSpec): Trap;
  /** Delays every frame in either direction by this, from now on. */
  delay(ms: number): void;
  /**
   * A network that drops all traffic: established and new connections stay open, and no byte passes;
   * afterwards the sent bytes arrive.
   */
  blackHole(on: boolean): void;
  /** Sends new connections to the target, and closes the established ones. */
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

/** A TCP proxy that reads enough of a protocol to hold or cut exactly one request or reply. */
export async function startProxy(protocol: Protocol, firstTarget: Address): Promise<StoreProxy> {
  let target = firstTarget;
  let delayMs = 0;
  let refusing = false;
  let isDark = false;
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

  function createStream(at: TrapSpec["at"], to: Socket, end: () => void) {
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
      while (!blocked && !isDark && timer === undefined) {
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

  const server = createServer({ noDelay: true }, (client) => {
    client.on("error", () => {});
    if (refusing) {
      client.destroy();
      return;
    }
    const upstream = connect({ ...target, noDelay: true });
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
    const toServer = createStream("request", upstream, end);
    const toClient = createStream("reply", client, end);
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
      toClient.push(replies(chunk).map((frame) => ({ ...frame, kind: kindOfReply(frame) })));
    });
    client.on("close", end);
    upstream.on("close", end);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  function cutAll(): void {
    for (const end of [...sessions]) end();
  }

  return {
    address: { host: "127.0.0.1", port },
    trap(spec) {
      let onCaught: () => void = () => {};
      const first = new Promise<void>((resolve) => {
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
            void first.then(() => {
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
    blackHole(on) {
      isDark = on;
      if (!on) for (const pump of [...pumps]) pump();
    },
    pointAt(next) {
      target = next;
      cutAll();
    },
    leadTo(next) {
      target = next;
    },
    cutAll,
    refuse(on) {
      refusing = on;
      if (on) cutAll();
    },
    async close() {
      cutAll();
      server.close();
      await once(server, "close");
    },
  };
}
