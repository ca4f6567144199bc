import { expect } from "chai";
import { CircuitOpen } from "../../claims/breaker.ts";
import type { IssuanceDoc } from "../../record/documents.ts";
import type { Issuances } from "../../record/issuances.ts";
import { systemClock } from "../../runtime/clock.ts";
import { FIND_PATH } from "../../server/rpc/find-answer.ts";
import { type BareAnswer, comparable, message, talk } from "../support/bare-connection.ts";
import { AUDIENCE, claimsOf, secretMaker, serverKey } from "../support/claim-credentials.ts";
import { openSale, type Sale } from "../support/open-sale.ts";
import { withStores } from "../support/with-stores.ts";
import { type ClaimServer, type ClaimServerOptions, claimServer } from "./claim-auth/claim-server.ts";

const SECRET = "a-secret-of-the-shop-0123456789-abcdefgh";
const [shop, forger] = [secretMaker(SECRET), secretMaker(`${SECRET}x`)];
const tokens = { secrets: [SECRET], jwks: undefined, audience: AUDIENCE, issuer: undefined, skewMs: 0 };
const key = serverKey("shop");
const CODE = "가나다라마바0001";
const DAMAGED = "가나다라마바0002";
const LIMIT = 4;

/** Issuances that fail in this way when they are asked. */
const failing = (error: Error) => (real: Issuances) => ({
  ...real,
  findByClaimKey: () => Promise.reject(error),
  findByCode: () => Promise.reject(error),
});

describe("a look-up is answered alike by the fast path and by the framework", () => {
  const stores = withStores();
  /** Its wall clock stands still, so that two answers have the same bytes. */
  const nowMs = Date.now();
  const clock = { ...systemClock, now: () => nowMs };
  let byUser: Sale;
  let byRequest: Sale;
  let server: ClaimServer | undefined;

  before(async () => {
    byUser = await openSale(stores, { total: 5 });
    byRequest = await openSale(stores, { total: 5, onePerUser: false });
    const place = { generation: 0, seq: 7, issuedAt: new Date(1_800_000_000_000) };
    const campaignId = byUser.campaign._id;
    const issuances = stores.db.collection<IssuanceDoc>("issuances");
    await issuances.insertMany([
      { _id: CODE, campaignId, claimKey: "alice", ...place },
      { _id: DAMAGED, campaignId, claimKey: "dora", ...place },
      { _id: "가나다라마바0003", campaignId: byRequest.campaign._id, claimKey: "r", ...place },
    ]);
    await issuances.updateOne({ _id: DAMAGED }, { $unset: { issuedAt: 1 } });
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  const serve = async (options: Partial<ClaimServerOptions>) => {
    const keys = [key.setting];
    server = await claimServer(stores, byUser, { mode: "open", clock, tokens, keys, ...options });
    return server;
  };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const as = (user: string, more: object = {}) => bearer(shop.sign(claimsOf(user, more)));

  /** The answers of the fast path and, because of the query, past it. */
  async function both(fields: object, headers: Record<string, string> = {}): Promise<BareAnswer[]> {
    const body = JSON.stringify({ campaignId: byUser.campaign._id, ...fields });
    const answers: BareAnswer[] = [];
    for (const path of [FIND_PATH, `${FIND_PATH}?`]) {
      const { head, body: bytes } = message(path, { body, headers });
      const [answer] = await talk(server?.port ?? 0, [head, bytes]);
      if (answer === undefined) throw new Error("a transport did not answer");
      answers.push(answer);
    }
    return answers;
  }

  async function expectAlike(status: number, fields: object, headers: Record<string, string> = {}) {
    const [fast, past] = await both(fields, headers);
    expect(fast?.status).to.include(` ${status} `);
    expect(fast && comparable(fast)).to.deep.equal(past && comparable(past));
    return Buffer.from(fast?.body ?? "", "latin1").toString();
  }

  it("with tokens: the user's own coupon, and nothing else", async () => {
    await serve({ mode: "token" });
    for (const fields of [{}, { userId: "alice" }, { code: CODE }])
      expect(await expectAlike(200, fields, as("alice"))).to.include(CODE);
    const past = { exp: Math.floor(Date.now() / 1_000) - 3_600 };
    const other = { campaign_id: "01JZ0000000000000000000000" };
    await expectAlike(401, { userId: "alice" });
    await expectAlike(401, { code: CODE }, { authorization: "Basic x" });
    await expectAlike(401, { userId: "alice" }, bearer(forger.sign(claimsOf("alice"))));
    await expectAlike(401, { userId: "alice" }, as("alice", past));
    await expectAlike(403, { userId: "alice" }, as("bob"));
    await expectAlike(403, {}, as("alice", other));
    await expectAlike(403, { userId: "alice" }, bearer(key.key));
    await expectAlike(404, { code: CODE }, as("bob"));
    await expectAlike(404, {}, as("bob"));
    // Nobody learns which campaigns there are without a credential.
    for (const campaignId of ["01M7YQZAAWCPD2T0Z7YQGQM1FV", "<b>", ""])
      await expectAlike(401, { campaignId, userId: "alice" });
    await expectAlike(404, { campaignId: "01M7YQZAAWCPD2T0Z7YQGQM1FV" }, as("alice"));
    await expectAlike(400, { campaignId: "" }, as("alice"));
    await expectAlike(400, { userId: "alice", code: CODE }, as("alice"));
    await expectAlike(400, { requestId: "r" }, as("alice"));
  });

  it("with keys, and where a campaign demands more than its deployment", async () => {
    await serve({ mode: "key" });
    expect(await expectAlike(200, { userId: "alice" }, bearer(key.key))).to.include(CODE);
    await expectAlike(400, {}, bearer(key.key));
    await expectAlike(401, { userId: "alice" });
    await server?.close();
    await serve({});
    const strict = await openSale(stores, { claimAuth: "token" });
    const campaignId = strict.campaign._id;
    await expectAlike(401, { campaignId, userId: "alice" });
    await expectAlike(403, { campaignId, userId: "alice" }, as("bob"));
    await expectAlike(404, { campaignId }, as("bob"));
  });

  it("of a request, where coupons are by request", async () => {
    await serve({});
    const campaignId = byRequest.campaign._id;
    expect(await expectAlike(200, { campaignId, requestId: "r" })).to.include("가나다라마바0003");
    await expectAlike(404, { campaignId, requestId: "s" });
    await expectAlike(400, { campaignId, userId: "alice" });
    await expectAlike(400, { campaignId });
  });

  it("of a damaged document, which is named without its code", async () => {
    await serve({});
    expect(await expectAlike(500, { userId: "dora" }))
      .to.include("data_loss")
      .and.not.include(DAMAGED);
  });

  for (const [what, error] of [
    ["is away", new CircuitOpen("away")],
    ["refuses the connection", Object.assign(new Error("refused"), { code: "ECONNREFUSED" })],
    ["fails for a reason that nobody knows", new Error("a bug")],
  ] as const)
    it(`when MongoDB ${what}`, async () => {
      await serve({ issuances: failing(error) });
      const status = error.message === "a bug" ? 500 : 503;
      await expectAlike(status, { userId: "alice" });
      await expectAlike(status, { code: CODE });
      await server?.close();
      await serve({ campaigns: (real) => ({ ...real, find: () => Promise.reject(error) }) });
      await expectAlike(status, { userId: "alice" });
    });

  it("over the limit of an address, which the look-ups of both use up", async () => {
    await serve({ mode: "token", limits: { address: { count: LIMIT, seconds: 3_600 } } });
    // Refused requests count, too.
    for (let i = 0; i < LIMIT / 2; i++) await expectAlike(401, { userId: "alice" });
    const [fast, past] = await both({ userId: "alice" }, as("alice"));
    // The time to wait goes on between the two answers.
    const timeless = (answer: BareAnswer | undefined) => {
      const { headers, body, status } = answer ?? { headers: {}, body: "{}", status: "" };
      const { details, ...told } = JSON.parse(body) as { details: { type: string }[] };
      const { date, "content-length": length, "retry-after": after, "x-request-id": id, ...rest } = headers;
      expect(id).to.match(/^[\da-f]{12}-[\da-f]{8}$/);
      return { status, ...told, types: details.map(({ type }) => type), rest, hasAfter: after !== undefined };
    };
    expect(fast?.status).to.include(" 429 ");
    expect(timeless(fast)).to.deep.equal(timeless(past));
    expect(Number(fast?.headers["retry-after"])).to.be.within(1, 3_600);
  });
});
