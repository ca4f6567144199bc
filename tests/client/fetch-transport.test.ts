import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { createCouponClient, type Progress } from "../../client/coupon-client.ts";
import {
  GetCampaignStatusResponseSchema,
  IssueCouponResponseSchema,
} from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { passUntil } from "./stub-transport.ts";

const ID = "0123456789ABCDEFGHJKMNPQRS";
const coupon = { code: "가0", campaignId: ID, seq: 1, issuedAt: timestampFromMs(1) };
const issued = toBinary(IssueCouponResponseSchema, create(IssueCouponResponseSchema, { coupon }));

const answer = (status: number, type: string, body: BodyInit, more: Record<string, string> = {}) =>
  new Response(body, { status, headers: { "content-type": type, ...more } });

function clientOf(answers: readonly (Response | Error)[]) {
  const clock = fakeClock();
  const script = [...answers];
  const asked: { url: string; init: RequestInit; atMs: number }[] = [];
  const client = createCouponClient({
    ...{ baseUrl: "https://coupons.example/", token: "secret", clock, random: () => 0 },
    async fetch(url, init) {
      asked.push({ url, init, atMs: clock.elapsed() });
      const next = script.shift();
      if (next instanceof Response) return next;
      throw next;
    },
  });
  return { client, clock, asked };
}

describe("The client's own transport", () => {
  it("takes no page of a proxy for an answer of the service, and asks again", async () => {
    const { client, clock, asked } = clientOf([
      new TypeError("Failed to fetch"),
      answer(200, "text/html", "<h1>Sign in to this network</h1>"),
      answer(503, "text/html", "<h1>busy</h1>", { "retry-after": "2" }),
      answer(502, "application/json", '{"half'),
      answer(500, "application/json", '{"code":7,"details":[1]}'),
      answer(200, "application/proto", issued.slice(0, -3)),
      answer(200, "application/proto; charset=utf-8", issued),
    ]);
    expect(await passUntil(clock, client.claim(ID))).to.include({ kind: "issued" });
    expect(asked.map(({ atMs }) => Math.round(atMs))).to.deep.equal([0, 0, 0, 2_000, 2_000, 2_000, 2_000]);
  });

  it("lets no proxy send a claim away for hours, and says why nothing was reached", async () => {
    const unreached = new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
    const { client, clock, asked } = clientOf([
      answer(503, "text/html", "<h1>maintenance</h1>", { "retry-after": "86400" }),
      answer(503, "text/html", "<h1>maintenance</h1>", { "retry-after": "Infinity" }),
      unreached,
      answer(200, "application/proto", issued),
    ]);
    const told: string[] = [];
    const onProgress = (progress: Progress) => progress.kind === "waiting" && told.push(progress.message);
    expect(await passUntil(clock, client.claim(ID, { onProgress }))).to.include({ kind: "issued" });
    expect(asked.map(({ atMs }) => Math.round(atMs))).to.deep.equal([0, 30_000, 60_000, 60_000]);
    expect(told).to.deep.equal(["HTTP 503", "HTTP 503", "fetch failed: connect ECONNREFUSED"]);
  });

  for (const [status, isFinal] of [
    [413, true],
    [431, true],
    [400, false],
    [408, false],
    [425, false],
    [429, false],
    [500, false],
  ] as const)
    it(`${isFinal ? "does not ask" : "asks"} again after HTTP ${status} of a proxy`, async () => {
      const { client, clock, asked } = clientOf([
        answer(status, "text/html", "<h1>of a proxy</h1>"),
        answer(200, "application/proto", issued),
      ]);
      const outcome = await passUntil(clock, client.claim(ID));
      expect(outcome.kind).to.equal(isFinal ? "failed" : "issued");
      expect(asked).to.have.length(isFinal ? 1 : 2);
      if (isFinal) expect(outcome).to.include({ message: `HTTP ${status}` });
    });

  for (const baseUrl of ["", "coupons.example", "127.0.0.1:8080", "localhost:8080", "ftp://coupons.example"])
    it(`takes no base URL outside of a page that is no address: ${JSON.stringify(baseUrl)}`, () => {
      expect(() => createCouponClient({ baseUrl })).to.throw(TypeError, `baseUrl "${baseUrl}"`);
      expect(() => createCouponClient({ baseUrl, fetch: async () => answer(200, "", "") })).not.to.throw();
    });

  it("asks for a coupon by POST with the credential, and for the public status by GET without any", async () => {
    const message = create(GetCampaignStatusResponseSchema, {
      startsAt: timestampFromMs(2),
      serverTime: timestampFromMs(1),
    });
    const status = toBinary(GetCampaignStatusResponseSchema, message);
    const { client, asked } = clientOf([
      answer(200, "application/proto", issued),
      answer(200, "application/proto", status),
    ]);
    await client.claim(ID);
    await client.status(ID);
    const [claim, look] = asked.map(({ url, init }) => ({
      ...{ url, method: init.method },
      headers: Object.fromEntries(new Headers(init.headers)),
    }));
    expect(claim).to.deep.equal({
      url: "https://coupons.example/coupon.v1.CouponService/IssueCoupon",
      method: "POST",
      headers: {
        authorization: "Bearer secret",
        "connect-protocol-version": "1",
        "connect-timeout-ms": "8000",
        "content-type": "application/proto",
      },
    });
    // No header that a browser would ask another origin about first.
    expect(look?.headers).to.deep.equal({});
    expect(look?.method).to.equal("GET");
    expect(look?.url).to.match(
      /^https:\/\/coupons\.example\/coupon\.v1\.CouponService\/GetCampaignStatus\?connect=v1&encoding=proto&base64=1&message=[\w-]+$/,
    );
  });
});
