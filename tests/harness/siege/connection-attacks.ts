import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import {
  FLAG,
  FRAME,
  frame,
  GRPC_CALL,
  headerBlock,
  PREFACE,
  reference,
} from "../../support/http2-frames.ts";
import type { CrowdPlan } from "./crowd-plan.ts";

/** Attacks on connections, and on what the service has to read before it can refuse; each is repeated. */
export type ConnectionAttacks = {
  readonly counts: Readonly<Record<string, number>>;
  stop(): void;
};

type Attack = {
  readonly grpc?: true;
  readonly connections: number;
  /** How long its connections stay open. */
  readonly holdMs: number;
  readonly bytes: Buffer;
  /** Reads none of the answers. */
  readonly deaf?: true;
};

const PAUSE_MS = 300;
const KB = 1_024;
const ISSUE =
  "POST /coupon.v1.CouponService/IssueCoupon HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
const CANCEL = Buffer.from([0, 0, 0, 8]);

const calls = (count: number, make: (stream: number) => Buffer) =>
  Buffer.concat([PREFACE, ...Array.from({ length: count }, (_, i) => make(2 * i + 1))]);
const head = (stream: number, flags = 0, block = headerBlock(GRPC_CALL)) =>
  frame(FRAME.headers, FLAG.endHeaders | flags, stream, block);

const NAMES = [
  ...["rapid-reset", "unfinished-calls", "inflating-heads", "pings", "slow-bodies", "half-heads"],
  ...["unread-pages", "many-connections", "giant-tokens", "giant-bodies", "inflating-bodies"],
] as const;

export const CONNECTION_ATTACKS: readonly string[] = NAMES;

function attacks(): Readonly<Record<(typeof NAMES)[number], Attack>> {
  const bomb = gzipSync(Buffer.alloc(10 * KB * KB));
  const inflating = (stream: number) =>
    head(
      stream,
      FLAG.endStream,
      Buffer.concat([
        headerBlock(GRPC_CALL),
        ...(stream === 1 ? [headerBlock([["x", "a".repeat(3_900)]], true)] : []),
        ...Array.from({ length: 19 }, () => reference(62)),
      ]),
    );
  return {
    "rapid-reset": {
      ...{ grpc: true, connections: 2, holdMs: 500 },
      bytes: calls(1_000, (stream) => Buffer.concat([head(stream), frame(FRAME.reset, 0, stream, CANCEL)])),
    },
    "unfinished-calls": { grpc: true, connections: 5, holdMs: 2_000, bytes: calls(500, head) },
    "inflating-heads": { grpc: true, connections: 1, holdMs: 500, bytes: calls(2_000, inflating) },
    pings: {
      grpc: true,
      connections: 1,
      holdMs: 500,
      bytes: calls(3_000, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))),
    },
    "slow-bodies": {
      connections: 100,
      holdMs: 2_000,
      bytes: Buffer.from(`${ISSUE}content-length: 100\r\n\r\n{`),
    },
    "half-heads": { connections: 100, holdMs: 2_000, bytes: Buffer.from(ISSUE) },
    "unread-pages": {
      ...{ connections: 20, holdMs: 1_500, deaf: true },
      bytes: Buffer.from("GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n".repeat(512)),
    },
    "many-connections": { connections: 1_200, holdMs: 1_000, bytes: Buffer.alloc(0) },
    "giant-tokens": {
      ...{ connections: 10, holdMs: 300 },
      bytes: Buffer.from(
        `${ISSUE}authorization: Bearer ${"a".repeat(100 * KB)}\r\ncontent-length: 2\r\n\r\n{}`,
      ),
    },
    "giant-bodies": {
      ...{ connections: 10, holdMs: 300 },
      bytes: Buffer.concat([
        Buffer.from(`${ISSUE}content-length: ${KB * KB}\r\n\r\n`),
        Buffer.alloc(KB * KB, "a"),
      ]),
    },
    "inflating-bodies": {
      ...{ connections: 10, holdMs: 300 },
      bytes: Buffer.concat([
        Buffer.from(`${ISSUE}content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`),
        bomb,
      ]),
    },
  };
}

export function startConnectionAttacks(plan: CrowdPlan): ConnectionAttacks {
  const { hostname, port } = new URL(plan.url);
  const counts: Record<string, number> = {};
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  let isOver = false;

  function after(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  }

  function run(name: string, attack: Attack, number: number): void {
    if (isOver) return;
    const mine = Array.from({ length: attack.connections }, () => {
      const socket = connect({
        ...{ host: hostname, port: attack.grpc === true ? plan.grpcPort : Number(port) },
        localAddress: plan.addresses[number % plan.addresses.length],
      });
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
      if (attack.deaf !== true) socket.resume();
      if (attack.bytes.length > 0) socket.write(attack.bytes);
      return socket;
    });
    counts[name] = (counts[name] ?? 0) + 1;
    after(attack.holdMs, () => {
      for (const socket of mine) socket.destroy();
      after(PAUSE_MS, () => run(name, attack, number + 1));
    });
  }

  for (const [at, [name, attack]] of Object.entries(attacks()).entries())
    if (plan.only.length === 0 || plan.only.includes(name)) run(name, attack, at);

  return {
    counts,
    stop() {
      isOver = true;
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
    },
  };
}
