import { request as http1 } from "node:http";
import { connect as http2 } from "node:http2";
import type { AddressInfo } from "node:net";
import type { DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Interceptor, type ServiceImpl } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { expect } from "chai";
import { createAuthenticateOperator } from "../../../access/operators.ts";
import { CampaignService } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReason, RefusalSchema } from "../../../proto/gen/coupon/v1/refusal_pb.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { OPERATOR_ROLES, type OperatorRole } from "../../../runtime/operator-settings.ts";
import { type App, buildApp } from "../../../server/app.ts";
import { ROLE_NEEDED } from "../../../server/rpc/operator-rights.ts";
import { keySetting } from "../../support/operator-key.ts";
import { HANG_MS } from "../../support/patience.ts";
import { silentLogger } from "../../support/shared-stores.ts";

const KEYS = {
  viewer: "viewer-key-000000000000000000000000000",
  operator: "operator-key-0000000000000000000000000",
  admin: "admin-key-00000000000000000000000000000",
} as const;
const TRANSPORTS = ["Connect, JSON", "Connect, binary", "gRPC-Web", "gRPC"] as const;

describe("operator gate", () => {
  let app: App;
  let urls: { http: string; grpc: string };
  let reached: string[];
  let sessions: Http2SessionManager;

  before(async () => {
    const reachedBy = <S extends DescService>({ methods }: S) =>
      Object.fromEntries(
        methods.map(({ localName, methodKind }) => [
          localName,
          methodKind === "server_streaming"
            ? async function* () {
                reached.push(localName);
                yield {};
              }
            : () => {
                reached.push(localName);
                return {};
              },
        ]),
      ) as unknown as ServiceImpl<S>;
    const metrics = createMetrics();
    const keys = OPERATOR_ROLES.map((role) => keySetting(`the-${role}`, role, KEYS[role]));
    app = buildApp({
      couponService: reachedBy(CouponService),
      campaignService: reachedBy(CampaignService),
      campaignStatus: () => Promise.reject(new Error("not asked here")),
      issueCoupon: () => Promise.reject(new Error("not asked here")),
      ...{ clock: systemClock, logger: silentLogger, metrics },
      authenticateOperator: createAuthenticateOperator({ keys }),
      draining: new AbortController().signal,
      stopping: new AbortController().signal,
      keepAliveTimeoutMs: 65_000,
      metricsPage: () => metrics.registry.metrics(),
    });
    const [http = 0, grpc = 0] = await Promise.all(
      [app.http, app.grpc].map(async (server) => {
        await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
        return (server.address() as AddressInfo).port;
      }),
    );
    urls = { http: `http://127.0.0.1:${http}`, grpc: `http://127.0.0.1:${grpc}` };
    sessions = new Http2SessionManager(urls.grpc);
  });

  beforeEach(() => {
    reached = [];
  });

  after(async () => {
    sessions.abort();
    app.http.closeAllConnections();
    await Promise.all([app.http, app.grpc].map((server) => new Promise((resolve) => server.close(resolve))));
  });

  function campaigns(transport: (typeof TRANSPORTS)[number], authorization: string | undefined) {
    const bearer: Interceptor = (next) => (request) => {
      if (authorization !== undefined) request.header.set("authorization", authorization);
      return next(request);
    };
    const given = { baseUrl: urls.http, httpVersion: "1.1" as const, interceptors: [bearer] };
    const over = {
      "Connect, JSON": () => createConnectTransport({ ...given, useBinaryFormat: false }),
      "Connect, binary": () => createConnectTransport({ ...given, useBinaryFormat: true }),
      "gRPC-Web": () => createGrpcWebTransport(given),
      gRPC: () =>
        createGrpcTransport({ baseUrl: urls.grpc, sessionManager: sessions, interceptors: [bearer] }),
    };
    return createClient(CampaignService, over[transport]());
  }

  type Method = (request: object) => Promise<unknown> | AsyncIterable<unknown>;

  /** Calls one method; returns its refusal, undefined: it reached its handler and was answered. */
  async function refusalOf(client: ReturnType<typeof campaigns>, method: string) {
    try {
      const answer = (client as unknown as Record<string, Method>)[method]?.({});
      if (answer !== undefined && Symbol.asyncIterator in answer) for await (const _ of answer);
      else await answer;
      return undefined;
    } catch (error) {
      const failure = ConnectError.from(error);
      const [detail] = failure.findDetails(RefusalSchema);
      const { code, rawMessage: message } = failure;
      return { code, message, reason: detail?.reason };
    }
  }

  it("the table has a role for each method of the service, and for nothing else", () => {
    const methods = CampaignService.methods.map(({ localName }) => localName);
    expect(Object.keys(ROLE_NEEDED)).to.have.members(methods);
  });

  for (const transport of TRANSPORTS) {
    it(`each role reaches exactly the methods that the table gives it, over ${transport}`, async () => {
      for (const role of OPERATOR_ROLES) {
        const client = campaigns(transport, `Bearer ${KEYS[role]}`);
        const rank = OPERATOR_ROLES.indexOf(role);
        for (const { localName, name } of CampaignService.methods) {
          const needed: OperatorRole = ROLE_NEEDED[localName as keyof typeof ROLE_NEEDED];
          const refusal = await refusalOf(client, localName);
          if (OPERATOR_ROLES.indexOf(needed) <= rank) expect(refusal, `${role} ${name}`).to.equal(undefined);
          else {
            const { code, reason, message } = refusal ?? {};
            expect([code, reason], `${role} ${name}`).to.deep.equal([
              Code.PermissionDenied,
              RefusalReason.PERMISSION_DENIED,
            ]);
            expect(message).to.equal(`${name} needs the role ${needed}; the-${role} has the role ${role}`);
            expect(reached).not.to.include(localName);
          }
        }
        reached = [];
      }
    });

    it(`no method is reached without a valid credential, over ${transport}`, async () => {
      for (const authorization of [undefined, "Bearer wrong", `Basic ${KEYS.admin}`]) {
        const client = campaigns(transport, authorization);
        for (const { localName } of CampaignService.methods) {
          const { code } = (await refusalOf(client, localName)) ?? {};
          // So many wrong ones are limited; see operator-attempts.test.ts.
          if (authorization === undefined) expect(code, localName).to.equal(Code.Unauthenticated);
          else expect(code, localName).to.be.oneOf([Code.Unauthenticated, Code.ResourceExhausted]);
        }
      }
      expect(reached).to.deep.equal([]);
    });
  }

  it("answers a stranger over HTTP/1.1 before one byte of the body was sent", async function () {
    this.timeout(HANG_MS);
    const sent = http1(`${urls.http}/coupon.v1.CampaignService/CreateCampaign`, {
      method: "POST",
      headers: { "content-type": "application/json", "content-encoding": "gzip", "content-length": "9000" },
    });
    const status = await new Promise((resolve, reject) => {
      sent.on("response", ({ statusCode }) => resolve(statusCode)).on("error", reject);
      sent.flushHeaders();
    });
    sent.destroy();
    expect(status).to.equal(401);
  });

  it("answers a stranger over HTTP/2 before one byte of the body was sent", async function () {
    this.timeout(HANG_MS);
    const session = http2(urls.grpc);
    const stream = session.request({
      ...{ ":method": "POST", ":path": "/coupon.v1.CampaignService/CreateCampaign" },
      ...{ "content-type": "application/grpc", te: "trailers" },
    });
    const status = await new Promise((resolve, reject) => {
      stream.on("response", (headers) => resolve(headers["grpc-status"])).on("error", reject);
    });
    session.destroy();
    expect(status).to.equal(String(Code.Unauthenticated));
  });

  it("ends a connection whose stranger announces more than it would read", async () => {
    const answer = await fetch(`${urls.http}/coupon.v1.CampaignService/CreateCampaign`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "x".repeat(70_000),
    });
    expect([answer.status, answer.headers.get("connection")]).to.deep.equal([401, "close"]);
  });

  it("ends a connection whose stranger sends more than it announced", async function () {
    this.timeout(HANG_MS);
    const sent = http1(`${urls.http}/coupon.v1.CampaignService/ExportCoupons`, {
      method: "POST",
      headers: { "content-type": "application/connect+json" },
    });
    sent.on("response", (response) => response.resume().on("error", () => undefined));
    const piece = Buffer.alloc(16 * 1024);
    const write = () => void (sent.destroyed || sent.write(piece, () => setImmediate(write)));
    await new Promise((resolve) => {
      sent.on("error", resolve).on("close", resolve);
      write();
    });
    expect(reached).to.deep.equal([]);
  });

  it("a path of the service in another spelling reaches no handler", async () => {
    const paths = [
      "/coupon.v1.campaignservice/ListCampaigns",
      "/coupon.v1.CampaignService/ListCampaigns/",
      "//coupon.v1.CampaignService/ListCampaigns",
      "/./coupon.v1.CampaignService/ListCampaigns",
      "/coupon.v1.CampaignService%2FListCampaigns",
      "/coupon.v1.CampaignService/%4cistCampaigns",
    ];
    for (const path of paths) {
      const status = await new Promise((resolve, reject) => {
        const { port } = new URL(urls.http);
        const sent = http1({ host: "127.0.0.1", port, path, method: "POST", agent: false });
        sent.setHeader("content-type", "application/json");
        sent.on("response", ({ statusCode }) => resolve(statusCode)).on("error", reject);
        sent.end("{}");
      });
      expect(status, path).to.be.oneOf([401, 404]);
    }
    expect(reached).to.deep.equal([]);
  });
});
