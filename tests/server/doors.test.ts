import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { expect } from "chai";
import { CircuitOpen } from "../../claims/breaker.ts";
import { createCampaignCache } from "../../claims/campaign-cache.ts";
import { createIssueCoupon, type IssueCoupon } from "../../claims/issue-coupon.ts";
import { createTally } from "../../claims/tally.ts";
import { until } from "../../local/poll.ts";
import type { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import {
  type CouponService,
  GetCampaignStatusRequestSchema,
  IssueCouponRequestSchema,
} from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { DeadlineExceeded } from "../../runtime/deadline.ts";
import { buildApp } from "../../server/app.ts";
import { createBareApp } from "../../server/http/bare-app.ts";
import { expressClasses } from "../../server/http/express-classes.ts";
import { createFastPath, type FastMethod } from "../../server/http/fast-path.ts";
import { createInFlight } from "../../server/http/in-flight.ts";
import { closeWithLastAnswer, type IsLast } from "../../server/http/last-answer.ts";
import { createCampaignStatus, type GetCampaignStatus } from "../../server/rpc/campaign-status.ts";
import { createIssueAnswers } from "../../server/rpc/issue-answer.ts";
import { remoteCallerOf } from "../../server/rpc/remote-caller.ts";
import { toConnectError } from "../../server/rpc/rpc-status.ts";
import { createStatusAnswers, STATUS_PATH } from "../../server/rpc/status-answer.ts";
import { createTellTrouble } from "../../server/rpc/trouble.ts";
import { viewCoupon } from "../../server/view/campaign-view.ts";
import { createLiveView } from "../../server/view/live-view.ts";
import { anyone } from "../support/anyone.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { recordsOf } from "../support/made-campaign.ts";
import { OPEN_CLAIM_AUTH } from "../support/open-claims.ts";
import { openSale, type Sale } from "../support/open-sale.ts";
import { HANG_MS } from "../support/patience.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { testBreakers } from "../support/test-breakers.ts";
import { withStores } from "../support/with-stores.ts";

const PATH = "/coupon.v1.CouponService/IssueCoupon";

type Answer = { status: string; headers: Record<string, string>; body: string };

/** Sends `pieces` on one bare connection, each in a packet of its own; returns all answers. */
async function talk(port: number, pieces: readonly (string | Uint8Array)[], answers = 1): Promise<Answer[]> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  const got: Buffer[] = [];
  let closed = false;
  socket.on("data", (data: Buffer) => void got.push(data));
  socket.on("end", () => {
    closed = true;
  });
  socket.on("error", () => {
    closed = true;
  });
  for (const piece of pieces) {
    await new Promise<void>((resolve) => {
      if (piece.length === 0) socket.end(resolve);
      else socket.write(piece, () => resolve());
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
  let parsed: Answer[] = [];
  await until(() => {
    parsed = parse(Buffer.concat(got));
    return parsed.length >= answers || closed;
  }, 10_000);
  socket.destroy();
  return parsed;
}

/** Parses whole answers that have a content-length, in order. */
function parse(bytes: Buffer): Answer[] {
  const answers: Answer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n\r\n", at);
    if (end < 0) return answers;
    const [status = "", ...lines] = bytes.toString("latin1", at, end).split("\r\n");
    const headers = Object.fromEntries(lines.map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
    const named = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const length = Number(named["content-length"] ?? 0);
    if (bytes.length < end + 4 + length) return answers;
    const body = bytes.toString("latin1", end + 4, end + 4 + length);
    answers.push({ status, headers: named, body });
    at = end + 4 + length;
  }
}

describe("the fast path and the framework answer alike", () => {
  const stores = withStores();
  let sale: Sale;
  let later: Sale;
  let server: Server;
  let port = 0;
  let byFramework = 0;
  let turnsAreLate = false;
  let wrapped: (real: IssueCoupon) => IssueCoupon;
  let campaignStatus: GetCampaignStatus;
  let wrappedStatus: GetCampaignStatus;
  const draining = new AbortController();

  before(async () => {
    sale = await openSale(stores, { total: 50 });
    later = await openSale(stores, { startsAt: new Date(Date.now() + 3_600_000) });
    await sale.issue("winner");
    const clock = fakeClock();
    const { campaigns } = recordsOf(stores.db);
    const real = createIssueCoupon({
      claimAuth: OPEN_CLAIM_AUTH,
      claimer: sale.claimer,
      campaignCache: createCampaignCache(campaigns, clock),
      clock,
      metrics: sale.metrics,
      tally: createTally(),
      issueDeadlineMs: 5_000,
    });
    const issueCoupon: IssueCoupon = (request, caller) => wrapped(real)(request, caller);
    const deps = {
      issueCoupon,
      clock,
      logger: silentLogger,
      draining: draining.signal,
      stopping: draining.signal,
      keepAliveTimeoutMs: 65_000,
    };
    const unasked = new Proxy({}, { get: () => () => Promise.reject(new Error("not asked here")) });
    const app = buildApp({
      ...deps,
      couponService: {
        ...(unasked as ServiceImpl<typeof CouponService>),
        async issueCoupon(request, context) {
          const issue = await issueCoupon(request, remoteCallerOf(context));
          if (issue.kind === "refused") throw toConnectError(issue.refusal, clock.now());
          return { coupon: viewCoupon(issue.coupon), replayed: issue.replayed };
        },
        async getCampaignStatus(request) {
          const given = await wrappedStatus(request.campaignId);
          if (given.kind === "refused") throw toConnectError(given.refusal, clock.now());
          return given.status;
        },
      },
      campaignStatus: (campaignId) => wrappedStatus(campaignId),
      campaignService: unasked as ServiceImpl<typeof CampaignService>,
      metrics: sale.metrics,
      authenticateOperator: anyone,
      metricsPage: () => sale.metrics.registry.metrics(),
    });
    const tellTrouble = createTellTrouble(silentLogger, clock);
    const liveView = createLiveView(campaigns, stores.pool, testBreakers(clock), clock);
    campaignStatus = createCampaignStatus({
      ...{ liveView, clock },
      campaignCache: createCampaignCache(campaigns, clock),
    });
    const isLast: IsLast = () => draining.signal.aborted;
    const fastPath = createFastPath({
      noteStatus: () => undefined,
      inTurn: (one) => (turnsAreLate ? setImmediate(() => setImmediate(() => one.run())) : one.run()),
      ...{ clock, isLast, sourceAddressOf: () => "", readMaxBytes: 16 * 1_024 },
      methods: new Map<string | undefined, FastMethod>([
        [PATH, createIssueAnswers({ issueCoupon, clock, tellTrouble })],
        [STATUS_PATH, createStatusAnswers({ campaignStatus: (id) => wrappedStatus(id), tellTrouble, clock })],
      ]),
      otherwise: closeWithLastAnswer((request, response) => {
        byFramework++;
        // With a query, the fast path passes the request on; the framework ignores the query.
        request.url += "?";
        app.http.emit("request", request, response);
      }, isLast),
    });
    const classes = expressClasses(createBareApp());
    server = createServer({ keepAliveTimeout: 65_000, ...classes }, createInFlight().counting(fastPath));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });

  beforeEach(() => {
    turnsAreLate = false;
    wrapped = (real) => real;
    wrappedStatus = (campaignId) => campaignStatus(campaignId);
  });

  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  type Shape = {
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array;
    /** undefined: the length of the body; null: no content-length. */
    readonly length?: string | null;
    readonly host?: string;
    readonly method?: string;
    readonly version?: string;
  };

  function message(path: string, shape: Shape): { head: string; body: Uint8Array } {
    const body =
      typeof shape.body === "string"
        ? new TextEncoder().encode(shape.body)
        : (shape.body ?? new Uint8Array());
    const headers: Record<string, string> = {
      host: shape.host ?? "127.0.0.1",
      "content-type": "application/json",
    };
    if (shape.length !== null) headers["content-length"] = shape.length ?? String(body.length);
    Object.assign(headers, shape.headers);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return {
      head: `${shape.method ?? "POST"} ${path} HTTP/${shape.version ?? "1.1"}\r\n${lines.join("")}\r\n`,
      body,
    };
  }

  /** The parts of an answer that must be equal: not its time, nor how long to wait until the start. */
  function comparable({ status, headers, body }: Answer) {
    const { date, "content-length": length, ...rest } = headers;
    let told: unknown = body;
    const isCountdown = body.includes('"startsAt"');
    if (isCountdown && "retry-after" in rest) rest["retry-after"] = "some time";
    if (headers["content-type"] === "application/json") {
      const json = JSON.parse(body) as {
        details?: { value?: string; debug: { retryAfterMs?: string; retryDelay?: string } }[];
      };
      for (const detail of json.details ?? []) {
        if ("startsAt" in detail.debug || (isCountdown && "retryDelay" in detail.debug)) {
          delete detail.debug.retryAfterMs;
          delete detail.debug.retryDelay;
          delete detail.value;
        }
      }
      told = json;
    }
    return {
      status,
      headers: { ...rest, hasDate: date !== undefined, hasLength: length !== undefined },
      told,
    };
  }

  const json = (fields: object) => JSON.stringify({ campaignId: sale.campaign._id, ...fields });
  const winner = () => json({ userId: "winner" });
  const proto = () =>
    toBinary(
      IssueCouponRequestSchema,
      create(IssueCouponRequestSchema, { campaignId: sale.campaign._id, userId: "winner" }),
    );
  const binary = { "content-type": "application/proto" };

  const ordinary: Record<string, () => Shape> = {
    "a winner asks again": () => ({ body: winner() }),
    "in binary": () => ({ body: proto(), headers: binary }),
    "snake case": () => ({ body: `{"campaign_id":"${sale.campaign._id}","user_id":"winner"}` }),
    "with the charset": () => ({
      body: winner(),
      headers: { "content-type": "application/json; charset=utf-8" },
    }),
    "header names in capitals": () => ({ body: winner(), headers: { "CONNECT-PROTOCOL-VERSION": "1" } }),
    "protocol version 1": () => ({ body: winner(), headers: { "connect-protocol-version": "1" } }),
    "protocol version 2": () => ({ body: winner(), headers: { "connect-protocol-version": "2" } }),
    "a deadline": () => ({ body: winner(), headers: { "connect-timeout-ms": "5000" } }),
    "a deadline that has passed": () => ({ body: winner(), headers: { "connect-timeout-ms": "0" } }),
    "accepting gzip": () => ({ body: winner(), headers: { "accept-encoding": "gzip, br" } }),
    "white space around": () => ({ body: ` ${winner()}\n` }),
    "the last connection use": () => ({ body: winner(), headers: { connection: "close" } }),
    "not started": () => ({ body: `{"campaignId":"${later.campaign._id}","userId":"winner"}` }),
    "no such campaign": () => ({ body: `{"campaignId":"01M7YQZAAWCPD2T0Z7YQGQM1FV","userId":"a"}` }),
    "not even an id": () => ({ body: `{"campaignId":"<b>","userId":"a"}` }),
    "no user": () => ({ body: json({}) }),
    "a user with a control character": () => ({ body: json({ userId: "a\u0085b" }) }),
    "a user that is too long": () => ({ body: json({ userId: "x".repeat(129) }) }),
    "a user in bytes that are no UTF-8": () => ({
      body: Buffer.from(json({ userId: "\u00ff" }), "latin1"),
    }),
    "the id in small letters": () => ({
      body: JSON.stringify({ campaignId: sale.campaign._id.toLowerCase(), userId: "winner" }),
    }),
    "no fields, in binary": () => ({ body: Uint8Array.of(10, 0), headers: binary }),
    "unknown fields, in binary": () => ({ body: Uint8Array.of(...proto(), 0x78, 1), headers: binary }),
    "HTTP/1.0": () => ({ body: winner(), version: "1.0" }),
    "HTTP/1.0, kept": () => ({ body: winner(), version: "1.0", headers: { connection: "keep-alive" } }),
  };

  const odd: Record<string, () => Shape> = {
    "unknown fields": () => ({ body: json({ userId: "winner", new: [1] }) }),
    "an unknown enum word in an unknown field": () => ({ body: json({ userId: "winner", state: "NEW" }) }),
    "a number for a text": () => ({ body: json({ userId: 7 }) }),
    "null for a text": () => ({ body: json({ userId: null }) }),
    "a list": () => ({ body: "[]" }),
    "no fields": () => ({ body: "{}" }),
    "half a surrogate pair": () => ({ body: json({ userId: "\ud800" }) }),
    "an escaped letter": () => ({ body: winner().replace("winner", "\\u0077inner") }),
    "the same field in both spellings": () => ({ body: json({ userId: "winner", user_id: "winner" }) }),
    "no JSON": () => ({ body: "{" }),
    "bytes that are no UTF-8": () => ({ body: Uint8Array.of(0x7b, 0xff, 0x7d) }),
    "a byte order mark": () => ({ body: `\ufeff${winner()}` }),
    "no protobuf": () => ({ body: Uint8Array.of(10, 200), headers: binary }),
    "an empty body": () => ({ body: "" }),
    "an empty body, in binary": () => ({ body: "", headers: binary }),
    "another charset": () => ({
      body: winner(),
      headers: { "content-type": "application/json; charset=latin1" },
    }),
    "content type in capitals": () => ({ body: winner(), headers: { "content-type": "Application/JSON" } }),
    "no content type": () => ({ body: winner(), headers: { "content-type": "" } }),
    "a form": () => ({ body: winner(), headers: { "content-type": "application/x-www-form-urlencoded" } }),
    "gRPC-Web": () => ({ body: proto(), headers: { "content-type": "application/grpc-web+proto" } }),
    "an unknown compression": () => ({ body: winner(), headers: { "content-encoding": "zstd" } }),
    "identity spelled out": () => ({ body: winner(), headers: { "content-encoding": "identity" } }),
    "a malformed deadline": () => ({ body: winner(), headers: { "connect-timeout-ms": "soon" } }),
    "a negative deadline": () => ({ body: winner(), headers: { "connect-timeout-ms": "-1" } }),
    "more than 16 KiB": () => ({ body: winner() + " ".repeat(16 * 1_024) }),
    chunked: () => {
      const body = winner();
      return {
        length: null,
        headers: { "transfer-encoding": "chunked" },
        body: `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      };
    },
    "a host that is none": () => ({ body: winner(), host: "a b" }),
    GET: () => ({ method: "GET" }),
    PUT: () => ({ method: "PUT", body: winner() }),
  };

  /** Sends the same request to the fast path and, with a query, past it. */
  async function both(shape: Shape, to = PATH): Promise<[Answer | undefined, Answer | undefined]> {
    const fast = message(to, shape);
    const slow = message(`${to}?`, shape);
    const [byLane] = await talk(
      port,
      [fast.head, fast.body].filter(({ length }) => length > 0),
    );
    const [past] = await talk(
      port,
      [slow.head, slow.body].filter(({ length }) => length > 0),
    );
    return [byLane, past];
  }

  for (const [kind, shapes, fallThrough] of [
    ["ordinary", ordinary, 1],
    ["odd", odd, 2],
  ] as const) {
    for (const [name, shape] of Object.entries(shapes)) {
      it(`${kind}: ${name}`, async () => {
        const before = byFramework;
        const [byLane, past] = await both(shape());
        if (byLane === undefined || past === undefined) throw new Error("a door did not answer");
        expect(comparable(byLane)).to.deep.equal(comparable(past));
        expect(byFramework - before).to.equal(fallThrough);
      });
    }
  }

  it("an id in any case is the same campaign, by every door, and never another name of a key", async () => {
    const { _id: id } = sale.campaign;
    const [capitals] = await both({ body: winner() });
    for (const written of [id.toLowerCase(), `${id.slice(0, 13)}${id.slice(13).toLowerCase()}`]) {
      const fields = { campaignId: written, userId: "winner" };
      const inBinary = toBinary(IssueCouponRequestSchema, create(IssueCouponRequestSchema, fields));
      const answers = await both({ body: JSON.stringify(fields) });
      for (const answer of answers) expect(answer?.body).to.equal(capitals?.body);
      const [byLane, past] = await both({ body: inBinary, headers: binary });
      expect(byLane?.status).to.include("200");
      expect(byLane?.body).to.equal(past?.body).and.include(id);
      expect(await stores.redis.command("", ["KEYS", `cp:{${written}}*`])).to.deep.equal([]);
    }
  });

  const statusOf = (id: string) => ({ body: `{"campaignId":"${id}"}` });
  const binaryStatus = (campaignId: string) =>
    toBinary(GetCampaignStatusRequestSchema, create(GetCampaignStatusRequestSchema, { campaignId }));
  /** For each request, how many of the two ways (to the fast path, past it) end in the framework. */
  const statuses: Record<string, readonly [() => Shape, number]> = {
    "of an open campaign": [() => statusOf(sale.campaign._id), 1],
    "of one that has not started": [() => statusOf(later.campaign._id), 1],
    "in snake case, with white space": [() => ({ body: ` {\n"campaign_id" : "${sale.campaign._id}"}\t` }), 1],
    "in binary": [() => ({ body: binaryStatus(later.campaign._id), headers: binary }), 1],
    "no such campaign": [() => statusOf("01M7YQZAAWCPD2T0Z7YQGQM1FV"), 1],
    "no such campaign, in binary": [
      () => ({ body: binaryStatus("01M7YQZAAWCPD2T0Z7YQGQM1FV"), headers: binary }),
      1,
    ],
    "not even an id": [() => statusOf("x"), 1],
    "an empty id": [() => statusOf(""), 1],
    "no field": [() => ({ body: "{}" }), 2],
    "an unknown field": [() => ({ body: `{"campaignId":"${sale.campaign._id}","new":1}` }), 2],
    "the field twice": [() => ({ body: `{"campaignId":"x","campaignId":"${sale.campaign._id}"}` }), 2],
    "an escape": [() => ({ body: '{"campaignId":"\\u0030"}' }), 2],
    "a number": [() => ({ body: '{"campaignId":7}' }), 2],
    "a byte order mark": [() => ({ body: '\ufeff{"campaignId":"x"}' }), 2],
    "white space that JSON does not know": [() => ({ body: '\u00a0{"campaignId":"x"}' }), 2],
    "no JSON": [() => ({ body: "{" }), 2],
    "no protobuf": [() => ({ body: Uint8Array.of(10, 200), headers: binary }), 2],
    GET: [() => ({ method: "GET" }), 2],
  };

  for (const [name, [shape, fallThrough]] of Object.entries(statuses)) {
    it(`GetCampaignStatus: ${name}`, async () => {
      const before = byFramework;
      const [byLane, past] = await both(shape(), STATUS_PATH);
      if (byLane === undefined || past === undefined) throw new Error("a transport did not answer");
      expect(comparable(byLane)).to.deep.equal(comparable(past));
      expect(byFramework - before).to.equal(fallThrough);
    });
  }

  it("GetCampaignStatus: trouble is told alike", async () => {
    for (const trouble of [new Error("a bug"), new CircuitOpen("away"), new DeadlineExceeded("late")]) {
      wrappedStatus = () => Promise.reject(trouble);
      // An id that was not asked for before: within a millisecond, a server repeats its last answer.
      const [byLane, past] = await both(statusOf("01M7YQZAAWCPD2T0Z7YQGQM1FW"), STATUS_PATH);
      if (byLane === undefined || past === undefined) throw new Error("a transport did not answer");
      expect(comparable(byLane), trouble.message).to.deep.equal(comparable(past));
    }
  });

  it("a new coupon has the same shape, in JSON and in binary", async () => {
    for (const headers of [{}, binary]) {
      const ask = (userId: string) => ({
        headers,
        body:
          headers === binary
            ? toBinary(
                IssueCouponRequestSchema,
                create(IssueCouponRequestSchema, { campaignId: sale.campaign._id, userId }),
              )
            : json({ userId }),
      });
      const fast = message(PATH, ask(`new by lane ${Object.keys(headers).length}`));
      const slow = message(`${PATH}?`, ask(`new past lane ${Object.keys(headers).length}`));
      const [byLane] = await talk(port, [fast.head, fast.body]);
      const [past] = await talk(port, [slow.head, slow.body]);
      expect(byLane?.status).to.equal("HTTP/1.1 200 OK");
      expect(byLane?.headers["content-type"]).to.equal(past?.headers["content-type"]);
      if (headers !== binary) {
        const [one, other] = [byLane, past].map(
          (answer) => JSON.parse(answer?.body ?? "") as { coupon: object },
        );
        expect(Object.keys(one ?? {})).to.deep.equal(Object.keys(other ?? {}));
        expect(Object.keys(one?.coupon ?? {})).to.deep.equal(Object.keys(other?.coupon ?? {}));
      }
    }
  });

  it("a body that comes byte by byte", async () => {
    for (const path of [PATH, `${PATH}?`]) {
      const { head, body } = message(path, { body: winner() });
      const [answer] = await talk(port, [head, ...Array.from(body, (byte) => Uint8Array.of(byte))]);
      expect(answer?.status, path).to.equal("HTTP/1.1 200 OK");
    }
  });

  it("an odd body that comes in pieces reaches the framework whole, at once and in a later turn", async () => {
    const { head, body } = message(PATH, { body: json({ userId: "winner", new: "x".repeat(5_000) }) });
    for (turnsAreLate of [false, true]) {
      const [answer] = await talk(port, [head, body.subarray(0, 700), body.subarray(700)]);
      expect(answer?.status).to.equal("HTTP/1.1 200 OK");
    }
  });

  it("many in one packet, ordinary and odd: each answered, in order", async () => {
    const shapes = [
      ordinary["a winner asks again"],
      odd["unknown fields"],
      odd["no JSON"],
      ordinary["no user"],
    ];
    // More than are served at once: the others wait as streams.
    const rounds = [1, 2, 3, 4, 5, 6];
    const asked = rounds.flatMap(() => shapes.map((shape) => message(PATH, shape?.() ?? {})));
    const packet = Buffer.concat(asked.flatMap(({ head, body }) => [Buffer.from(head), body]));
    for (turnsAreLate of [false, true]) {
      const answers = await talk(port, [packet], asked.length);
      expect(answers.map(({ status }) => status.slice(9, 12))).to.deep.equal(
        rounds.flatMap(() => ["200", "200", "400", "400"]),
      );
    }
  });

  it("a caller that has closed its half of the connection is treated alike", async () => {
    const statuses: unknown[] = [];
    for (const path of [PATH, `${PATH}?`]) {
      const { head, body } = message(path, { body: winner() });
      const [answer] = await talk(port, [head, body, ""]);
      statuses.push(answer?.status);
    }
    expect(statuses[0]).to.equal(statuses[1]);
  });

  it("a caller that has gone is seen, by both", async () => {
    for (const path of [PATH, `${PATH}?`]) {
      const seen: { aborted: boolean }[] = [];
      wrapped = () => (_, caller) => {
        seen.push(caller);
        return new Promise(() => undefined);
      };
      const { head, body } = message(path, { body: winner() });
      const socket = connect({ port, host: "127.0.0.1" });
      socket.write(head);
      socket.write(body);
      await until(() => seen.length === 1, HANG_MS);
      expect(seen[0]?.aborted, path).to.equal(false);
      socket.destroy();
      expect(await until(() => seen[0]?.aborted === true, HANG_MS), path).to.equal(true);
    }
  });

  it("trouble is told alike: a bug, a store that does not answer, an error of the library", async () => {
    for (const trouble of [
      new Error("a bug"),
      Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" }),
      new ConnectError("no", Code.PermissionDenied),
    ]) {
      wrapped = () => () => Promise.reject(trouble);
      const [byLane, past] = await both({ body: winner() });
      if (byLane === undefined || past === undefined) throw new Error("a door did not answer");
      expect(comparable(byLane), trouble.message).to.deep.equal(comparable(past));
    }
  });

  it("no answer is long enough to be compressed, so that no door need offer it", async () => {
    for (const shape of Object.values(ordinary)) {
      const { head, body } = message(PATH, shape());
      const [answer] = await talk(port, [head, body]);
      expect(Number(answer?.headers["content-length"])).to.be.lessThan(1_024);
    }
  });

  it("while the server drains, both close the connection", async () => {
    draining.abort();
    const [byLane, past] = await both({ body: winner() });
    expect([byLane?.headers["connection"], past?.headers["connection"]]).to.deep.equal(["close", "close"]);
  });
});
