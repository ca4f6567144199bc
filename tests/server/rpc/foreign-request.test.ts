import type { IncomingMessage } from "node:http";
import { request } from "node:http";
import { connect } from "node:http2";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import { expect } from "chai";
import { CampaignService } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { readConfig } from "../../../runtime/config.ts";
import { createForeignTo } from "../../../server/rpc/foreign-request.ts";
import { bytesOf, enveloped, framesIn } from "../../support/raw-call.ts";
import { openStubApp, type StubApp } from "../../support/stub-app.ts";

const OURS = [
  "127.0.0.1",
  "localhost",
  "LOCALHOST.",
  "127.1",
  "[::1]",
  "[::ffff:127.0.0.1]",
  "ops.example.com",
];
const FOREIGN = [
  ...["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "0.0.0.0", "[::2]"],
  ...["ops.example.com.evil.example", "evil-ops.example.com", "x@127.0.0.1", "xn--lcalhost-54a.example"],
];

type Asked = { readonly host: string; readonly origin?: string | undefined };
type Transport = (app: StubApp, method: string, asked: Asked) => Promise<Code | undefined>;

function post(port: number, path: string, type: string, body: Buffer, { host, origin }: Asked) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { host, "content-type": type, ...(origin === undefined ? {} : { origin }) };
    const sent = request({ host: "127.0.0.1", port, path, method: "POST", agent: false, headers });
    sent.on("response", resolve).on("error", reject).end(body);
  });
}

const TRANSPORTS: Readonly<Record<string, Transport>> = {
  async Connect({ port }, path, asked) {
    const answer = await post(port, path, "application/json", Buffer.from("{}"), asked);
    const json = JSON.parse((await bytesOf(answer)).toString()) as { code?: string };
    return json.code === undefined ? undefined : codeFromString(json.code);
  },
  async "Connect, stream"({ port }, path, asked) {
    const answer = await post(port, path, "application/connect+json", enveloped("{}"), asked);
    if (answer.statusCode !== 200) return Code.Unknown;
    const end =
      framesIn(await bytesOf(answer))
        .at(-1)
        ?.body.toString() ?? "{}";
    const { error } = JSON.parse(end) as { error?: { code: string } };
    return error === undefined ? undefined : codeFromString(error.code);
  },
  async "gRPC-Web"({ port }, path, asked) {
    const answer = await post(port, path, "application/grpc-web+json", enveloped("{}"), asked);
    const trailers =
      framesIn(await bytesOf(answer))
        .at(-1)
        ?.body.toString() ?? "";
    const status = Number(answer.headers["grpc-status"] ?? /grpc-status: *(\d+)/i.exec(trailers)?.[1]);
    return status === 0 ? undefined : status;
  },
  async gRPC({ grpcPort }, path, { host, origin }) {
    const session = connect(`http://127.0.0.1:${grpcPort}`);
    session.on("error", () => undefined);
    try {
      const stream = session.request({
        ...{ ":method": "POST", ":path": path, ":authority": host, te: "trailers" },
        ...{ "content-type": "application/grpc+json", ...(origin === undefined ? {} : { origin }) },
      });
      let status = Number.NaN;
      const note = (headers: Record<string, unknown>) => {
        if (headers["grpc-status"] !== undefined) status = Number(headers["grpc-status"]);
      };
      stream
        .on("response", note)
        .on("trailers", note)
        .on("error", () => undefined);
      stream.resume().end(enveloped("{}"));
      await new Promise((resolve) => stream.once("close", resolve));
      return status === 0 ? undefined : status;
    } finally {
      session.destroy();
    }
  },
};

describe("requests of foreign web pages", () => {
  let app: StubApp;
  let reached: string[];

  before(async () => {
    const note = (name: string) => () => {
      reached.push(name);
      return {};
    };
    const campaignService = {
      listCampaigns: note("listCampaigns"),
      async *exportCoupons() {
        reached.push("exportCoupons");
        yield {};
      },
    } as unknown as ServiceImpl<typeof CampaignService>;
    const couponService = { findCoupon: note("findCoupon") } as unknown as ServiceImpl<typeof CouponService>;
    const { OPERATOR_HOSTS } = readConfig({
      ...{ REDIS_URL: "redis://h", MONGODB_URL: "mongodb://h" },
      OPERATOR_HOSTS: "Ops.Example.com, 2001:db8::1",
    });
    app = await openStubApp({ campaignService, couponService, operatorHosts: OPERATOR_HOSTS });
  });
  beforeEach(() => {
    reached = [];
  });
  after(() => app.close());

  for (const [name, ask] of Object.entries(TRANSPORTS)) {
    const isStream = name === "Connect, stream";
    const method = isStream ? CampaignService.method.exportCoupons : CampaignService.method.listCampaigns;
    const path = `/${CampaignService.typeName}/${method.name}`;
    const port = () => (name === "gRPC" ? app.grpcPort : app.port);

    it(`a foreign Host is refused over ${name}, whatever the credential`, async () => {
      for (const host of FOREIGN) {
        for (const authority of [host, `${host}:${port()}`])
          expect(await ask(app, path, { host: authority }), authority).to.equal(Code.PermissionDenied);
      }
      expect(reached).to.deep.equal([]);
    });

    it(`the hosts of loopback and of OPERATOR_HOSTS are served over ${name}`, async () => {
      const hosts = [...OURS, "[2001:db8::1]"].flatMap((host) => [host, `${host}:${port()}`]);
      for (const host of hosts) expect(await ask(app, path, { host }), host).to.equal(undefined);
      expect(reached).to.deep.equal(hosts.map(() => method.localName));
    });

    it(`the page of another origin is refused over ${name}, and the service's own is not`, async () => {
      const host = `127.0.0.1:${port()}`;
      const foreign = [
        ...["http://evil.example", "null", "", "http://127.0.0.1", `http://127.0.0.1:${port() + 1}`],
        ...[
          `https://${host}`,
          `http://localhost:${port()}`,
          `http://${host}/`,
          `http://${host}, http://evil.example`,
        ],
        ...[`http://${host}@evil.example`, "file://", `HTTP://evil.example`, `chrome-extension://${host}`],
      ];
      for (const origin of foreign)
        expect(await ask(app, path, { host, origin }), origin).to.equal(Code.PermissionDenied);
      expect(reached).to.deep.equal([]);
      expect(await ask(app, path, { host, origin: `http://${host}` })).to.equal(undefined);
    });

    it(`a proxy's own page is not foreign over ${name}, by https or not`, async () => {
      const asked: Asked[] = [
        { host: "ops.example.com", origin: "https://ops.example.com" },
        { host: "ops.example.com:8443", origin: "https://ops.example.com:8443" },
        { host: "ops.example.com", origin: "http://ops.example.com" },
      ];
      for (const each of asked) expect(await ask(app, path, each), each.origin).to.equal(undefined);
      const foreign = { host: "ops.example.com", origin: "https://ops.example.com:8443" };
      expect(await ask(app, path, foreign)).to.equal(Code.PermissionDenied);
    });
  }

  it("the callers' service is called from every page, under every host", async () => {
    const path = `/${CouponService.typeName}/${CouponService.method.findCoupon.name}`;
    for (const ask of [TRANSPORTS["Connect"], TRANSPORTS["gRPC-Web"], TRANSPORTS["gRPC"]])
      expect(await ask?.(app, path, { host: "shop.example", origin: "https://page.example" })).to.equal(
        undefined,
      );
    expect(reached).to.have.length(3);
  });

  it("is refused before one byte of the body was sent", async () => {
    const sent = request({
      ...{
        host: "127.0.0.1",
        port: app.port,
        path: `/${CampaignService.typeName}/ListCampaigns`,
        method: "POST",
      },
      headers: { host: "evil.example", "content-type": "application/json", "content-length": "2" },
    });
    const status = await new Promise((resolve, reject) => {
      sent.on("response", ({ statusCode }) => resolve(statusCode)).on("error", reject);
      sent.flushHeaders();
    });
    sent.destroy();
    expect(status).to.equal(403);
  });

  describe("which Host is looked at", () => {
    const asks = (localAddress: string, headers: object) =>
      ({ headers, socket: { localAddress } }) as unknown as IncomingMessage;
    const foreignTo = createForeignTo([]);

    it("over loopback always, in any spelling of the address; beyond it only where OPERATOR_HOSTS is set", () => {
      for (const local of ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.8.9.10"])
        expect(foreignTo(asks(local, { host: "evil.example" })), local).to.match(/OPERATOR_HOSTS/);
      for (const local of ["10.0.0.5", "2001:db8::1", "::ffff:10.0.0.5"]) {
        expect(foreignTo(asks(local, { host: "coupons.internal" })), local).to.equal(undefined);
        const strict = createForeignTo(["ops.example.com"]);
        expect(strict(asks(local, { host: "coupons.internal" })), local).to.match(/OPERATOR_HOSTS/);
      }
    });

    it("over HTTP/2 both that of :authority and that of a Host field", () => {
      const both = { ":authority": "localhost:9080", host: "evil.example" };
      expect(foreignTo(asks("127.0.0.1", both))).to.match(/OPERATOR_HOSTS/);
      expect(foreignTo(asks("127.0.0.1", { ...both, host: "127.0.0.1:9080" }))).to.equal(undefined);
      expect(foreignTo(asks("127.0.0.1", {}))).to.match(/OPERATOR_HOSTS/);
    });

    it("over TLS the own origin is the one of https", () => {
      const secure = (origin: string) =>
        ({
          headers: { host: "127.0.0.1:8080", origin },
          socket: { localAddress: "127.0.0.1", encrypted: true },
        }) as unknown as IncomingMessage;
      expect(foreignTo(secure("https://127.0.0.1:8080"))).to.equal(undefined);
      expect(foreignTo(secure("http://127.0.0.1:8080"))).to.match(/another origin/);
    });
  });
});
