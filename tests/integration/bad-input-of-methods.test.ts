import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { refusal } from "../support/answers.ts";
import { createCampaign } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const SERVICES = { coupons: CouponService, campaigns: CampaignService, redemptions: RedemptionService };
const LONG = "x".repeat(300);
const CONTROL = "a\nb";
const code = "가나다라0000";

type Row = readonly [method: string, request: object, field: string, ...words: string[]];

describe("Bad input to each method is refused with its field", () => {
  const stores = withStores();
  let services: Services;
  let clients: Clients;
  let campaignId: string;
  let importId: string;

  before(async () => {
    services = createServices(stores.env);
    clients = connectClients((await services.start()).url);
    campaignId = (await createCampaign(clients, { total: 1 })).id;
    importId = (await clients.campaigns.beginCodeImport({ requestId: "bad" })).codeImport?.id ?? "";
  });
  after(() => services.end());

  const rows = (): readonly Row[] => [
    ["issueCoupon", { userId: "u" }, "campaign_id", "empty"],
    ["findCoupon", { campaignId }, "user_id, request_id, code", "exactly one"],
    ["getCampaignStatus", {}, "campaign_id", "empty"],
    ["getCampaignCommitment", {}, "campaign_id"],
    ["getIssuanceProof", { campaignId }, "user_id, request_id, code"],
    ["createCampaign", { name: "a" }, "total"],
    ["getCampaign", { campaignId, pageSize: -1 }, "page_size"],
    ["listCampaigns", { pageSize: 101 }, "page_size"],
    ["watchCampaign", { campaignId, intervalMs: 99 }, "interval_ms"],
    ["exportCoupons", { campaignId, batchSize: -1 }, "batch_size"],
    ["preflightCampaign", {}, "campaign_id"],
    ["verifyCampaign", {}, "campaign_id"],
    ["pauseCampaign", {}, "campaign_id"],
    ["pauseCampaign", { campaignId, actor: LONG }, "actor", "300"],
    ["resumeCampaign", { campaignId, requestId: CONTROL }, "request_id", "control"],
    ["rescheduleCampaign", { campaignId }, "starts_at", "required"],
    ["addCoupons", { campaignId }, "count", "at least 1"],
    ["addCoupons", { campaignId, count: 5_000_001 }, "count", "at most 5,000,000"],
    ["endCampaign", { campaignId, requestId: LONG }, "request_id", "128"],
    ["cancelCampaign", { campaignId, actor: CONTROL }, "actor", "control"],
    ["updateCampaign", { campaignId }, "name, ends_at, no_end", "nothing to change"],
    ["updateCampaign", { campaignId, forgetUsersAfterDays: 4_000 }, "forget_users_after_days", "3,650"],
    ["listHistory", { campaignId, pageSize: 1_001 }, "page_size"],
    ["listHistory", { campaignId, pageToken: "x" }, "page_token"],
    ["describeFormats", { codeFormats: ["?"] }, "code_format"],
    ["beginCodeImport", {}, "request_id", "empty"],
    ["beginCodeImport", { requestId: LONG }, "request_id", "128"],
    ["uploadCodes", { codes: ["A1"] }, "import_id", "empty"],
    ["uploadCodes", { importId: campaignId, codes: ["A1"] }, "import_id", "no import"],
    ["uploadCodes", { importId }, "codes", "1 to 5,000"],
    ["uploadCodes", { importId, codes: Array.from({ length: 5_001 }, () => "") }, "codes", "1 to 5,000"],
    ["uploadCodes", { importId, firstRow: -1, codes: ["A1"] }, "first_row", "-1"],
    ["uploadCodes", { importId, firstRow: 1, codes: ["A1"] }, "first_row", "at most 0"],
    ["getCodeImport", { importId: "x" }, "import_id", "no import"],
    ["getCodeImport", { importId, pageSize: 1_001 }, "page_size"],
    ["getCodeImport", { importId, pageToken: "x" }, "page_token"],
    ["discardCodeImport", {}, "import_id", "empty"],
    ["discardCodeImport", { importId: campaignId }, "import_id", "no import"],
    ["findIssuance", { campaignId }, "code, user_id, request_id"],
    ["findAttempts", { campaignId }, "user_id, request_id", "give the user id"],
    ["findAttempts", { campaignId, userId: LONG }, "user_id", "128"],
    ["findAttempts", { campaignId, requestId: CONTROL }, "request_id", "control"],
    ["findAttempts", { userId: "u" }, "campaign_id", "empty"],
    ["eraseUsers", { campaignId }, "user_ids", "1 to 1000"],
    ["eraseUsers", { userIds: Array.from({ length: 1_001 }, (_, i) => `u${i}`) }, "user_ids", "1 to 1000"],
    ["eraseUsers", { userIds: ["u", CONTROL] }, "user_id", "control"],
    ["eraseUsers", { userIds: ["u"], actor: LONG }, "actor", "300"],
    ["getCampaignStats", { campaignId, bucketMs: -1 }, "bucket_ms"],
    ["createRehearsal", { campaignId }, "starts_at", "required"],
    ["removeRehearsal", {}, "campaign_id"],
    ["certifyCampaign", {}, "campaign_id"],
    ["reserveCoupon", { code: "?", key: "k" }, "code"],
    ["reserveCoupon", { code, key: "" }, "key", "empty"],
    ["reserveCoupon", { code, key: "k", timeoutMs: 999n }, "timeout_ms", "is 999"],
    ["reserveCoupon", { code, key: "k", timeoutMs: 86_400_001n }, "timeout_ms", "86,400,000"],
    ["reserveCoupon", { code, key: "k", userId: CONTROL }, "user_id", "control"],
    ["confirmRedemption", { code, key: LONG }, "key", "128"],
    ["cancelRedemption", { code, key: CONTROL }, "key", "control"],
    ["redeemCoupon", { code, key: "k", userId: LONG }, "user_id", "128"],
    ["redeemCoupon", { code: "", key: "k" }, "code"],
    ["validateCoupon", { code: "?" }, "code"],
    ["voidCoupon", { code, reason: LONG }, "reason", "200"],
    ["unvoidCoupon", { code, actor: CONTROL }, "actor", "control"],
    ["getCouponRedemptions", { code: "-" }, "code"],
  ];

  /** Calls a method of any of the services; of a stream, up to its first message. */
  async function called(method: string, request: object): Promise<unknown> {
    for (const client of Object.values(clients)) {
      const call = Reflect.get(client, method) as ((asked: object) => unknown) | undefined;
      if (call === undefined) continue;
      const answer = call(request);
      if (answer instanceof Promise) return answer;
      for await (const message of answer as AsyncIterable<unknown>) return message;
    }
    return expect.fail(`no method ${method}`);
  }

  it("row by row", async () => {
    for (const [method, request, field, ...words] of rows()) {
      const refused = await refusal(called(method, request));
      const what = `${method} ${JSON.stringify(Object.keys(request))}: ${refused.message}`;
      expect([refused.code, refused.reason], what).to.deep.equal([Code.InvalidArgument, "INVALID"]);
      expect(refused.message.startsWith(field), what).to.equal(true);
      for (const word of words) expect(refused.message, what).to.include(word);
      for (const value of [LONG, CONTROL]) expect(refused.message, what).not.to.include(value);
    }
  });

  it("every method has a row but the one without a field", () => {
    const named = new Set(rows().map(([method]) => method));
    const all = Object.values(SERVICES).flatMap(({ methods }) => methods.map(({ localName }) => localName));
    expect(all.filter((method) => !named.has(method))).to.deep.equal(["getSelf"]);
    expect([...named].filter((method) => !all.includes(method as never))).to.deep.equal([]);
  });
});
