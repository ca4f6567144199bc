import { request as http1 } from "node:http";
import { connect as http2 } from "node:http2";
import type { DescService } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { createAuthenticateOperator } from "../../../access/operators.ts";
import { EventService } from "../../../proto/gen/coupon/v1/event_service_pb.ts";
import { RedemptionService } from "../../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { RefusalReason } from "../../../proto/gen/coupon/v1/refusal_pb.ts";
import { OPERATOR_ROLES, type OperatorRole } from "../../../runtime/operator-settings.ts";
import { ROLE_NEEDED } from "../../../server/rpc/operator-rights.ts";
import { OPERATOR_SERVICES } from "../../../server/rpc/services.ts";
import {
  type GatedApp,
  refusalIn,
  startGatedApp,
  TRANSPORTS,
  type TransportName,
} from "../../support/gated-app.ts";
import { keySetting } from "../../support/operator-key.ts";
import { HANG_MS } from "../../support/patience.ts";

const KEYS = {
  redeemer: "redeemer-key-0000000000000000000000000",
  viewer: "viewer-key-000000000000000000000000000",
  operator: "operator-key-0000000000000000000000000",
  admin: "admin-key-00000000000000000000000000000",
} as const;
const CLIENTS: Readonly<Record<string, "events" | "redemptions">> = {
  [EventService.typeName]: "events",
  [RedemptionService.typeName]: "redemptions",
};
const METHODS = OPERATOR_SERVICES.flatMap(({ methods }) => methods);

/** Which roles each role has the rights of. */
const RIGHTS: Readonly<Record<OperatorRole, readonly OperatorRole[]>> = {
  redeemer: ["redeemer"],
  viewer: ["viewer"],
  operator: ["redeemer", "viewer", "operator"],
  admin: ["redeemer", "viewer", "operator", "admin"],
};

describe("operator gate", () => {
  let app: GatedApp;
  let urls: GatedApp["urls"];
  const reached = () => app.reached.map(({ method }) => method);

  before(async () => {
    const keys = OPERATOR_ROLES.map((role) => keySetting(`the-${role}`, role, KEYS[role]));
    app = await startGatedApp(createAuthenticateOperator({ keys }));
    ({ urls } = app);
  });

  beforeEach(() => {
    app.reached.length = 0;
  });

  after(() => app.close());

  const clientOf = ({ typeName }: DescService, transport: TransportName, authorization?: string) =>
    app[CLIENTS[typeName] ?? "campaigns"](transport, authorization);

  type Method = (request: object) => Promise<unknown> | AsyncIterable<unknown>;

  /** Calls one method; returns its refusal, undefined: it reached its handler and was answered. */
  async function refusalOf(client: ReturnType<typeof clientOf>, method: string) {
    const answer = (client as unknown as Record<string, Method>)[method]?.({});
    return answer === undefined ? undefined : refusalIn(answer);
  }

  it("the table has a role for each method of the services, and for nothing else", () => {
    const methods = METHODS.map(({ localName }) => localName);
    expect(Object.keys(ROLE_NEEDED)).to.have.members(methods);
    expect(new Set(methods).size, "no two methods have one name").to.equal(methods.length);
  });

  for (const transport of TRANSPORTS) {
    it(`each role reaches exactly the methods that the table gives it, over ${transport}`, async () => {
      for (const role of OPERATOR_ROLES) {
        for (const { localName, name, parent } of METHODS) {
          const needed: OperatorRole | "any" = ROLE_NEEDED[localName as keyof typeof ROLE_NEEDED];
          const refusal = await refusalOf(clientOf(parent, transport, `Bearer ${KEYS[role]}`), localName);
          if (needed === "any" || RIGHTS[role].includes(needed))
            expect(refusal, `${role} ${name}`).to.equal(undefined);
          else {
            const { code, reason, message } = refusal ?? {};
            expect([code, reason], `${role} ${name}`).to.deep.equal([
              Code.PermissionDenied,
              RefusalReason.PERMISSION_DENIED,
            ]);
            expect(message).to.equal(`${name} needs the role ${needed}; the-${role} has the role ${role}`);
            expect(reached()).not.to.include(localName);
          }
        }
        app.reached.length = 0;
      }
    });

    it(`no method is reached without a valid credential, over ${transport}`, async () => {
      for (const authorization of [undefined, "Bearer wrong", `Basic ${KEYS.admin}`]) {
        for (const { localName, parent } of METHODS) {
          const { code } = (await refusalOf(clientOf(parent, transport, authorization), localName)) ?? {};
          // So many wrong ones are limited; see operator-attempts.test.ts.
          if (authorization === undefined) expect(code, localName).to.equal(Code.Unauthenticated);
          else expect(code, localName).to.be.oneOf([Code.Unauthenticated, Code.ResourceExhausted]);
        }
      }
      expect(reached()).to.deep.equal([]);
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
    expect(reached()).to.deep.equal([]);
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
    expect(reached()).to.deep.equal([]);
  });
});
