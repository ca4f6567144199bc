import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { dueInstants, type Stream } from "../../bench/load/caller-jobs.ts";
import { createLightClient, type LightClient, wholeAnswer } from "../../bench/load/light-client.ts";
import { runCallers } from "../../bench/load/run-callers.ts";
import { percentilesOf } from "../../callers/percentiles.ts";
import { seededRandom } from "../../callers/random.ts";

const CAMPAIGN = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

describe("bench: callers", () => {
  describe("when they come", () => {
    const stream: Stream = {
      ...{ campaignId: CAMPAIGN, userPrefix: "u", fromMs: 5_000, perSecond: 500, count: 4, seed: 1 },
      spacing: "even",
    };

    it("evenly: one each so often, the first at once", () => {
      expect(dueInstants(stream, seededRandom(1))).to.deep.equal([5_000, 5_002, 5_004, 5_006]);
    });

    it("at random: ascending, in the mean at the rate, with gaps as they come by chance", () => {
      const due = dueInstants({ ...stream, spacing: "random", count: 20_000 }, seededRandom(7));
      const gaps = due.map((atMs, index) => atMs - (due[index - 1] ?? 5_000));
      expect(Math.min(...gaps)).to.be.at.least(0);
      expect((due.at(-1) ?? 0) - 5_000).to.be.closeTo(40_000, 1_200);
      // Exponential: the median gap is ln 2 of the mean one. Even gaps would have it at 2 ms.
      expect(percentilesOf(gaps).at(50)).to.be.closeTo(2 * Math.LN2, 0.05);
      expect(dueInstants({ ...stream, spacing: "random", count: 9 }, seededRandom(7))).to.deep.equal(
        due.slice(0, 9),
      );
    });
  });

  describe("an answer read in parts", () => {
    const text = (body: string) =>
      `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\nx: y\r\n\r\n${Buffer.from(body).toString("latin1")}`;

    it("is whole at its last byte, and not before; bytes are counted, characters are given", () => {
      const whole = text('{"code":"가나0"}');
      for (let end = 0; end < whole.length; end += 1)
        expect(wholeAnswer(whole.slice(0, end))).to.equal(undefined);
      expect(wholeAnswer(whole)).to.deep.equal({ status: 200, body: '{"code":"가나0"}' });
    });

    it("is none where it has no length, is longer than it says, or is no HTTP", () => {
      expect(wholeAnswer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?.status).to.equal(0);
      expect(wholeAnswer(`${text("a")}b`)?.status).to.equal(0);
      expect(wholeAnswer("220 mail\r\n\r\n")?.status).to.equal(0);
    });
  });

  describe("against a server", () => {
    let server: Server;
    let client: LightClient;
    let underWay = 0;
    let most = 0;
    let sockets = 0;
    let cut = false;

    beforeEach(async () => {
      [underWay, most, sockets, cut] = [0, 0, 0, false];
      server = createServer((request, response) => {
        underWay += 1;
        most = Math.max(most, underWay);
        let body = "";
        request.on("data", (part: Buffer) => {
          body += part.toString();
        });
        request.on("end", () => {
          setImmediate(() => {
            underWay -= 1;
            if (cut) {
              request.socket.destroy();
              return;
            }
            const { campaignId, userId } = JSON.parse(body) as { campaignId: string; userId: string };
            const coupon = { code: `코드${userId}`, campaignId, seq: 1, issuedAt: new Date(0).toISOString() };
            const json = JSON.stringify({ coupon, replayed: false });
            response.writeHead(200, { "content-length": Buffer.byteLength(json) }).end(json);
          });
        });
      });
      server.on("connection", () => {
        sockets += 1;
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      client = createLightClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 4);
    });

    afterEach(async () => {
      client.close();
      await new Promise((resolve) => server.close(resolve));
    });

    const job = { baseUrl: "", campaignId: CAMPAIGN, userPrefix: "u", connections: 4 };

    it("a burst: each user once, over no more connections than it may, each with its own answer", async () => {
      const { seen, seconds } = await runCallers({ kind: "burst", users: 100, ...job }, client);
      const codes = seen.map(({ outcome }) => (outcome.kind === "issued" ? outcome.code : ""));
      expect(new Set(codes)).to.deep.equal(new Set(Array.from({ length: 100 }, (_, i) => `코드u${i}`)));
      expect(most).to.be.at.most(4);
      expect(sockets).to.equal(4);
      expect(seconds).to.be.greaterThan(0);
      for (const { latencyMs } of seen) expect(latencyMs).to.be.within(0, seconds * 1_000);
    });

    it("by the clock: nobody before due, all answered, and told which stream they are of", async () => {
      const stream = { campaignId: CAMPAIGN, perSecond: 1_000, seed: 3, spacing: "even" as const };
      const fromMs = Date.now() + 20;
      const { seen } = await runCallers(
        {
          ...{ kind: "open-loop", baseUrl: "", connections: 4 },
          streams: [
            { ...stream, userPrefix: "a", fromMs, count: 30 },
            { ...stream, userPrefix: "b", fromMs: fromMs + 10, count: 20 },
          ],
        },
        client,
      );
      expect(seen.filter((one) => one.stream === 0)).to.have.length(30);
      expect(seen.filter((one) => one.stream === 1)).to.have.length(20);
      for (const { latencyMs, answeredAtMs } of seen) {
        expect(latencyMs).to.be.at.least(0);
        expect(answeredAtMs).to.be.at.least(fromMs);
      }
    });

    it("a broken connection is an unknown answer, and the next caller gets a new connection", async () => {
      cut = true;
      const broken = await client.post("/", "{}");
      expect(broken.status).to.equal(0);
      cut = false;
      const { seen } = await runCallers({ kind: "burst", users: 1, ...job }, client);
      expect(seen.map(({ outcome }) => outcome.kind)).to.deep.equal(["issued"]);
      expect(sockets).to.equal(2);
    });
  });
});
