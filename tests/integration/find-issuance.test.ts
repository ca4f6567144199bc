import { createHash, randomBytes } from "node:crypto";
import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import {
  type FindIssuanceRequestSchema,
  FindIssuanceResponseSchema,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { IssuanceDoc } from "../../record/documents.ts";
import { refusal } from "../support/answers.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { AUDIENCE, claimsOf, secretMaker } from "../support/claim-credentials.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { OPERATOR_TOKEN } from "../support/operator-token.ts";
import { post } from "../support/post.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

type Ask = Exclude<MessageInitShape<typeof FindIssuanceRequestSchema>, { $typeName: string }>;

const NAME = `${KEY_PREFIX}홍길동`;
const [NFC, NFD] = [NAME.normalize("NFC"), NAME.normalize("NFD")];
const other = `${KEY_PREFIX}other`;
const requestId = (name: string) => `${KEY_PREFIX}request-${name}`;

describe("FindIssuance by claim key", () => {
  const stores = withStores();
  const secret = randomBytes(32).toString("hex");
  const tokens = { CLAIM_TOKEN_SECRET: secret, CLAIM_TOKEN_AUDIENCE: AUDIENCE };
  const tokenOf = (user: string) => secretMaker(secret).sign(claimsOf(user));
  let services: Services;
  /** The operators' clients of a service for each mode, all on the same stores. */
  let open: Clients;
  let key: Clients;
  let token: Clients;
  let openUrl: string;
  let tokenUrl: string;
  const shopKey = randomBytes(32).toString("hex");

  before(async () => {
    services = createServices(stores.env);
    const CLAIM_KEYS = `shop:${createHash("sha256").update(shopKey).digest("hex")}`;
    const urls = await Promise.all(
      [{}, { CLAIM_AUTH: "key", CLAIM_KEYS, ...tokens }, { CLAIM_AUTH: "token", ...tokens }].map(
        async (env) => (await services.start({ env })).url,
      ),
    );
    const keyUrl = urls[1] ?? "";
    [openUrl = "", , tokenUrl = ""] = urls;
    [open, key, token] = [connectClients(openUrl), connectClients(keyUrl), connectClients(tokenUrl)];
  });
  after(() => services.end());

  /** The code that a claim got. */
  async function claimed(clients: Clients, credential: string | undefined, claim: object): Promise<string> {
    const headers = credential === undefined ? undefined : { authorization: `Bearer ${credential}` };
    const { coupon } = await clients.coupons.issueCoupon(claim, headers === undefined ? {} : { headers });
    return coupon?.code ?? expect.fail("no coupon");
  }

  async function found(clients: Clients, ask: Ask) {
    const { issuance, others, hasMore } = await clients.campaigns.findIssuance(ask);
    const shown = issuance === undefined ? [] : [issuance, ...others];
    return {
      hasMore,
      found: shown.map(({ coupon, userId, requestId: id }) => [coupon?.code, userId, id]),
    };
  }

  const only = (...one: string[]) => ({ hasMore: false, found: [one] });

  async function refused(clients: Clients, ask: Ask): Promise<string> {
    const { reason, code, message } = await refusal(clients.campaigns.findIssuance(ask));
    if (reason === "NO_COUPON") expect(code).to.equal(Code.NotFound);
    return reason === "INVALID" ? (message.split(": ")[0] ?? "") : String(reason);
  }

  it("open, one per user: the user id exactly as it was sent", async () => {
    const campaignId = await createOpenCampaign(open, { total: 3 });
    const code = await claimed(open, undefined, { campaignId, userId: NFD });
    expect(await found(open, { campaignId, userId: NFD })).to.deep.equal(only(code, NFD, ""));
    expect(await found(open, { campaignId: campaignId.toLowerCase(), userId: NFD })).to.deep.equal(
      only(code, NFD, ""),
    );
    expect(await refused(open, { campaignId, userId: NFC })).to.equal("NO_COUPON");
    expect(await refused(open, { campaignId, requestId: NFD })).to.equal("user_id");
  });

  it("open, by request: the request id alone, or with the user that it came with", async () => {
    const campaignId = await createOpenCampaign(open, { total: 3, onePerUser: false });
    const code = await claimed(open, undefined, { campaignId, userId: NFC, requestId: requestId("a") });
    const its = only(code, NFC, requestId("a"));
    expect(await found(open, { campaignId, requestId: requestId("a") })).to.deep.equal(its);
    expect(await found(open, { campaignId, requestId: requestId("a"), userId: NFC })).to.deep.equal(its);
    const wrong = { campaignId, requestId: requestId("a"), userId: other };
    expect(await refused(open, wrong)).to.equal("NO_COUPON");
    expect(await refused(open, { campaignId, requestId: requestId("b") })).to.equal("NO_COUPON");
    expect(await refused(open, { campaignId, userId: NFC })).to.equal("request_id");
  });

  it("token, one per user: in any Unicode form, with the operator's credential alone", async () => {
    const campaignId = await createOpenCampaign(token, { total: 3 });
    const code = await claimed(token, tokenOf(NFD), { campaignId });
    for (const userId of [NFC, NFD])
      expect(await found(token, { campaignId, userId })).to.deep.equal(only(code, NFC, ""));
    expect(await refused(token, { campaignId, userId: other })).to.equal("NO_COUPON");
    const anyone = connectClients(tokenUrl, { token: null });
    expect(await refused(anyone, { campaignId, userId: NFC })).to.equal("UNAUTHENTICATED");
    const shopper = connectClients(tokenUrl, { token: tokenOf(NFC) });
    expect(await refused(shopper, { campaignId, userId: NFC })).to.equal("UNAUTHENTICATED");
  });

  it("token, by request: a request id is its user's own, and a user has several coupons", async () => {
    const campaignId = await createOpenCampaign(token, { total: 5, onePerUser: false });
    const mine = [];
    for (const name of ["b", "a"])
      mine.push(await claimed(token, tokenOf(NFC), { campaignId, requestId: requestId(name) }));
    const [b = "", a = ""] = mine;
    const theirs = await claimed(token, tokenOf(other), { campaignId, requestId: requestId("a") });
    // A user id that begins with another's.
    await claimed(token, tokenOf(`${other}s`), { campaignId, requestId: requestId("a") });
    const ofBoth = [
      [a, NFC, requestId("a")],
      [b, NFC, requestId("b")],
    ];
    for (const userId of [NFC, NFD]) {
      expect(await found(token, { campaignId, userId })).to.deep.equal({ hasMore: false, found: ofBoth });
      expect(await found(token, { campaignId, userId, requestId: requestId("a") })).to.deep.equal(
        only(a, NFC, requestId("a")),
      );
    }
    expect(await found(token, { campaignId, userId: other })).to.deep.equal(
      only(theirs, other, requestId("a")),
    );
    expect(await refused(token, { campaignId, userId: other, requestId: requestId("b") })).to.equal(
      "NO_COUPON",
    );
    expect(await refused(token, { campaignId, userId: `${KEY_PREFIX}nobody` })).to.equal("NO_COUPON");
    expect(await refused(token, { campaignId, requestId: requestId("a") })).to.equal("user_id, request_id");
  });

  it("key, by request: claims of the backend by their request ids, those with tokens by their users", async () => {
    const campaignId = await createOpenCampaign(key, { total: 5, onePerUser: false });
    const bare = await claimed(key, shopKey, { campaignId, userId: NFD, requestId: requestId("a") });
    const own = await claimed(key, tokenOf(other), { campaignId, requestId: requestId("a") });
    expect(await found(key, { campaignId, requestId: requestId("a") })).to.deep.equal(
      only(bare, NFC, requestId("a")),
    );
    for (const userId of [NFC, NFD])
      expect(await found(key, { campaignId, userId, requestId: requestId("a") })).to.deep.equal(
        only(bare, NFC, requestId("a")),
      );
    expect(await found(key, { campaignId, userId: other, requestId: requestId("a") })).to.deep.equal(
      only(own, other, requestId("a")),
    );
    expect(await found(key, { campaignId, userId: other })).to.deep.equal(only(own, other, requestId("a")));
    // The backend's claims of a user cannot be told from those of nobody.
    expect(await refused(key, { campaignId, userId: NFC })).to.equal("request_id");
    expect(await refused(key, { campaignId, requestId: requestId("b") })).to.equal("user_id, request_id");
  });

  it("an open campaign whose deployment demands tokens by now: what was claimed before, and after", async () => {
    const campaignId = await createOpenCampaign(open, { total: 5, onePerUser: false });
    const before = await claimed(open, undefined, { campaignId, userId: NFC, requestId: requestId("a") });
    const since = await claimed(token, tokenOf(NFC), { campaignId, requestId: requestId("a") });
    expect(await found(token, { campaignId, requestId: requestId("a") })).to.deep.equal(
      only(before, NFC, requestId("a")),
    );
    expect(await found(token, { campaignId, userId: NFC })).to.deep.equal(only(since, NFC, requestId("a")));
    expect(await refused(token, { campaignId, userId: other })).to.equal("request_id");
  });

  it("of a user with more than a hundred, a hundred and that there are more", async () => {
    const campaignId = await createOpenCampaign(token, { total: 1, onePerUser: false });
    const issuances = stores.db.collection<IssuanceDoc>("issuances");
    const insert = async (from: number, to: number) => {
      const docs = Array.from({ length: to - from }, (_, i): IssuanceDoc => {
        const seq = from + i;
        const [text, claimKey] = [
          String(seq).padStart(4, "0"),
          `${other}\u001f${requestId(String(1_000 + seq))}`,
        ];
        return {
          ...{ _id: `가나다라마사${text}`, campaignId, claimKey, userId: other },
          ...{ generation: 1, seq, issuedAt: new Date() },
        } as IssuanceDoc;
      });
      await issuances.insertMany(docs);
    };
    await insert(1, 101);
    const all = await found(token, { campaignId, userId: other });
    expect([all.found.length, all.hasMore]).to.deep.equal([100, false]);
    await insert(101, 102);
    const most = await found(token, { campaignId, userId: other });
    expect([most.found.length, most.hasMore]).to.deep.equal([100, true]);
    expect(most.found).to.deep.equal(all.found);
  });

  it("answers what an older client sends, code and campaign id by their field numbers, with nothing new", async () => {
    const campaignId = await createOpenCampaign(open, { total: 2 });
    const code = await claimed(open, undefined, { campaignId, userId: other });
    const field = (number: number, text: string) => {
      const bytes = Buffer.from(text);
      return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
    };
    for (const bytes of [field(1, code), Buffer.concat([field(1, code), field(2, campaignId)])]) {
      const response = await fetch(`${openUrl}/coupon.v1.CampaignService/FindIssuance`, {
        method: "POST",
        headers: { "content-type": "application/proto", authorization: `Bearer ${OPERATOR_TOKEN}` },
        body: new Uint8Array(bytes),
      });
      expect(response.status).to.equal(200);
      const answer = fromBinary(FindIssuanceResponseSchema, new Uint8Array(await response.arrayBuffer()));
      expect([answer.issuance?.coupon?.code, answer.issuance?.userId]).to.deep.equal([code, other]);
    }
    const { json } = await post(openUrl, "CampaignService/FindIssuance", { code });
    expect(json).to.have.keys(["issuance", "campaignName"]);
  });
});
