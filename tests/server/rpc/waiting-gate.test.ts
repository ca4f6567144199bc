import { request as http1, type IncomingMessage } from "node:http";
import { connect as http2 } from "node:http2";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import type { OperatorAnswer } from "../../../access/operators.ts";
import { RefusalReason } from "../../../proto/gen/coupon/v1/refusal_pb.ts";
import { type GatedApp, refusalIn, startGatedApp, TRANSPORTS } from "../../support/gated-app.ts";
import { HANG_MS } from "../../support/patience.ts";

const KIM: OperatorAnswer = {
  kind: "operator",
  operator: { name: "kim", role: "admin", isShared: false },
};
const LIST = "/coupon.v1.CampaignService/ListCampaigns";

/** Calls whose credential is decided when the test says so. */
class Undecided {
  readonly #waiting: ((answer: OperatorAnswer | Error) => void)[] = [];
  #arrived: () => void = () => undefined;

  authenticate = (): Promise<OperatorAnswer> =>
    new Promise((resolve, reject) => {
      this.#waiting.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
      this.#arrived();
    });

  async arrival(): Promise<void> {
    if (this.#waiting.length > 0) return;
    await new Promise<void>((resolve) => {
      this.#arrived = resolve;
    });
  }

  async decide(answer: OperatorAnswer | Error): Promise<void> {
    await this.arrival();
    this.#waiting.shift()?.(answer);
  }
}

describe("operator gate that waits", function () {
  this.timeout(HANG_MS);
  const calls = new Undecided();
  let app: GatedApp;

  before(async () => {
    app = await startGatedApp(calls.authenticate);
  });
  beforeEach(() => {
    app.reached.length = 0;
  });
  after(() => app.close());

  for (const transport of TRANSPORTS) {
    it(`no byte of a body is lost while its request waits, over ${transport}`, async () => {
      const client = app.campaigns(transport);
      const name = "가".repeat(4_000);
      const unary = client.createCampaign({ name });
      await calls.decide(KIM);
      await unary;
      const stream = refusalIn(client.exportCoupons({ campaignId: name }));
      await calls.decide(KIM);
      expect(await stream).to.equal(undefined);
      expect(app.reached.map(({ method, operator }) => [method, operator])).to.deep.equal([
        ["createCampaign", "kim"],
        ["exportCoupons", "kim"],
      ]);
      expect(app.reached.map(({ request }) => JSON.stringify(request))).to.satisfy((texts: string[]) =>
        texts.every((text) => text.includes(name)),
      );
    });

    it(`each answer has its code, over ${transport}`, async () => {
      const rows = [
        [{ kind: "undecided", why: "w" }, Code.Unavailable, RefusalReason.OVERLOADED],
        [{ kind: "denied", why: "w" }, Code.PermissionDenied, RefusalReason.PERMISSION_DENIED],
        [{ kind: "wrong", why: "w" }, Code.Unauthenticated, RefusalReason.UNAUTHENTICATED],
        [new Error("a bug"), Code.Internal, undefined],
      ] as const;
      const client = app.campaigns(transport);
      for (const [answer, code, reason] of rows)
        for (const call of [() => client.listCampaigns({}), () => client.exportCoupons({})]) {
          const refusal = refusalIn(call());
          await calls.decide(answer);
          const told = await refusal;
          expect([told?.code, told?.reason], JSON.stringify(answer)).to.deep.equal([code, reason]);
          expect(told?.message).not.to.include("a bug");
        }
      expect(app.reached).to.deep.equal([]);
    });
  }

  it("a body that arrives in pieces before and after the decision is read whole", async () => {
    const sent = http1(app.urls.http + LIST, {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": 24 },
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      sent.on("response", resolve).on("error", reject);
    });
    sent.write('{"pageSize"');
    await calls.decide(KIM);
    sent.end(":7          }");
    const response = await answered;
    response.resume();
    expect(response.statusCode).to.equal(200);
    expect(app.reached.map(({ request }) => request)).to.have.nested.property("[0].pageSize", 7);
  });

  it("a caller that leaves while it waits reaches nothing, over HTTP/1.1", async () => {
    const sent = http1(app.urls.http + LIST, {
      ...{ method: "POST", agent: false },
      headers: { "content-type": "application/json", "content-length": 2 },
    });
    sent.on("error", () => undefined);
    sent.end("{}");
    await calls.arrival();
    sent.destroy();
    await app.newestClosed("http");
    await calls.decide(KIM);
    const other = app.campaigns("Connect, JSON").getCampaign({});
    await calls.decide(KIM);
    await other;
    expect(app.reached.map(({ method }) => method)).to.deep.equal(["getCampaign"]);
  });

  it("a caller that leaves while it waits reaches nothing, over HTTP/2", async () => {
    const session = http2(app.urls.grpc);
    const stream = session.request({
      ...{ ":method": "POST", ":path": LIST, "content-type": "application/grpc", te: "trailers" },
    });
    stream.on("error", () => undefined);
    stream.end(Buffer.alloc(5));
    await calls.arrival();
    session.destroy();
    await app.newestClosed("grpc");
    await calls.decide(KIM);
    const other = app.campaigns("gRPC").getCampaign({});
    await calls.decide(KIM);
    await other;
    expect(app.reached.map(({ method }) => method)).to.deep.equal(["getCampaign"]);
  });
});
