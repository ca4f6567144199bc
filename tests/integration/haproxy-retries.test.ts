import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type Server } from "node:http";
import { connect } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { IssueCouponRequestSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { type Haproxy, startHaproxy } from "../support/haproxy.ts";
import { type LoopbackNetwork, loopbackNetwork } from "../support/loopback-network.ts";
import { HANG_MS } from "../support/patience.ts";

const SERVERS = ["server-1", "server-2", "server-3"];
const SERVICE = "/coupon.v1.CouponService";
const JSON_TYPE = "application/json";

type Sent = { readonly path: string; readonly type?: string; readonly body: string | Blob };

const issue = (body: string | Blob, type = JSON_TYPE): Sent => ({
  path: `${SERVICE}/IssueCoupon`,
  type,
  body,
});
const binary = (request: { campaignId: string; userId?: string; requestId?: string }) =>
  issue(
    new Blob([toBinary(IssueCouponRequestSchema, create(IssueCouponRequestSchema, request)).slice()]),
    "application/proto",
  );

/** Servers of this test stand in for the product's: they end a connection after they have read a request. */
describe("haproxy, as it is shipped, when a server crashes after it has read a request", () => {
  let network: LoopbackNetwork;
  let haproxy: Haproxy;
  const servers: Server[] = [];
  const seen: IncomingMessage[] = [];
  let isFirst = false;

  async function serve(host: string, port: number, answer: Parameters<typeof createServer>[1]) {
    const server = createServer(answer).listen(port, host);
    await once(server, "listening");
    servers.push(server);
  }

  before(async () => {
    network = await loopbackNetwork();
    for (const name of SERVERS) {
      const host = network.addressOf(name);
      await serve(host, 8090, (_, response) => response.end("{}"));
      for (const port of [8080, 8081])
        await serve(host, port, (request, response) => {
          request.resume().once("end", () => {
            seen.push(request);
            if (isFirst) request.socket.destroy();
            else response.end("{}");
            isFirst = false;
          });
        });
    }
    haproxy = await startHaproxy(network);
  });
  after(async () => {
    await haproxy?.close();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await network?.close();
  });

  /** Sends a request whose first reader crashes; returns its status, and how often a server has read it. */
  async function send({ path, type = JSON_TYPE, body }: Sent, port = 8080) {
    seen.length = 0;
    isFirst = true;
    const headers = { "content-type": type, connection: "close", "x-forwarded-for": "192.0.2.1" };
    const answer = await fetch(`http://${haproxy.host}:${port}${path}`, { method: "POST", headers, body });
    await answer.arrayBuffer();
    return [answer.status, seen.length];
  }

  it("a claim with a request id is sent again: it gets the same coupon", async () => {
    expect(await send(issue('{"campaignId":"c","requestId":"r"}'))).to.deep.equal([200, 2]);
    expect(await send(issue('{"campaignId":"c","userId":"u","request_id":"r"}'))).to.deep.equal([200, 2]);
    expect(await send(binary({ campaignId: "c", userId: "u", requestId: "r" }))).to.deep.equal([200, 2]);
  });

  it("a claim without one is not, as it may be a claim of its own", async () => {
    for (const body of ['{"campaignId":"c","userId":"requestId"}', '{"campaignId":"c","requestId":""}', "{"])
      expect(await send(issue(body)), body).to.deep.equal([502, 1]);
    expect(await send(binary({ campaignId: "c", userId: "u" }))).to.deep.equal([502, 1]);
    // The field is there, and empty: for each of these the service makes an id of its own.
    const empty = issue(new Blob([Uint8Array.of(0x0a, 1, 0x63, 0x1a, 0)]), "application/proto");
    expect(await send(empty), "an empty field").to.deep.equal([502, 1]);
    expect(await send(issue('{"requestId":"r"}', "text/plain")), "another type").to.deep.equal([502, 1]);
  });

  // Each has the request id first, and empty at last, where the service reads it.
  const campaign = [0x0a, 1, 0x63];
  const named = [0x1a, 1, 0x72];
  const hidden: Record<string, Sent> = Object.fromEntries([
    ...Object.entries({
      "an empty field": [0x1a, 0],
      "a longer length": [0x1a, 0x80, 0],
      "a longer tag": [0x9a, 0, 0],
      "behind a user of 26 bytes": [0x12, 26, ...Array<number>(26).fill(0x75), 0x1a, 0],
      "behind a user of 1,900 bytes": [0x12, 0xec, 0x0e, ...Array<number>(1_900).fill(0x75), 0x1a, 0],
    }).map(([what, last]) => [
      `binary, ${what}`,
      issue(new Blob([Uint8Array.from([...campaign, ...named, ...last])]), "application/proto"),
    ]),
    ...[
      '{"campaignId":"c","requestId":"r","requestId":""}',
      '{"campaignId":"c","requestId":"r","request_id":""}',
      '{"campaignId":"c","request_id":"r",\n"requestId":""}',
      '{"campaignId":"c","requestId":"r","\\u0072equestId":""}',
      '{"campaignId":"c","requestId":"r","requestId":null}',
      `{"campaignId":"c","requestId":"r","userId":"${"u".repeat(1_900)}","requestId":""}`,
    ].map((body) => [`JSON, ${body.slice(0, 80)}`, issue(body)]),
    ["a body that is too long to look through", issue(`{"requestId":"r","userId":"${"u".repeat(2_000)}"}`)],
  ]);
  for (const [what, sent] of Object.entries(hidden))
    it(`nor one whose request id is empty where it comes last: ${what}`, async () => {
      expect(await send(sent)).to.deep.equal([502, 1]);
    });

  it("claims as encoders write them are sent again, whatever their texts", async () => {
    const ulid = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for (const userId of ["", ulid, "가".repeat(128), "u".repeat(128), 'a"b\\c', "request"]) {
      const claim = { campaignId: ulid, userId, requestId: ulid };
      expect(await send(binary(claim)), `binary, ${userId}`).to.deep.equal([200, 2]);
      if (userId !== "request")
        expect(await send(issue(JSON.stringify(claim))), userId).to.deep.equal([200, 2]);
    }
  });

  it("look-ups are sent again", async () => {
    for (const method of ["FindCoupon", "GetCampaignStatus"])
      expect(await send({ path: `${SERVICE}/${method}`, body: "{}" }), method).to.deep.equal([200, 2]);
  });

  it("operators' calls are not", async () => {
    const call = { path: "/coupon.v1.CampaignService/AddCoupons", body: '{"requestId":"r"}' };
    expect(await send(call, 8081)).to.deep.equal([502, 1]);
  });

  it("passes on nothing but CouponService to callers, and appends their address", async () => {
    const answer = await fetch(`http://${haproxy.host}:8080/coupon.v1.CampaignService/GetCampaign`, {
      method: "POST",
    });
    expect([answer.status, await answer.json()]).to.deep.equal([
      404,
      { code: "unimplemented", message: "no such path" },
    ]);
    await send(issue('{"requestId":"r"}'));
    expect(seen.at(-1)?.headers["x-forwarded-for"]).to.match(/^192\.0\.2\.1, 127\./);
  });

  // The last: nothing listens afterwards.
  it("a process that a reload replaces answers once more on a kept connection", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = () =>
      new Promise<{ status: number; connection: string | undefined }>((resolve, reject) => {
        const asking = request(`http://${haproxy.host}:8080${SERVICE}/FindCoupon`, { agent, method: "POST" });
        asking.once("response", (answer) => {
          const { statusCode: status = 0, headers } = answer;
          answer.resume().once("end", () => resolve({ status, connection: headers.connection }));
        });
        asking.once("error", reject).end("{}");
      });
    const isListening = () =>
      new Promise<boolean>((resolve) => {
        const trying = connect(8080, haproxy.host);
        const told = (listens: boolean) => {
          trying.destroy();
          resolve(listens);
        };
        trying.once("connect", () => told(true)).once("error", () => told(false));
      });
    try {
      expect(await ask()).to.deep.equal({ status: 200, connection: undefined });
      haproxy.stopSoftly();
      expect(await until(async () => !(await isListening()), HANG_MS, 20), "takes no more").to.equal(true);
      expect(Object.values(agent.freeSockets).flat().length, "kept connections").to.equal(1);
      expect(await ask()).to.deep.equal({ status: 200, connection: "close" });
    } finally {
      agent.destroy();
    }
  });
});
