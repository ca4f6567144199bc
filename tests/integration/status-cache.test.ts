import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { type Nginx, startNginx } from "../support/nginx.ts";
import { HANG_MS } from "../support/patience.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const PAGES = 8;
/** The codes are made meanwhile, and some answers may be kept. */
const AHEAD_MS = 9_000;
const ENOUGH = 100;
const NEAR_MS = 5_000;

type Answer = {
  readonly askedAtMs: number;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: { readonly state?: string; readonly serverTime?: string; readonly code?: string };
};

const isHit = ({ headers }: Answer) => headers["x-cache"] === "HIT";
const answeredAt = ({ body }: Answer) => Date.parse(body.serverTime ?? "");

describe("A countdown page behind nginx that keeps answers", () => {
  const stores = withStores();
  const agent = new Agent({ keepAlive: true, maxSockets: PAGES });
  let services: Services;
  let service: Service;
  let nginx: Nginx;
  let clients: Clients;

  before(async () => {
    services = createServices(stores.env);
    service = await services.start();
    nginx = await startNginx([Number(new URL(service.url).port)], { isCaching: true });
    clients = connectClients(service.url);
  });

  after(async () => {
    agent.destroy();
    await nginx?.close();
    await services.end();
  });

  function ask(campaignId: string, headers: Record<string, string> = {}): Promise<Answer> {
    const url = new URL("/coupon.v1.CouponService/GetCampaignStatus", nginx.url);
    url.search = `connect=v1&encoding=json&message=${encodeURIComponent(JSON.stringify({ campaignId }))}`;
    const askedAtMs = Date.now();
    return new Promise((resolve, reject) => {
      request(url, { agent, headers }, async (response) => {
        let text = "";
        for await (const piece of response) text += piece;
        const { statusCode: status = 0, headers: told } = response;
        resolve({ askedAtMs, status, headers: told, body: text === "" ? {} : JSON.parse(text) });
      })
        .once("error", reject)
        .end();
    });
  }

  /** Pages that ask one time after the other, and no page twice at once, until `isEnough`. */
  async function asking(campaignId: string, isEnough: (answers: readonly Answer[]) => boolean) {
    const answers: Answer[] = [];
    const deadlineMs = Date.now() + HANG_MS;
    // Every second one tells the ETag that it has, as browsers do.
    const page = async (_: unknown, number: number) => {
      let etag: string | undefined;
      while (!isEnough(answers)) {
        expect(Date.now(), "in time").to.be.below(deadlineMs);
        const answer = await ask(campaignId, etag === undefined ? {} : { "if-none-match": etag });
        if (number % 2 === 1) etag = answer.headers.etag;
        answers.push(answer);
      }
    };
    await Promise.all(Array.from({ length: PAGES }, page));
    return answers;
  }

  it("asks the service about once a second for all pages, and never tells an old answer over the start", async () => {
    const startsAtMs = Date.now() + AHEAD_MS;
    const { id } = await createCampaign(clients, { total: 10, startsAtMs });
    await untilState(clients, id, "SCHEDULED");
    const hitsAfter = (answers: readonly Answer[]) =>
      answers.filter((one) => isHit(one) && one.askedAtMs >= startsAtMs).length;
    const answers = await asking(id, (all) => hitsAfter(all) >= ENOUGH);

    const stale = answers.filter(
      (one) =>
        isHit(one) && one.askedAtMs >= startsAtMs && one.status === 200 && answeredAt(one) < startsAtMs,
    );
    expect(stale, "answers from before the start that nginx gave after it").to.deep.equal([]);
    expect(answers.at(-1)?.body.state ?? "304").to.be.oneOf(["CAMPAIGN_STATE_OPEN", "304"]);
    for (const one of answers.filter(({ status }) => status === 200)) {
      const left = startsAtMs - answeredAt(one);
      const isNear = left > 0 && left < NEAR_MS;
      if (isNear) expect(one.headers["cache-control"]).to.equal("no-store");
      if (isNear) expect(isHit(one), "kept near the start").to.equal(false);
    }
    const far = answers.filter(({ askedAtMs }) => askedAtMs < startsAtMs - NEAR_MS);
    expect(far.filter(isHit).length, "hits far from the start").to.be.above(far.length / 2);
    expect(answers.filter(({ status }) => status === 304).length, "304 Not Modified").to.be.above(0);
    for (const { headers } of answers) expect(headers).not.to.have.property("set-cookie");
  });

  it("tells a pause once what it kept has expired", async () => {
    const { id } = await createCampaign(clients, { total: 10, startsAtMs: Date.now() + 3_600_000 });
    await untilState(clients, id, "SCHEDULED");
    const before = await asking(id, (all) => all.filter(isHit).length >= ENOUGH);
    expect(before.filter(isHit).length).to.be.above(before.length / 2);
    await clients.campaigns.pauseCampaign({ campaignId: id });
    const paused = ({ body }: Answer) => body.state === "CAMPAIGN_STATE_PAUSED";
    expect(await until(async () => paused(await ask(id)), HANG_MS, 50)).to.equal(true);
  });

  it("keeps that there is no such campaign", async () => {
    const unknown = "01M7YQZAAWCPD2T0Z7YQGQM1FV";
    const kept = async () => {
      const answer = await ask(unknown);
      expect([answer.status, answer.body.code]).to.deep.equal([404, "not_found"]);
      return isHit(answer);
    };
    expect(await until(kept, HANG_MS, 10)).to.equal(true);
  });

  it("serves Connect clients that ask by GET, in JSON and binary", async () => {
    const { id } = await createCampaign(clients, { total: 10, startsAtMs: Date.now() + 3_600_000 });
    await untilState(clients, id, "SCHEDULED");
    for (const useBinaryFormat of [false, true]) {
      const transport = createConnectTransport({
        ...{ baseUrl: nginx.url, httpVersion: "1.1", useHttpGet: true, useBinaryFormat },
      });
      const methods: string[] = [];
      const { getCampaignStatus } = createClient(CouponService, {
        ...transport,
        unary: async (...given) => {
          const response = await transport.unary(...given);
          methods.push(response.header.get("x-cache") ?? "not by GET");
          return response;
        },
      });
      const told = await getCampaignStatus({ campaignId: id });
      expect([told.state, told.millisToStart > 0n]).to.deep.equal([CampaignState.SCHEDULED, true]);
      expect(methods[0]).to.be.oneOf(["MISS", "HIT", "EXPIRED"]);
    }
  });
});
