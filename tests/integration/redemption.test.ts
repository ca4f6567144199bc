import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { type RedemptionRulesSchema, RedemptionState } from "../../proto/gen/coupon/v1/redemption_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import type { RedemptionDoc } from "../../record/redemption-documents.ts";
import { type Refused, refusal } from "../support/answers.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { type Clients, connectClients, grpcClients } from "../support/clients.ts";
import { readMetrics } from "../support/metrics-page.ts";
import { keySetting } from "../support/operator-key.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

type Rules = Omit<MessageInitShape<typeof RedemptionRulesSchema>, "$typeName">;

const DAY_MS = 86_400_000;
const REDEEMER_KEY = "cpo_the-key-of-a-till-that-redeems-0123456789";
const user = `${KEY_PREFIX}alice`;
const key = (name: string | number) => `${KEY_PREFIX}order-${name}`;
const CALLERS = 50;

describe("Redemption", () => {
  const stores = withStores();
  let services: Services;
  let servers: [Service, Service];
  /** Of a till, at either server. */
  let tills: [Clients, Clients];
  let operator: Clients;

  before(async () => {
    const { name, role, sha256 } = keySetting("till", "redeemer", REDEEMER_KEY);
    const env = { ...stores.env, OPERATOR_KEYS: `${name}:${role}:${sha256}`, LIMIT_VALIDATE: "200/3600" };
    services = createServices(env);
    servers = [await services.start(), await services.start({ roles: "server" })];
    const tillOf = ({ url }: Service) => connectClients(url, { token: REDEEMER_KEY });
    tills = [tillOf(servers[0]), tillOf(servers[1])];
    operator = connectClients(servers[0].url);
  });
  after(() => services.end());

  /** A code that a user has, of a campaign with these rules. */
  async function issued(redemption?: Rules): Promise<{ campaignId: string; code: string }> {
    const rules = redemption === undefined ? {} : { redemption };
    const campaignId = await createOpenCampaign(operator, { total: 1, ...rules });
    const { coupon } = await operator.coupons.issueCoupon({ campaignId, userId: user });
    return { campaignId, code: coupon?.code ?? "" };
  }

  const why = async (call: Promise<unknown>): Promise<Refused["reason"]> => (await refusal(call)).reason;

  it(`of ${CALLERS} callers at two servers, over Connect and gRPC, one redeems the code`, async () => {
    const { code } = await issued();
    const grpc = grpcClients(servers[1].grpcUrl, REDEEMER_KEY);
    try {
      const callers = [...tills, grpc];
      const answers = await Promise.all(
        Array.from({ length: CALLERS }, (_, i) => {
          const { redemptions } = callers[i % callers.length] as Clients;
          const asked =
            i % 2 === 0
              ? redemptions.redeemCoupon({ code, key: key(i) })
              : redemptions.reserveCoupon({ code, key: key(i) });
          return asked.then(
            () => key(i),
            (error: unknown) => {
              expect(ConnectError.from(error).code, String(error)).to.equal(Code.FailedPrecondition);
              return undefined;
            },
          );
        }),
      );
      const winners = answers.filter((one) => one !== undefined);
      expect(winners).to.have.lengthOf(1);
      const { redemptions } = await operator.redemptions.getCouponRedemptions({ code });
      expect(redemptions?.redemptions.map((one) => one.key)).to.deep.equal(winners);
      expect(redemptions?.redemptions[0]?.redeemer).to.equal("till");
    } finally {
      grpc.close();
    }
  });

  it("a server that is killed between reserve and confirm leaves the reservation to any other", async () => {
    const { code } = await issued();
    const doomed = await services.start({ roles: "server" });
    const there = connectClients(doomed.url, { token: REDEEMER_KEY }).redemptions;
    await there.reserveCoupon({ code, key: key("a") });
    await doomed.process.kill();
    const [{ redemptions: here }] = tills;
    expect(await why(here.reserveCoupon({ code, key: key("b") }))).to.equal("RESERVED");
    expect((await here.reserveCoupon({ code, key: key("a") })).replayed).to.equal(true);
    const { redemption } = await here.confirmRedemption({ code, key: key("a") });
    expect(redemption?.state).to.equal(RedemptionState.CONFIRMED);
  });

  it("a reservation that times out, by MongoDB's clock, is free again", async () => {
    const { code } = await issued();
    const [{ redemptions: one }, { redemptions: other }] = tills;
    await one.reserveCoupon({ code, key: key("a"), timeoutMs: 3_600_000n });
    const refused = await refusal(other.reserveCoupon({ code, key: key("b") }));
    expect(refused.reason).to.equal("RESERVED");
    expect(Number(refused.detail?.retryAfterMs)).to.be.within(3_500_000, 3_600_000);
    // As if an hour had passed.
    const collection = stores.db.collection<RedemptionDoc>("redemptions");
    const past = new Date(Date.now() - 1_000);
    await collection.updateOne({ _id: code }, { $set: { "uses.0.until": past } });
    expect(await why(one.confirmRedemption({ code, key: key("a") }))).to.equal("RESERVATION_OVER");
    expect((await other.reserveCoupon({ code, key: key("b") })).replayed).to.equal(false);
    const { redemptions } = await operator.redemptions.getCouponRedemptions({ code });
    expect(redemptions?.redemptions.map(({ state }) => state)).to.deep.equal([
      RedemptionState.EXPIRED,
      RedemptionState.RESERVED,
    ]);
  });

  it("the rules of the campaign are kept with it, shown, and hold", async () => {
    const validFrom = timestampFromMs(Date.now() + DAY_MS);
    const validUntil = timestampFromMs(Date.now() + 2 * DAY_MS);
    const rules = { validFrom, validUntil, validDays: 3, boundToUser: true, maxRedemptions: 2 };
    const { code, campaignId } = await issued(rules);
    const { campaign } = await operator.campaigns.getCampaign({ campaignId });
    expect(campaign?.redemption).to.deep.include(rules);
    const [{ redemptions }] = tills;
    const ask = { code, key: key("a"), userId: user };
    expect(await why(redemptions.reserveCoupon(ask))).to.equal("NOT_VALID_YET");
    expect(await why(redemptions.reserveCoupon({ ...ask, userId: `${user}2` }))).to.equal("NO_COUPON");
    const bound = await issued({ boundToUser: true, maxRedemptions: 2, validDays: 1 });
    const mine = { code: bound.code, userId: user };
    await redemptions.redeemCoupon({ ...mine, key: key("a") });
    await redemptions.redeemCoupon({ ...mine, key: key("b") });
    expect(await why(redemptions.redeemCoupon({ ...mine, key: key("c") }))).to.equal("REDEEMED");
    const facts = (await operator.redemptions.getCouponRedemptions({ code: bound.code })).redemptions;
    expect(facts?.maxRedemptions).to.equal(2);
    const issuedAt = (await operator.campaigns.findIssuance({ code: bound.code })).issuance?.coupon?.issuedAt;
    expect(facts?.validUntil && timestampMs(facts.validUntil)).to.equal(
      issuedAt && timestampMs(issuedAt) + DAY_MS,
    );
  });

  it("rules that no coupon could meet are refused, by their field", async () => {
    const past = timestampFromMs(Date.now() - DAY_MS);
    const startsAt = timestampFromMs(Date.now() + DAY_MS);
    const create = (redemption: Rules, more: object = {}) =>
      operator.campaigns.createCampaign({
        ...{ name: "rules", total: 1, startsAt, onePerUser: true },
        ...{ redemption, ...more },
      });
    for (const [field, rules, more] of [
      ["redemption.valid_until", { validUntil: past }],
      ["redemption.valid_until", { validUntil: timestampFromMs(Date.now() + 1_000) }],
      ["redemption.valid_until", { validFrom: timestampFromMs(Date.now() + 9 * DAY_MS), validUntil: past }],
      ["redemption.valid_days", { validDays: -1 }],
      ["redemption.valid_days", { validDays: 3_651 }],
      ["redemption.max_redemptions", { maxRedemptions: 1_001 }],
      ["redemption.max_redemptions", { maxRedemptions: -1 }],
      ["redemption.bound_to_user", { boundToUser: true }, { onePerUser: false }],
    ] as const) {
      const { reason, message } = await refusal(create(rules, more));
      expect([reason, message.split(":")[0]]).to.deep.equal(["INVALID", field]);
    }
    const requestId = key("create");
    await create({ maxRedemptions: 3 }, { requestId });
    expect((await refusal(create({ maxRedemptions: 4 }, { requestId }))).message).to.match(
      /another redemption$/,
    );
  });

  it("validating tells valid or why not and nothing else, the same for codes that nobody has", async () => {
    const { code, campaignId } = await issued({ boundToUser: true });
    const unissued = await createOpenCampaign(operator, { total: 1 });
    const hidden = await stores.db.collection<{ _id: string }>("coupons").findOne({ campaignId: unissued });
    const [{ redemptions }] = tills;
    const no = { valid: false, whyNot: RefusalReason.NO_COUPON };
    const fields = (answer: object) => Object.keys(answer).filter((name) => name !== "$typeName");
    for (const asked of [
      { code },
      { code, userId: `${user}2` },
      { code, userId: user, campaignId: unissued },
      { code: hidden?._id ?? "" },
      { code: "낚낚낚낚낚낚0000" },
    ]) {
      const answer = await redemptions.validateCoupon(asked);
      expect(answer).to.deep.include(no);
      expect(fields(answer)).to.have.members(["valid", "whyNot"]);
    }
    expect(await redemptions.validateCoupon({ code, userId: user, campaignId })).to.include({ valid: true });
    expect(await stores.db.collection("redemptions").countDocuments({ campaignId })).to.equal(0);
  });

  it("validating is limited by its source; the rest is not", async () => {
    const { code } = await issued();
    const [, { redemptions }] = tills;
    const reasons = new Set<string>();
    for (let i = 0; i < 220; i++)
      await redemptions.validateCoupon({ code }).catch((error: unknown) => {
        reasons.add(`${ConnectError.from(error).code}`);
      });
    expect([...reasons]).to.deep.equal([`${Code.ResourceExhausted}`]);
    await redemptions.redeemCoupon({ code, key: key("a") });
  });

  it("an operator voids a code, with the live reservation on demand; who and why is recorded", async () => {
    const { code } = await issued({ maxRedemptions: 2 });
    const [{ redemptions: till }] = tills;
    const { redemptions: office } = operator;
    await till.redeemCoupon({ code, key: key("a") });
    await till.reserveCoupon({ code, key: key("b") });
    const planned = await office.voidCoupon({ code, dryRun: true });
    expect([planned.redemptions?.voided, planned.already]).to.deep.equal([true, false]);
    const first = await office.voidCoupon({ code, reason: "stolen", actor: "kim" });
    expect(first.notices).to.deep.equal([
      "it was redeemed already, 1 time: that stays so",
      "1 live reservation can still be confirmed; cancel_reservations would cancel them",
    ]);
    expect((await office.voidCoupon({ code })).already).to.equal(true);
    await office.voidCoupon({ code, cancelReservations: true });
    expect(await why(till.confirmRedemption({ code, key: key("b") }))).to.equal("RESERVATION_OVER");
    expect(await why(till.redeemCoupon({ code, key: key("c") }))).to.equal("VOIDED");
    expect((await till.redeemCoupon({ code, key: key("a") })).replayed, "final").to.equal(true);
    expect((await office.unvoidCoupon({ code, actor: "lee" })).already).to.equal(false);
    await till.redeemCoupon({ code, key: key("c") });
    const { redemptions } = await office.getCouponRedemptions({ code });
    expect(redemptions?.voidChanges.map((one) => [one.voided, one.actor, one.reason])).to.deep.equal([
      [true, "operator (kim)", "stolen"],
      [true, "operator", ""],
      [false, "operator (lee)", ""],
    ]);
    expect(services.lines.filter((line) => line.includes("a code was made void"))).to.have.lengthOf(2);
  });

  it("names each bad field and what is allowed", async () => {
    const { code } = await issued();
    const { redemptions } = operator;
    const calls: [string, () => Promise<unknown>][] = [
      ["code", () => redemptions.reserveCoupon({ code: "", key: key("a") })],
      ["code", () => redemptions.redeemCoupon({ code: "!", key: key("a") })],
      ["code", () => redemptions.validateCoupon({ code: "가".repeat(500) })],
      ["code", () => redemptions.getCouponRedemptions({ code: "" })],
      ["key", () => redemptions.reserveCoupon({ code })],
      ["key", () => redemptions.confirmRedemption({ code, key: "x".repeat(129) })],
      ["key", () => redemptions.cancelRedemption({ code, key: "\u0000" })],
      ["timeout_ms", () => redemptions.reserveCoupon({ code, key: key("a"), timeoutMs: 999n })],
      ["timeout_ms", () => redemptions.reserveCoupon({ code, key: key("a"), timeoutMs: -1n })],
      ["timeout_ms", () => redemptions.reserveCoupon({ code, key: key("a"), timeoutMs: 86_400_001n })],
      ["user_id", () => redemptions.redeemCoupon({ code, key: key("a"), userId: "\u200b" })],
      ["reason", () => redemptions.voidCoupon({ code, reason: "x".repeat(201) })],
      ["actor", () => redemptions.unvoidCoupon({ code, actor: "x".repeat(101) })],
    ];
    for (const [field, call] of calls) {
      const { code: rpc, message } = await refusal(call());
      expect([rpc, message.split(":")[0]], message).to.deep.equal([Code.InvalidArgument, field]);
    }
    expect(await why(redemptions.redeemCoupon({ code, key: key("a"), campaignId: "nothing" }))).to.equal(
      "UNKNOWN_CAMPAIGN",
    );
    expect(await stores.db.collection<{ _id: string }>("redemptions").findOne({ _id: code })).to.equal(null);
  });

  it("a rehearsal's coupon cannot be redeemed", async () => {
    const { campaignId } = await issued();
    const startsAt = timestampFromMs(Date.now());
    const { campaign } = await operator.campaigns.createRehearsal({ campaignId, startsAt });
    const rehearsal = campaign?.id ?? "";
    let code: string | undefined;
    while (code === undefined)
      code = await operator.coupons.issueCoupon({ campaignId: rehearsal, userId: user }).then(
        ({ coupon }) => coupon?.code,
        (error: unknown) => {
          expect(ConnectError.from(error).code).to.equal(Code.FailedPrecondition);
          return undefined;
        },
      );
    expect(await why(operator.redemptions.redeemCoupon({ code, key: key("a") }))).to.equal("NO_COUPON");
    await operator.campaigns.removeRehearsal({ campaignId: rehearsal });
  });

  it("counts its answers by verb and outcome", async () => {
    const { code } = await issued();
    await operator.redemptions.redeemCoupon({ code, key: key("a") });
    await operator.redemptions.redeemCoupon({ code, key: key("a") });
    const values = await readMetrics(servers[0].url);
    for (const outcome of ["done", "replayed", "redeemed"])
      expect(values.get(`coupon_redemptions_total{verb="redeem",outcome="${outcome}"}`)).to.be.at.least(1);
  });
});
