import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { expect } from "chai";
import type { CrowdJob } from "../../bench/load/caller-jobs.ts";
import { createLightClient } from "../../bench/load/light-client.ts";
import { runCallers } from "../../bench/load/run-callers.ts";
import { coarseAlarm } from "../../callers/alarm.ts";
import { RefusalReason, RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";

const CAMPAIGN = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

type Answering = (userId: string) => "coupon" | "none" | "cut" | "overloaded" | "sold-out";

describe("bench: a crowd", () => {
  let server: Server;
  let answering: Answering;
  let sockets = 0;
  let underWay = 0;
  let most = 0;

  beforeEach(async () => {
    [sockets, underWay, most] = [0, 0, 0];
    server = createServer((request, response) => {
      underWay += 1;
      most = Math.max(most, underWay);
      let body = "";
      request.on("data", (part: Buffer) => {
        body += part.toString();
      });
      request.on("end", () => {
        setImmediate(() => {
          const { campaignId, userId } = JSON.parse(body) as { campaignId: string; userId: string };
          const what = answering(userId);
          if (what === "none") return;
          underWay -= 1;
          if (what === "cut") {
            request.socket.destroy();
            return;
          }
          if (what === "overloaded" || what === "sold-out") {
            const reason = what === "sold-out" ? RefusalReason.SOLD_OUT : RefusalReason.OVERLOADED;
            const refusal = create(RefusalSchema, { reason, retryAfterMs: 20n });
            const value = base64Encode(toBinary(RefusalSchema, refusal));
            const json = JSON.stringify({
              code: "unavailable",
              details: [{ type: RefusalSchema.typeName, value }],
            });
            response.writeHead(503, { "content-length": json.length }).end(json);
            return;
          }
          const coupon = { code: `코드${userId}`, campaignId, seq: 1, issuedAt: new Date(0).toISOString() };
          const json = JSON.stringify({ coupon });
          response.writeHead(200, { "content-length": Buffer.byteLength(json) }).end(json);
        });
      });
    });
    server.on("connection", () => {
      sockets += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function come(count: number, changes: Partial<CrowdJob> = {}) {
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const stream = { campaignId: CAMPAIGN, userPrefix: "u", perSecond: 100_000, seed: 1, spacing: "even" };
    const job = {
      ...{ kind: "crowd", baseUrl, connections: 4, addresses: [], answersPerConnection: 5 },
      ...{ sendWithinMs: 100, answerWithinMs: 100 },
      streams: [{ ...stream, count, fromMs: Date.now() }],
      ...changes,
    } as CrowdJob;
    return runCallers(job, createLightClient(baseUrl, job.connections, job), coarseAlarm());
  }
  const PATIENT = { sendWithinMs: 60_000, answerWithinMs: 60_000 };

  it("opens a new connection after some answers, and has never more requests under way than connections", async () => {
    answering = () => "coupon";
    const { seen, left } = await come(200, PATIENT);
    expect(left).to.deep.equal({ unsent: 0, unanswered: 0 });
    expect(new Set(seen.map(({ outcome }) => (outcome.kind === "issued" ? outcome.code : ""))).size).to.equal(
      200,
    );
    expect(sockets).to.be.within(200 / 5, 200 / 5 + 4);
    expect(most).to.be.at.most(4);
  });

  it("tells those who have no answer from those who never had a connection", async () => {
    answering = () => "none";
    const { seen, left } = await come(10);
    expect(seen).to.have.length(0);
    expect(left).to.deep.equal({ unsent: 6, unanswered: 4 });
  });

  it("goes on after a connection was cut, whose caller has an unknown answer", async () => {
    answering = (userId) => (userId === "u3" ? "cut" : "coupon");
    const { seen, left } = await come(50, PATIENT);
    const unknown = seen.filter(({ outcome }) => outcome.kind === "unknown");
    expect([seen.length, unknown.length]).to.deep.equal([50, 1]);
    expect(left).to.deep.equal({ unsent: 0, unanswered: 0 });
  });

  describe("callers who are refused", () => {
    it("ask again as they are told, until they have a coupon; each time is told with its own latency", async () => {
      const times = new Map<string, number>();
      answering = (userId) => {
        times.set(userId, (times.get(userId) ?? 0) + 1);
        return times.get(userId) === 3 ? "coupon" : "overloaded";
      };
      const { seen, left } = await come(20, { ...PATIENT, asksAgain: true });
      expect([seen.length, left]).to.deep.equal([60, { unsent: 0, unanswered: 0 }]);
      expect(seen.filter(({ outcome }) => outcome.kind === "issued")).to.have.length(20);
      expect(seen.filter(({ isAgain }) => isAgain)).to.have.length(40);
      const last = seen
        .filter(({ outcome }) => outcome.kind === "issued")
        .map(({ answeredAtMs }) => answeredAtMs);
      const first = seen.slice(0, 20).map(({ answeredAtMs }) => answeredAtMs);
      expect(Math.min(...last) - Math.min(...first)).to.be.at.least(2 * 20 - 2);
    });

    it("ask no more than once where the job does not say so, nor after another refusal, nor once the time is over", async () => {
      answering = () => "overloaded";
      expect((await come(5, PATIENT)).seen).to.have.length(5);
      answering = () => "sold-out";
      expect((await come(5, { ...PATIENT, asksAgain: true })).seen).to.have.length(5);
      answering = () => "overloaded";
      const { seen, left } = await come(1, { sendWithinMs: 10, answerWithinMs: 60_000, asksAgain: true });
      expect([seen.length, left]).to.deep.equal([1, { unsent: 0, unanswered: 0 }]);
    });
  });

  it("tells how late each request was written, which is a part of its latency", async () => {
    answering = () => "coupon";
    const { seen } = await come(50, { ...PATIENT, connections: 1 });
    for (const { sentAfterMs = Number.NaN, latencyMs } of seen)
      expect(sentAfterMs).to.be.within(0, latencyMs);
    // One connection: all but the first waited for it.
    expect(seen.at(-1)?.sentAfterMs).to.be.greaterThan(seen[0]?.sentAfterMs ?? Number.NaN);
  });
});
