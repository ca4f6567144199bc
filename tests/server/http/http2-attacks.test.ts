import { once } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { connect, type Socket } from "node:net";
import type { ServiceImpl } from "@connectrpc/connect";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import type { CouponService } from "../../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";
import {
  FLAG,
  FRAME,
  frame,
  GRPC_CALL,
  headerBlock,
  PREFACE,
  readFrames,
  reference,
} from "../../support/http2-frames.ts";
import { HANG_MS } from "../../support/patience.ts";
import { openStubApp, type StubApp } from "../../support/stub-app.ts";

const CANCEL = Buffer.from([0, 0, 0, 8]);
/** An empty message in its envelope. */
const EMPTY = Buffer.alloc(5);
const REQUEST_MS = 5_000;
const LINGER_MS = 5_000;
const STREAMS_MAX = 100;

describe("attacks on the gRPC port", () => {
  let clock: FakeClock;
  let app: StubApp;
  let sockets: Socket[];
  let open: Set<ServerHttp2Stream>;
  let began: number;

  beforeEach(async () => {
    clock = fakeClock();
    sockets = [];
    open = new Set();
    began = 0;
    const couponService = {
      async issueCoupon() {
        began += 1;
        return {};
      },
    } as Partial<ServiceImpl<typeof CouponService>> as ServiceImpl<typeof CouponService>;
    app = await openStubApp({ clock, couponService });
    app.grpc.on("stream", (stream) => {
      open.add(stream);
      stream.once("close", () => open.delete(stream));
    });
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await app.close();
  });

  async function attacker() {
    const socket = connect(app.grpcPort, "127.0.0.1");
    sockets.push(socket);
    const got: Buffer[] = [];
    socket.on("data", (data: Buffer) => got.push(data)).on("error", () => undefined);
    await once(socket, "connect");
    socket.write(PREFACE);
    const frames = () => readFrames(Buffer.concat(got));
    return {
      send: (...parts: Buffer[]) => socket.write(Buffer.concat(parts)),
      of: (type: number) => frames().filter((one) => one.type === type),
      isCut: () => socket.closed,
      cut: () => until(() => socket.closed, HANG_MS),
    };
  }

  const head = (i: number, flags = 0) =>
    frame(FRAME.headers, FLAG.endHeaders | flags, 2 * i + 1, headerBlock(GRPC_CALL));
  const reset = (i: number) => frame(FRAME.reset, 0, 2 * i + 1, CANCEL);
  const call = (i: number) => [head(i), frame(FRAME.data, FLAG.endStream, 2 * i + 1, EMPTY)];
  const many = (count: number, make: (i: number) => readonly Buffer[]) =>
    Array.from({ length: count }, (_, i) => make(i)).flat();
  const cuts = async (why: string) => {
    const { values } = await app.cuts.get();
    return values.find(({ labels }) => labels.why === why)?.value ?? 0;
  };

  it("calls whose requests do not end: 100 on a connection, reset after 5 s, out of memory 5 s later", async () => {
    const one = await attacker();
    one.send(...many(500, (i) => [head(i)]));
    expect(await until(() => one.of(FRAME.reset).length >= 1, HANG_MS)).to.equal(true);
    expect(open.size).to.equal(STREAMS_MAX);
    clock.pass(REQUEST_MS);
    clock.pass(LINGER_MS);
    expect(await until(() => open.size === 0, HANG_MS)).to.equal(true);
  });

  it("rapid resets: the connection ends, no call has run, and an honest caller is served", async () => {
    const honest = await attacker();
    const one = await attacker();
    one.send(...many(1_000, (i) => [...call(i), reset(i)]));
    expect(await one.cut()).to.equal(true);
    expect(began).to.be.at.most(STREAMS_MAX);
    expect(await cuts("resets")).to.equal(1);
    honest.send(...call(0));
    expect(await until(() => honest.of(FRAME.headers).length === 2, HANG_MS)).to.equal(true);
    expect(honest.isCut()).to.equal(false);
  });

  it("a proxy whose callers leave now and then keeps its connection", async () => {
    const proxy = await attacker();
    for (let round = 0; round < 6; round++) {
      const first = round * 80;
      proxy.send(...many(40, (i) => call(first + i)));
      const answers = (round + 1) * 80;
      expect(await until(() => proxy.of(FRAME.headers).length >= answers, HANG_MS)).to.equal(true);
      proxy.send(...many(40, (i) => [head(first + 40 + i), reset(first + 40 + i)]));
    }
    expect(await until(() => open.size === 0, HANG_MS)).to.equal(true);
    expect(proxy.isCut()).to.equal(false);
  });

  it("rapid resets over many connections: the source is refused, until its budget comes back", async () => {
    for (let cut = 0; (await cuts("source_waste")) === 0; cut++) {
      expect(cut, "connections that were served").to.be.at.most(5);
      const one = await attacker();
      one.send(...many(150, (i) => [head(i), reset(i)]));
      expect(await one.cut()).to.equal(true);
    }
    clock.pass(1_000);
    const later = await attacker();
    later.send(...call(0));
    expect(await until(() => later.of(FRAME.headers).length === 2, HANG_MS)).to.equal(true);
  });

  for (const [name, type, payload] of [
    ["PING", FRAME.ping, Buffer.alloc(8)],
    ["SETTINGS", FRAME.settings, Buffer.alloc(0)],
  ] as const) {
    it(`a flood of ${name} ends its connection`, async () => {
      const one = await attacker();
      // Node's own limit is 1,000 unsent answers: this caller takes each, and stays below it.
      for (let sent = 0; sent < 2_000 && !one.isCut(); sent += 500) {
        one.send(...many(500, () => [frame(type, 0, 0, payload)]));
        const taken = () => one.of(type).length >= sent + 500 || one.isCut();
        expect(await until(taken, HANG_MS)).to.equal(true);
      }
      expect(await one.cut()).to.equal(true);
      expect(await cuts("control_frames")).to.equal(1);
    });
  }

  it("2,000 requests with 75 kB of headers, 160 bytes each on the wire: none is served", async () => {
    const one = await attacker();
    const value = "a".repeat(3_900);
    const fields = (i: number) => [
      headerBlock(GRPC_CALL),
      ...(i === 0 ? [headerBlock([["x", value]], true)] : []),
      ...Array.from({ length: 19 }, () => reference(62)),
    ];
    const flags = FLAG.endHeaders | FLAG.endStream;
    one.send(...many(2_000, (i) => [frame(FRAME.headers, flags, 2 * i + 1, Buffer.concat(fields(i)))]));
    expect(await one.cut()).to.equal(true);
    expect(began).to.equal(0);
  });
});
