import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { expect } from "chai";
import { MisshapenDocument } from "../../audit/stores/document-shape.ts";
import { QueueFull } from "../../claims/batch-queue.ts";
import { CircuitOpen } from "../../claims/breaker.ts";
import { createCampaignCache } from "../../claims/campaign-cache.ts";
import { createIssueCoupon, type IssueCoupon } from "../../claims/issue-coupon.ts";
import { createRefusedCredentials } from "../../claims/refused-credentials.ts";
import { createTally } from "../../claims/tally.ts";
import { until } from "../../local/poll.ts";
import type { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import {
  CouponService,
  FindCouponRequestSchema,
  GetCampaignStatusRequestSchema,
  IssueCouponRequestSchema,
} from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import type { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { DeadlineExceeded } from "../../runtime/deadline.ts";
import { buildApp } from "../../server/app.ts";
import { createBareApp } from "../../server/http/bare-app.ts";
import { createCallTraces } from "../../server/http/call-traces.ts";
import { createCrossOrigin } from "../../server/http/cross-origin.ts";
import { expressClasses } from "../../server/http/express-classes.ts";
import { createFastPath } from "../../server/http/fast-path.ts";
import { createInFlight } from "../../server/http/in-flight.ts";
import { closeWithLastAnswer, type IsLast } from "../../server/http/last-answer.ts";
import { createCampaignStatus, type GetCampaignStatus } from "../../server/rpc/campaign-status.ts";
import { createCouponService } from "../../server/rpc/coupon-service.ts";
import { createFastMethods } from "../../server/rpc/fast-methods.ts";
import { FIND_PATH } from "../../server/rpc/find-answer.ts";
import { createFindCoupon, type FindCoupon } from "../../server/rpc/find-coupon.ts";
import { ISSUE_PATH } from "../../server/rpc/issue-answer.ts";
import { openService } from "../../server/rpc/open-service.ts";
import { createRefuseTurn } from "../../server/rpc/refuse-turn.ts";
import { STATUS_PATH } from "../../server/rpc/status-answer.ts";
import { createTellTrouble } from "../../server/rpc/trouble.ts";
import { createLiveView } from "../../server/view/live-view.ts";
import { anyone } from "../support/anyone.ts";
import { type BareAnswer, comparable, message, type Shape, talk } from "../support/bare-connection.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { recordsOf } from "../support/made-campaign.ts";
import { NO_ERASURES } from "../support/no-erasures.ts";
import { OPEN_CLAIM_AUTH } from "../support/open-claims.ts";
import { openSale, type Sale } from "../support/open-sale.ts";
import { HANG_MS } from "../support/patience.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { testBreakers } from "../support/test-breakers.ts";
import { withStores } from "../support/with-stores.ts";

/** Of an issuance that nobody claimed, as a person would write it. */
const CODE = "가나다라마바0001";
/** A page of another origin that may call. */
const PAGE = "https://shop.example";

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
  let wrappedFind: (real: FindCoupon) => FindCoupon;
  let turnsAreFull = false;
  let turnsTaken: boolean[] = [];
  const draining = new AbortController();

  before(async () => {
    sale = await openSale(stores, { total: 50 });
    later = await openSale(stores, { startsAt: new Date(Date.now() + 3_600_000) });
    await sale.issue("winner");
    const clock = fakeClock();
    const { campaigns, issuances } = recordsOf(stores.db);
    await issuances.insert([
      {
        ...{ _id: CODE, campaignId: sale.campaign._id, claimKey: "holder of a code" },
        ...{ generation: 0, seq: 7, issuedAt: new Date(1_800_000_000_000) },
      },
    ]);
    const refusedCredentials = createRefusedCredentials(clock);
    const real = createIssueCoupon({
      refusedCredentials,
      claimAuth: OPEN_CLAIM_AUTH,
      claimer: sale.claimer,
      campaignCache: createCampaignCache(campaigns, clock),
      clock,
      metrics: sale.metrics,
      tally: createTally(),
      issueDeadlineMs: 5_000,
    });
    const issueCoupon: IssueCoupon = (request, caller) => wrapped(real)(request, caller);
    const find = createFindCoupon({
      ...{ issuances, claimAuth: OPEN_CLAIM_AUTH, reads: testBreakers(clock).reads, refusedCredentials },
      marks: NO_ERASURES,
      recall: { note: () => undefined, repeated: () => undefined },
      campaignCache: createCampaignCache(campaigns, clock),
    });
    const handlers = {
      issueCoupon,
      findCoupon: ((request, caller) => wrappedFind(find)(request, caller)) satisfies FindCoupon,
      campaignStatus: ((campaignId) => wrappedStatus(campaignId)) satisfies GetCampaignStatus,
    };
    const deps = {
      ...handlers,
      refusedCredentials,
      clock,
      logger: silentLogger,
      draining: draining.signal,
      stopping: draining.signal,
      keepAliveTimeoutMs: 65_000,
    };
    const unasked = new Proxy({}, { get: () => () => Promise.reject(new Error("not asked here")) });
    const app = buildApp({
      ...{ ...deps, allowedOrigins: [PAGE] },
      couponService: createCouponService({ ...handlers, clock }),
      campaignService: unasked as ServiceImpl<typeof CampaignService>,
      eventService: unasked as ServiceImpl<typeof EventService>,
      redemptionService: unasked as ServiceImpl<typeof RedemptionService>,
      metrics: sale.metrics,
      authenticateOperator: anyone,
      metricsPage: () => sale.metrics.registry.metrics(),
    });
    const tellTrouble = createTellTrouble(silentLogger, clock);
    const liveView = createLiveView(campaigns, stores.pool, testBreakers(clock), clock);
    campaignStatus = createCampaignStatus({
      ...{ liveView, clock, claimAuthMode: "open" },
      campaignCache: createCampaignCache(campaigns, clock),
    });
    const isLast: IsLast = () => draining.signal.aborted;
    const fastPath = createFastPath({
      inTurn: (one) =>
        turnsAreLate ? setImmediate(() => setImmediate(() => one.run(true))) : one.run(false),
      turnsOf: (isOfRefused) => ({
        turn() {
          turnsTaken.push(isOfRefused);
          if (turnsAreFull) return undefined;
          return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
        },
      }),
      ...{ clock, isLast, sourceAddressOf: () => "", readMaxBytes: 16 * 1_024 },
      crossOrigin: createCrossOrigin([openService(CouponService, [PAGE])]),
      traces: createCallTraces(),
      ...createFastMethods({ ...handlers, tellTrouble, clock }),
      recordOf: () => ({ note: () => undefined }),
      otherwise: closeWithLastAnswer((request, response) => {
        byFramework++;
        // With a query, or one that no client writes, the fast path passes the request on; the framework
        // ignores it.
        request.url += request.url?.includes("?") ? "&" : "?";
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
    turnsAreFull = false;
    turnsTaken = [];
    wrappedFind = (real) => real;
    wrapped = (real) => real;
    wrappedStatus = (campaignId) => campaignStatus(campaignId);
  });

  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

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
    "from a listed page": () => ({ body: winner(), headers: { origin: PAGE } }),
    "from a listed page, in binary": () => ({ body: proto(), headers: { ...binary, origin: PAGE } }),
    "from a page of no origin": () => ({ body: winner(), headers: { origin: "null" } }),
    "refused, from a listed page": () => ({ body: json({}), headers: { origin: PAGE } }),
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
  async function both(
    shape: Shape,
    to = ISSUE_PATH,
  ): Promise<[BareAnswer | undefined, BareAnswer | undefined]> {
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
      // The requests of both methods have these fields alike.
      for (const path of [ISSUE_PATH, FIND_PATH])
        it(`${path.split("/").at(-1)}, ${kind}: ${name}`, async () => {
          const before = byFramework;
          const [byLane, past] = await both(shape(), path);
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

  const query = (text: string) => `connect=v1&encoding=json&message=${encodeURIComponent(text)}`;
  const base64Query = (encoding: string, bytes: string | Uint8Array) =>
    `connect=v1&base64=1&encoding=${encoding}&message=${Buffer.from(bytes).toString("base64url")}`;
  const idOf = (campaignId: string) => JSON.stringify({ campaignId });
  /** For each query, how many of the two ways (to the fast path, past it) end in the framework. */
  const queries: Record<string, readonly [() => string, number]> = {
    "of an open campaign": [() => query(idOf(sale.campaign._id)), 1],
    "of one that has not started": [() => query(idOf(later.campaign._id)), 1],
    "in base64": [() => base64Query("json", idOf(later.campaign._id)), 1],
    "in binary": [() => base64Query("proto", binaryStatus(sale.campaign._id)), 1],
    "in another order": [
      () => `message=${encodeURIComponent(idOf(sale.campaign._id))}&encoding=json&connect=v1`,
      1,
    ],
    "no such campaign": [() => query(idOf("01M7YQZAAWCPD2T0Z7YQGQM1FV")), 1],
    "not even an id": [() => query(idOf("x")), 1],
    "an unknown parameter": [() => `${query(idOf(sale.campaign._id))}&page=1`, 2],
    "no version": [() => query(idOf(sale.campaign._id)).replace("connect=v1&", ""), 2],
    "another version": [() => query(idOf(sale.campaign._id)).replace("v1", "v2"), 2],
    "the message twice": [() => `${query(idOf("x"))}&message=%7B%7D`, 2],
    "no message": [() => "connect=v1&encoding=json", 2],
    "an unknown field": [() => query(`{"campaignId":"${sale.campaign._id}","new":1}`), 2],
    "no JSON": [() => query("{"), 2],
    "half an escape": [() => `${query("{")}%2`, 2],
    "no UTF-8": [() => "connect=v1&encoding=json&message=%FF", 2],
    "a blank as +": [() => query(idOf(sale.campaign._id)).replace("%3A", "%3A+"), 2],
    "no base64": [() => "connect=v1&base64=1&encoding=json&message=a*", 2],
    "base64 of an impossible length": [() => "connect=v1&base64=1&encoding=json&message=abcde", 2],
    "binary that is not in base64": [() => "connect=v1&encoding=proto&message=%0A%01x", 2],
    "an unknown encoding": [() => query("{}").replace("json", "xml"), 2],
    "a compressed message": [() => `${base64Query("json", "{}")}&compression=gzip`, 2],
    nothing: [() => "", 2],
  };

  const get = (asked: string, fields: readonly string[] = [], method = "GET") =>
    [`${method} ${STATUS_PATH}?${asked} HTTP/1.1`, "host: 127.0.0.1", ...fields, "", ""].join("\r\n");

  for (const [name, [asked, fallThrough]] of Object.entries(queries)) {
    it(`GetCampaignStatus by GET: ${name}`, async () => {
      const before = byFramework;
      const [byLane] = await talk(port, [get(asked())]);
      // With a parameter that no client writes, the fast path passes it on; the framework ignores it.
      const [past] = await talk(port, [get(`${asked()}&x=`)]);
      if (byLane === undefined || past === undefined) throw new Error("a transport did not answer");
      expect(comparable(byLane)).to.deep.equal(comparable(past));
      expect(byLane.headers["cache-control"]).to.be.a("string");
      expect(byFramework - before).to.equal(fallThrough);
    });
  }

  it("GetCampaignStatus by GET: 304 to a caller that has it, by either spelling of its ETag", async () => {
    const asked = query(idOf(sale.campaign._id));
    const [whole] = await talk(port, [get(asked)]);
    const etag = whole?.headers["etag"] ?? "";
    expect(etag).to.match(/^"[-\d]+"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const [answer] = await talk(port, [get(asked, [`if-none-match: ${known}`])]);
      expect([answer?.status, answer?.body], known).to.deep.equal(["HTTP/1.1 304 Not Modified", ""]);
      expect(answer?.headers).to.include({ etag, "cache-control": whole?.headers["cache-control"] });
      expect(answer?.headers).not.to.have.any.keys("content-type", "content-length");
    }
    for (const known of ['"other"', etag.slice(1, -1), `${etag.slice(0, -1)}0"`]) {
      const [answer] = await talk(port, [get(asked, [`if-none-match: ${known}`])]);
      expect(answer?.body, known).to.equal(whole?.body);
    }
    const [unknown] = await talk(port, [get(query(idOf("x")), ["if-none-match: *"])]);
    expect(unknown?.status).to.include("404");
  });

  it("GetCampaignStatus by HEAD: the head of GET without a body, on both ways", async () => {
    const asked = query(idOf(sale.campaign._id));
    for (const one of [asked, `${asked}&x=`]) {
      const [whole] = await talk(port, [get(one)]);
      const socket = connect({ port, host: "127.0.0.1" });
      let bytes = "";
      socket.on("data", (data: Buffer) => {
        bytes += data.toString("latin1");
      });
      // The second answer shows that no body follows the head of the first.
      socket.write(get(one, [], "HEAD") + get("connect=v1", ["connection: close"]));
      await once(socket, "close");
      const [head = "", second = ""] = bytes.split("\r\n\r\n");
      const fields = head.toLowerCase().split("\r\n");
      expect(fields[0]).to.equal("http/1.1 200 ok");
      for (const name of ["etag", "cache-control", "content-length"])
        expect(fields).to.include(`${name}: ${whole?.headers[name]}`);
      expect(second.slice(0, 12)).to.equal("HTTP/1.1 415");
    }
  });

  it("GetCampaignStatus by GET: trouble is told alike, and is not kept", async () => {
    wrappedStatus = () => Promise.reject(new CircuitOpen("away"));
    const asked = query(idOf("01M7YQZAAWCPD2T0Z7YQGQM1FT"));
    const [byLane] = await talk(port, [get(asked)]);
    const [past] = await talk(port, [get(`${asked}&x=`)]);
    if (byLane === undefined || past === undefined) throw new Error("a transport did not answer");
    expect(comparable(byLane)).to.deep.equal(comparable(past));
    expect(byLane.headers["cache-control"]).to.equal("no-store");
  });

  it("methods with side effects, and those of a look-up, do not answer to GET", async () => {
    for (const path of [ISSUE_PATH, FIND_PATH]) {
      const asked = get(query(winner())).replace(STATUS_PATH, path);
      for (const one of [asked, asked.replace("GET", "HEAD")]) {
        const [answer] = await talk(port, [one]);
        expect(answer?.status, one).to.equal("HTTP/1.1 405 Method Not Allowed");
      }
    }
  });

  const binaryFind = (fields: object) =>
    toBinary(
      FindCouponRequestSchema,
      create(FindCouponRequestSchema, { campaignId: sale.campaign._id, ...fields }),
    );
  /** The status that the caller is told, and how many of the two ways end in the framework. */
  const finds: Record<string, readonly [() => Shape, status: number, number]> = {
    "of a winner": [() => ({ body: winner() }), 200, 1],
    "of a winner, in binary": [() => ({ body: binaryFind({ userId: "winner" }), headers: binary }), 200, 1],
    "of a code": [() => ({ body: json({ code: CODE }) }), 200, 1],
    "of a code with blanks, in NFD": [
      () => ({ body: json({ code: ` ${CODE.slice(0, 6)}-${CODE.slice(6)} `.normalize("NFD") }) }),
      200,
      1,
    ],
    "of a code, in binary": [() => ({ body: binaryFind({ code: CODE }), headers: binary }), 200, 1],
    "of a code that nobody has": [() => ({ body: json({ code: "가나다라마바0002" }) }), 404, 1],
    "of a text that is no code": [() => ({ body: json({ code: "<b>" }) }), 400, 1],
    "of a long text that is no code": [
      () => ({ body: json({ code: "가".repeat(5_000) }), headers: { "accept-encoding": "gzip, br" } }),
      400,
      1,
    ],
    "of a user without a coupon": [() => ({ body: json({ userId: "nobody" }) }), 404, 1],
    "of a user without a coupon, in binary": [
      () => ({ body: binaryFind({ userId: "nobody" }), headers: binary }),
      404,
      1,
    ],
    "of a request, where coupons are by user": [() => ({ body: json({ requestId: "r" }) }), 400, 1],
    "of two keys": [() => ({ body: json({ userId: "winner", code: CODE }) }), 400, 1],
    "of all keys": [() => ({ body: json({ userId: "a", requestId: "b", code: CODE }) }), 400, 1],
    "of no key": [() => ({ body: json({}) }), 400, 1],
    "in no campaign": [() => ({ body: '{"campaignId":"","userId":"winner"}' }), 400, 1],
    "of the code twice": [
      () => ({ body: `{"code":"x","campaign_id":"${sale.campaign._id}","code":"${CODE}"}` }),
      400,
      2,
    ],
    "of a number": [() => ({ body: json({ code: 7 }) }), 400, 2],
    "of no protobuf": [() => ({ body: Uint8Array.of(34, 200), headers: binary }), 400, 2],
  };

  for (const [name, [shape, status, fallThrough]] of Object.entries(finds)) {
    it(`FindCoupon: ${name}`, async () => {
      const before = byFramework;
      const [byLane, past] = await both(shape(), FIND_PATH);
      if (byLane === undefined || past === undefined) throw new Error("a transport did not answer");
      expect(byLane.status).to.include(String(status));
      expect(comparable(byLane)).to.deep.equal(comparable(past));
      expect(byFramework - before).to.equal(fallThrough);
    });
  }

  it("FindCoupon: trouble is told alike", async () => {
    for (const trouble of [
      new Error("a bug"),
      new CircuitOpen("away"),
      new QueueFull("1000 look-ups wait"),
      new DeadlineExceeded("late"),
      Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" }),
      new MisshapenDocument("MongoDB: issuances, code#0000: seq is missing"),
      new ConnectError("no", Code.PermissionDenied),
    ])
      for (const thrown of [true, false]) {
        wrappedFind = () => () => {
          if (thrown) throw trouble;
          return Promise.reject(trouble);
        };
        const [byLane, past] = await both({ body: winner() }, FIND_PATH);
        if (byLane === undefined || past === undefined) throw new Error("a transport did not answer");
        expect(comparable(byLane), trouble.message).to.deep.equal(comparable(past));
      }
  });

  it("FindCoupon: a look-up waits in the turns of its source, and a refused one takes none", async () => {
    const ask = async (path: string, fields: object) => {
      const { head, body } = message(path, { body: json(fields) });
      await talk(port, [head, body]);
    };
    await ask(FIND_PATH, { userId: "winner" });
    turnsAreLate = true;
    await ask(FIND_PATH, { code: CODE });
    expect(turnsTaken).to.deep.equal([false, true]);
    await ask(FIND_PATH, { userId: "winner", code: CODE });
    await ask(ISSUE_PATH, { userId: "winner" });
    expect(turnsTaken).to.have.length(2);
  });

  it("FindCoupon: with too many before it, a look-up is refused as the framework's turns refuse it", async () => {
    const told = createRefuseTurn(fakeClock());
    const turns = createServer((_, response) => told(response));
    await new Promise<void>((resolve) => turns.listen(0, "127.0.0.1", resolve));
    try {
      turnsAreFull = true;
      const { head, body } = message(FIND_PATH, { body: winner() });
      const [byLane] = await talk(port, [head, body]);
      const [past] = await talk((turns.address() as AddressInfo).port, [head, body]);
      if (byLane === undefined || past === undefined) throw new Error("a transport did not answer");
      expect(byLane.status).to.include("503");
      expect(byLane.body).to.equal(past.body);
      expect(byLane.headers["retry-after"]).to.equal(past.headers["retry-after"]).and.be.a("string");
    } finally {
      turns.closeAllConnections();
      await new Promise((resolve) => turns.close(resolve));
    }
  });

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
      const fast = message(ISSUE_PATH, ask(`new by lane ${Object.keys(headers).length}`));
      const slow = message(`${ISSUE_PATH}?`, ask(`new past lane ${Object.keys(headers).length}`));
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
    for (const path of [ISSUE_PATH, `${ISSUE_PATH}?`]) {
      const { head, body } = message(path, { body: winner() });
      const [answer] = await talk(port, [head, ...Array.from(body, (byte) => Uint8Array.of(byte))]);
      expect(answer?.status, path).to.equal("HTTP/1.1 200 OK");
    }
  });

  it("an odd body that comes in pieces reaches the framework whole, at once and in a later turn", async () => {
    const { head, body } = message(ISSUE_PATH, { body: json({ userId: "winner", new: "x".repeat(5_000) }) });
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
    const asked = rounds.flatMap(() => shapes.map((shape) => message(ISSUE_PATH, shape?.() ?? {})));
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
    for (const path of [ISSUE_PATH, `${ISSUE_PATH}?`]) {
      const { head, body } = message(path, { body: winner() });
      const [answer] = await talk(port, [head, body, ""]);
      statuses.push(answer?.status);
    }
    expect(statuses[0]).to.equal(statuses[1]);
  });

  it("a caller that has gone is seen, by both", async () => {
    for (const path of [ISSUE_PATH, `${ISSUE_PATH}?`, FIND_PATH, `${FIND_PATH}?`]) {
      const seen: { aborted: boolean }[] = [];
      const note = (_: unknown, caller: { aborted: boolean }) => {
        seen.push(caller);
        return new Promise<never>(() => undefined);
      };
      wrapped = () => note;
      wrappedFind = () => note;
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
    const asked: (readonly [string, () => Shape])[] = [
      ...Object.values(ordinary).map((shape) => [ISSUE_PATH, shape] as const),
      ...Object.values(finds).map(([shape]) => [FIND_PATH, shape] as const),
    ];
    for (const [path, shape] of asked) {
      const { head, body } = message(path, shape());
      const [answer] = await talk(port, [head, body]);
      expect(Number(answer?.headers["content-length"])).to.be.lessThan(1_024);
    }
  });

  it("while the server drains, both close the connection", async () => {
    draining.abort();
    for (const path of [ISSUE_PATH, FIND_PATH]) {
      const [byLane, past] = await both({ body: winner() }, path);
      expect([byLane?.headers["connection"], past?.headers["connection"]]).to.deep.equal(["close", "close"]);
    }
  });
});
