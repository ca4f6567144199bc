import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  CampaignService,
  CampaignView,
  OperatorRole,
  type WatchCampaignResponse,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CodeFaultKind, CodeImportState } from "../../proto/gen/coupon/v1/code_import_pb.ts";
import { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { ErasureReport } from "../../proto/gen/coupon/v1/erasure_pb.ts";
import { RedemptionState } from "../../proto/gen/coupon/v1/redemption_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { held, refusal } from "../support/answers.ts";
import { expectRightBooks, readBooksAtRest } from "../support/books.ts";
import { createCampaign, createOpenCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients, grpcClients, grpcWebClients } from "../support/clients.ts";
import { HANG_MS } from "../support/patience.ts";
import { post } from "../support/post.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const AHEAD_MS = 1_200;
const user = (i: number) => `${KEY_PREFIX}${i}`;

describe("One running service", () => {
  const stores = withStores();
  let redis: RawRedis;
  let services: Services;
  let service: Service;
  let clients: Clients;

  before(async () => {
    redis = await openRawRedis(stores.env.REDIS_URL);
    services = createServices({ ...stores.env, ERASURE_KEY: "k".repeat(40), ATTEMPTS_KEPT: "100" });
    service = await services.start();
    clients = connectClients(service.url);
  });

  after(async () => {
    try {
      await services.end();
    } finally {
      await redis.close();
    }
  });

  /** A campaign's whole life through one client: every RPC of both services. */
  async function wholeLife(through: Clients): Promise<void> {
    const { coupons, campaigns } = through;
    const total = 5;
    const startsAtMs = Date.now() + AHEAD_MS;
    const endsAtMs = startsAtMs + 3_600_000;
    const created = await createCampaign(through, {
      name: "冬のセール — whole life",
      total,
      startsAtMs,
      endsAt: timestampFromMs(endsAtMs),
      codeFormat: "가가가가000",
    });
    expect([
      created.state,
      created.total,
      created.issued,
      created.onePerUser,
      created.codeFormat,
    ]).to.deep.equal([CampaignState.GENERATING, total, 0, true, "가가가가000"]);
    expect(created.id).to.match(/^[0-9A-Z]{26}$/);
    const campaignId = created.id;

    const watched: WatchCampaignResponse[] = [];
    const watching = (async () => {
      for await (const message of campaigns.watchCampaign({ campaignId, intervalMs: 100 }))
        watched.push(message);
    })();

    const scheduled = await untilState(through, campaignId, "SCHEDULED", "OPEN");
    expect([scheduled.generated, scheduled.generation]).to.deep.equal([total, 1]);
    const open = await untilState(through, campaignId, "OPEN");
    expect(open.startsAt && timestampMs(open.startsAt)).to.equal(startsAtMs);
    expect(open.endsAt && timestampMs(open.endsAt)).to.equal(endsAtMs);

    const codes: string[] = [];
    for (let i = 0; i < total; i++) {
      const { coupon, replayed } = await coupons.issueCoupon({ campaignId, userId: user(i) });
      const mine = held(coupon);
      expect([coupon?.campaignId, mine.seq, replayed]).to.deep.equal([campaignId, i + 1, false]);
      expect(mine.code).to.match(/^[가-힣]{4}\d{3}$/);
      expect(mine.code).to.equal(mine.code.normalize("NFC"));
      expect(mine.issuedAtMs).to.be.within(startsAtMs, Date.now());
      const again = await coupons.issueCoupon({ campaignId, userId: user(i) });
      expect([again.replayed, held(again.coupon)]).to.deep.equal([true, mine]);
      expect(held((await coupons.findCoupon({ campaignId, userId: user(i) })).coupon)).to.deep.equal(mine);
      expect(held((await coupons.findCoupon({ campaignId, code: mine.code })).coupon)).to.deep.equal(mine);
      codes.push(mine.code);
    }
    expect(new Set(codes).size).to.equal(total);
    const late = await refusal(coupons.issueCoupon({ campaignId, userId: user(total) }));
    expect([late.code, late.reason, late.message]).to.deep.equal([
      Code.FailedPrecondition,
      "SOLD_OUT",
      "all coupons are gone",
    ]);
    const nothing = await refusal(coupons.findCoupon({ campaignId, userId: user(total) }));
    expect([nothing.code, nothing.reason]).to.deep.equal([Code.NotFound, "NO_COUPON"]);

    const soldOut = await untilState(through, campaignId, "SOLD_OUT");
    expect(soldOut.issued).to.equal(total);
    expect(await coupons.getCampaignStatus({ campaignId })).to.include({
      ...{ state: CampaignState.SOLD_OUT, soldOut: true, onePerUser: true },
    });
    expect(soldOut.openedAt && timestampMs(soldOut.openedAt)).to.be.at.least(startsAtMs);
    expect((await campaigns.getCampaign({ campaignId })).issuedCodes).to.deep.equal(codes);
    const winner = await coupons.issueCoupon({ campaignId, userId: user(0) });
    expect([winner.replayed, winner.coupon?.code], "a winner after it sold out").to.deep.equal([
      true,
      codes[0],
    ]);

    const { issuance } = await campaigns.findIssuance({ code: codes[0] ?? "" });
    expect([issuance?.userId, issuance?.coupon?.campaignId]).to.deep.equal([user(0), campaignId]);
    const byUser = await campaigns.findIssuance({ campaignId, userId: user(0) });
    expect(byUser.issuance).to.deep.equal(issuance);
    expect(await campaigns.getSelf({})).to.include({ role: OperatorRole.ADMIN });
    const { formats } = await campaigns.describeFormats({ codeFormats: ["가가가가000"], total });
    expect(formats[0]).to.include({
      codeFormat: "가가가가000",
      combinations: String(297 ** 4 * 1_000),
      fits: true,
    });

    await redeemed(through, codes);
    const { commitments } = await coupons.getCampaignCommitment({ campaignId });
    expect(commitments.map(({ first, size }) => [first, size])).to.deep.equal([[0, total]]);
    const { proof } = await coupons.getIssuanceProof({ campaignId, userId: user(0) });
    expect([proof?.ordinal, proof?.rank]).to.deep.equal([0, 0]);
    const certifying = campaigns.certifyCampaign({ campaignId })[Symbol.asyncIterator]().next();
    expect((await refusal(certifying)).message, "without a key").to.match(/has no CERTIFICATE_KEY/);

    const { campaigns: listed } = await campaigns.listCampaigns({});
    expect(listed.find(({ id }) => id === campaignId)?.issued).to.equal(total);

    const exported = [];
    for await (const { coupons: batch } of campaigns.exportCoupons({ campaignId })) exported.push(...batch);
    expect(exported.map(({ coupon }) => coupon?.code)).to.deep.equal(codes);
    expect(exported.map(({ userId, requestId }) => [userId, requestId])).to.deep.equal(
      codes.map((_, i) => [user(i), ""]),
    );

    await watching; // the stream ends by itself once the campaign has sold out
    expect(watched[0]?.campaign?.id).to.equal(campaignId);
    const last = watched.at(-1);
    expect([last?.campaign?.state, last?.campaign?.issued, last?.remaining, last?.ledgerDepth]).to.deep.equal(
      [CampaignState.SOLD_OUT, total, 0, 0],
    );
    const states = watched.map(({ campaign }) => campaign?.state ?? 0);
    expect(states, "states only move forward").to.deep.equal(states.toSorted((a, b) => a - b));
    expect(states).to.include(CampaignState.OPEN);
    const books = await readBooksAtRest(redis, stores.db, campaignId, total);
    expectRightBooks(books, total, new Map(exported.map(({ userId, coupon }) => [userId, held(coupon)])));
  }

  /** Every method of the redemptions' service, on two codes. */
  async function redeemed({ redemptions }: Clients, [code = "", other = ""]: readonly string[]) {
    const key = `${KEY_PREFIX}order`;
    const kept = await redemptions.reserveCoupon({ code, key, timeoutMs: 60_000n });
    expect([kept.redemption?.state, kept.replayed]).to.deep.equal([RedemptionState.RESERVED, false]);
    const { reservedAt, expiresAt } = kept.redemption ?? {};
    expect(reservedAt && expiresAt && timestampMs(expiresAt) - timestampMs(reservedAt)).to.equal(60_000);
    const spaced = [...code].join(" ").normalize("NFD");
    expect(await redemptions.validateCoupon({ code: spaced })).to.include({
      ...{ valid: false, whyNot: RefusalReason.RESERVED },
    });
    expect((await redemptions.cancelRedemption({ code, key })).redemption?.state).to.equal(
      RedemptionState.CANCELLED,
    );
    expect(await redemptions.validateCoupon({ code })).to.include({ valid: true });
    const voided = await redemptions.voidCoupon({ code, reason: "printed twice" });
    expect([voided.already, voided.redemptions?.voided]).to.deep.equal([false, true]);
    const refused = await refusal(redemptions.redeemCoupon({ code, key: `${key} 2` }));
    expect([refused.code, refused.reason]).to.deep.equal([Code.FailedPrecondition, "VOIDED"]);
    await redemptions.unvoidCoupon({ code });
    const done = await redemptions.redeemCoupon({ code, key: `${key} 2` });
    expect([done.redemption?.state, done.replayed]).to.deep.equal([RedemptionState.CONFIRMED, false]);
    expect((await redemptions.redeemCoupon({ code, key: `${key} 2` })).replayed).to.equal(true);
    await redemptions.reserveCoupon({ code: other, key });
    const confirmed = await redemptions.confirmRedemption({ code: other, key });
    expect(confirmed.redemption).to.include({ code: other, key, state: RedemptionState.CONFIRMED });
    const recorded = (await redemptions.getCouponRedemptions({ code })).redemptions;
    expect(recorded?.voidChanges.map((one) => [one.voided, one.reason, one.actor])).to.deep.equal([
      [true, "printed twice", "operator"],
      [false, "", "operator"],
    ]);
    expect(recorded?.redemptions.map(({ state }) => state)).to.deep.equal([
      RedemptionState.CANCELLED,
      RedemptionState.CONFIRMED,
    ]);
  }

  /** A campaign of codes that its operator brings; the one user of it is erased. */
  async function broughtAndErased({ coupons, campaigns }: Clients, mark: string): Promise<void> {
    const begin = async (requestId: string) => (await campaigns.beginCodeImport({ requestId })).codeImport;
    const { id: faulty = "" } = (await begin(`faulty codes ${mark}`)) ?? {};
    expect(await begin(`faulty codes ${mark}`)).to.include({ id: faulty, state: CodeImportState.OPEN });
    const upload = { importId: faulty, firstRow: 0, codes: [`표${mark}1`, `표${mark}!`] };
    expect(await campaigns.uploadCodes(upload)).to.include({ rows: 2, faults: 1 });
    const { codeImport, faults } = await campaigns.getCodeImport({ importId: faulty });
    expect(codeImport).to.include({ rows: 2, faults: 1 });
    expect(faults.map(({ row, kind }) => [row, kind])).to.deep.equal([[1, CodeFaultKind.BAD_CHARACTER]]);
    while (!(await campaigns.discardCodeImport({ importId: faulty })).done);

    const { id: importId = "" } = (await begin(`codes ${mark}`)) ?? {};
    await campaigns.uploadCodes({ importId, firstRow: 0, codes: [`표${mark}1`] });
    const campaignId = await createOpenCampaign({ ...clients, campaigns }, { total: 1, importId });
    const userId = `${KEY_PREFIX}leaves`;
    const { coupon } = await coupons.issueCoupon({ campaignId, userId });
    expect(coupon?.code).to.equal(`표${mark}1`);
    await untilState({ ...clients, campaigns }, campaignId, "SOLD_OUT");
    const attempts = async () => (await campaigns.findAttempts({ campaignId, userId })).attempts;
    expect(await until(async () => (await attempts()).length === 1, HANG_MS, 20)).to.equal(true);
    expect((await attempts())[0]).to.include({ userId, requestId: "", outcome: "issued" });

    let told: ErasureReport | undefined;
    for await (const { message } of campaigns.eraseUsers({ userIds: [userId], campaignId }))
      if (message.case === "report") told = message.value;
    expect(told?.campaigns.map(({ found, erased, pending }) => [found, erased, pending])).to.deep.equal([
      [1, 1, 0],
    ]);
    const { issuance } = await campaigns.findIssuance({ campaignId, userId });
    expect([issuance?.coupon?.code, issuance?.userId.split(":")[0]]).to.deep.equal([`표${mark}1`, "erased"]);
    expect(await attempts()).to.deep.equal([]);
  }

  /** What operators change, read and rehearse. */
  async function operated(through: Clients): Promise<void> {
    const { campaigns } = through;
    const startsAtMs = Date.now() + 3_600_000;
    const { id: campaignId } = await createCampaign(through, { total: 2, startsAtMs });
    await untilState(through, campaignId, "SCHEDULED");
    const stateAfter = async (change: Promise<{ campaign?: { state: CampaignState } | undefined }>) =>
      (await change).campaign?.state;
    const { SCHEDULED, PAUSED, OPEN, ENDED, CANCELLED } = CampaignState;
    expect(await stateAfter(campaigns.pauseCampaign({ campaignId }))).to.equal(PAUSED);
    expect(await stateAfter(campaigns.resumeCampaign({ campaignId }))).to.equal(SCHEDULED);
    const edited = await campaigns.updateCampaign({ campaignId, forgetUsersAfterDays: 30 });
    expect(edited.campaign).to.include({ forgetUsersAfterDays: 30 });
    expect((await campaigns.preflightCampaign({ campaignId })).campaign?.id).to.equal(campaignId);
    const { campaign: shadow } = await campaigns.createRehearsal({
      campaignId,
      startsAt: timestampFromMs(startsAtMs),
    });
    const rehearsalId = shadow?.id ?? "";
    expect(shadow?.rehearsalOf).to.equal(campaignId);
    await untilState(through, rehearsalId, "SCHEDULED", "OPEN");
    expect(await stateAfter(campaigns.cancelCampaign({ campaignId: rehearsalId }))).to.equal(CANCELLED);
    while (!(await campaigns.removeRehearsal({ campaignId: rehearsalId })).removed);
    await campaigns.addCoupons({ campaignId, count: 1 });
    const startsAt = timestampFromMs(Date.now() - 1_000);
    await campaigns.rescheduleCampaign({ campaignId, startsAt });
    await untilState(through, campaignId, "OPEN");
    expect((await campaigns.getCampaignStats({ campaignId })).issuedPerBucket).to.deep.equal([]);
    expect(await stateAfter(campaigns.endCampaign({ campaignId }))).to.equal(ENDED);
    const { entries } = await campaigns.listHistory({ campaignId });
    expect(entries.map(({ verb }) => verb)).to.include.members(["end", "edit", "reschedule", "add"]);
    expect(OPEN).to.equal(entries[0]?.before?.state);
    for await (const _ of campaigns.verifyCampaign({ campaignId }));
  }

  /** Notes which methods are called. */
  function noting<C extends object>(client: C, called: Set<string>): C {
    return new Proxy(client, {
      get(target, name) {
        called.add(String(name));
        return Reflect.get(target, name);
      },
    });
  }

  it("the calls below are all methods of the three services", async () => {
    const called = new Set<string>();
    const through = Object.fromEntries(
      Object.entries(clients).map(([name, client]) => [name, noting(client, called)]),
    ) as Clients;
    await wholeLife(through);
    await broughtAndErased(through, "공");
    await operated(through);
    const methods = [CouponService, CampaignService, RedemptionService].flatMap((one) => one.methods);
    const names = methods.map(({ localName }) => localName);
    expect(names.filter((name) => !called.has(name))).to.deep.equal([]);
  });

  describe("serves codes that are brought, an erasure, and what operators do", () => {
    it("over Connect, HTTP/1.1, JSON", () =>
      broughtAndErased(connectClients(service.url, { json: true }), "일"));
    it("over gRPC-Web", () => broughtAndErased(grpcWebClients(service.url), "이"));
    it("over gRPC, HTTP/2 without TLS", async () => {
      const grpc = grpcClients(service.grpcUrl);
      try {
        await broughtAndErased(grpc, "삼");
        await operated(grpc);
      } finally {
        grpc.close();
      }
    });
  });

  describe("serves the whole life of a campaign", () => {
    it("over Connect, HTTP/1.1, binary", () => wholeLife(clients));
    it("over Connect, HTTP/1.1, JSON", () => wholeLife(connectClients(service.url, { json: true })));
    it("over gRPC-Web", () => wholeLife(grpcWebClients(service.url)));
    it("over gRPC, HTTP/2 without TLS", async () => {
      const grpc = grpcClients(service.grpcUrl);
      try {
        await wholeLife(grpc);
      } finally {
        grpc.close();
      }
    });
  });

  it("answers plain JSON as curl sends it, with either spelling of the fields", async () => {
    for (const [campaignIdField, userIdField, startsAtField, onePerUserField] of [
      ["campaignId", "userId", "startsAt", "onePerUser"],
      ["campaign_id", "user_id", "starts_at", "one_per_user"],
    ] as const) {
      const created = await post(service.url, "CampaignService/CreateCampaign", {
        name: "curl",
        total: 1,
        [startsAtField]: "2026-01-01T00:00:00Z",
        [onePerUserField]: true,
      });
      expect(created.status, created.message).to.equal(200);
      const campaign = created.json?.["campaign"] as { id: string };
      const { id } = campaign;
      expect(campaign).to.include({ startsAt: "2026-01-01T00:00:00Z", onePerUser: true });
      await untilState(clients, id, "OPEN");
      const claim = { [campaignIdField]: id, [userIdField]: user(1) };
      const issued = await post(service.url, "CouponService/IssueCoupon", claim);
      expect(issued.status, issued.message).to.equal(200);
      const coupon = issued.json?.["coupon"] as { code: string; campaignId: string; issuedAt: string };
      expect(coupon.code).to.match(/^[가-힣]{6}\d{4}$/);
      expect(coupon.campaignId).to.equal(id);
      expect(Date.parse(coupon.issuedAt)).to.be.at.most(Date.now());
      const again = await post(service.url, "CouponService/IssueCoupon", claim);
      expect(again.json).to.deep.equal({ coupon: issued.json?.["coupon"], replayed: true });
      const sold = await post(service.url, "CouponService/IssueCoupon", { ...claim, [userIdField]: user(2) });
      expect([sold.status, sold.code]).to.deep.equal([400, "failed_precondition"]);
      const got = await post(service.url, "CampaignService/GetCampaign", { [campaignIdField]: id });
      expect(got.json?.["issuedCodes"]).to.deep.equal([coupon.code]);
    }
  });

  describe("to an operator", () => {
    const total = 8;
    let campaignId: string;
    const codes: string[] = [];

    before(async () => {
      campaignId = await createOpenCampaign(clients, { total: total + 1 });
      for (let i = 0; i < total; i++) {
        codes.push(held((await clients.coupons.issueCoupon({ campaignId, userId: user(i) })).coupon).code);
      }
    });

    it("view BASIC leaves the codes out, the default shows all in issue order", async () => {
      const basic = await clients.campaigns.getCampaign({ campaignId, view: CampaignView.BASIC });
      expect([basic.issuedCodes, basic.nextPageToken, basic.campaign?.issued]).to.deep.equal([[], "", total]);
      for (const view of [CampaignView.UNSPECIFIED, CampaignView.FULL]) {
        const full = await clients.campaigns.getCampaign({ campaignId, view });
        expect([full.issuedCodes, full.nextPageToken, full.campaign?.issued]).to.deep.equal([
          codes,
          "",
          total,
        ]);
        expect(full.serverTime && timestampMs(full.serverTime)).to.be.at.most(Date.now());
      }
    });

    it("pages of issued codes give each once, in issue order", async () => {
      const pages: string[][] = [];
      let pageToken = "";
      do {
        const page = await clients.campaigns.getCampaign({ campaignId, pageSize: 3, pageToken });
        pages.push(page.issuedCodes);
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      expect(pages.map((page) => page.length)).to.deep.equal([3, 3, 2]);
      expect(pages.flat()).to.deep.equal(codes);
      const exact = await clients.campaigns.getCampaign({ campaignId, pageSize: total });
      expect([exact.issuedCodes, exact.nextPageToken], "a page that fits exactly").to.deep.equal([codes, ""]);
    });

    it("a page token stays good while coupons are issued", async () => {
      const first = await clients.campaigns.getCampaign({ campaignId, pageSize: 3 });
      const { coupon } = await clients.coupons.issueCoupon({ campaignId, userId: user(total) });
      codes.push(held(coupon).code);
      const rest = await clients.campaigns.getCampaign({ campaignId, pageToken: first.nextPageToken });
      expect([...first.issuedCodes, ...rest.issuedCodes]).to.deep.equal(codes);
    });

    it("an export goes on where it was broken off", async () => {
      const request = { campaignId, batchSize: 2 };
      const exported: (string | undefined)[] = [];
      let pageToken = "";
      for await (const batch of clients.campaigns.exportCoupons(request)) {
        exported.push(...batch.coupons.map(({ coupon }) => coupon?.code));
        pageToken = batch.nextPageToken;
        if (exported.length >= 4) break;
      }
      expect(exported.length).to.equal(4);
      for await (const batch of clients.campaigns.exportCoupons({ ...request, pageToken })) {
        expect(batch.coupons.length).to.be.at.most(2);
        expect(batch.coupons.every(({ generation }) => generation === 1)).to.equal(true);
        exported.push(...batch.coupons.map(({ coupon }) => coupon?.code));
      }
      expect(exported).to.deep.equal(codes);
    });

    it("campaigns are listed newest first, in pages", async () => {
      const ids: string[] = [];
      let pageToken = "";
      do {
        const page = await clients.campaigns.listCampaigns({ pageSize: 2, pageToken });
        expect(page.campaigns.length).to.be.within(1, 2);
        ids.push(...page.campaigns.map(({ id }) => id));
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      expect(ids.length).to.equal(await stores.db.collection("campaigns").countDocuments());
      expect(ids).to.deep.equal(ids.toSorted().reverse());
      expect(ids).to.include(campaignId);
    });
  });

  it("creates one campaign a request id, and refuses another one under the same", async () => {
    const startsAt = timestampFromMs(Date.now() + 3_600_000);
    const wanted = { name: "once", total: 3, startsAt, onePerUser: true, requestId: `${KEY_PREFIX}create` };
    const before = await stores.db.collection("campaigns").countDocuments();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => clients.campaigns.createCampaign(wanted)),
    );
    const ids = new Set(answers.map(({ campaign }) => campaign?.id));
    expect(ids.size, "campaigns from eight calls at once").to.equal(1);
    const later = await clients.campaigns.createCampaign(wanted);
    expect([...ids]).to.deep.equal([later.campaign?.id]);
    const others = {
      name: { name: "twice" },
      total: { total: 4 },
      starts_at: { startsAt: timestampFromMs(timestampMs(startsAt) + 1) },
      ends_at: { endsAt: timestampFromMs(timestampMs(startsAt) + 1) },
      one_per_user: { onePerUser: false },
      code_format: { codeFormat: "가가가가가가가000" },
    };
    for (const [field, change] of Object.entries(others)) {
      const refused = await refusal(clients.campaigns.createCampaign({ ...wanted, ...change }));
      expect([refused.code, refused.reason]).to.deep.equal([Code.AlreadyExists, "CONFLICT"]);
      expect(refused.message).to.match(new RegExp(`^request_id: .*${field}$`));
    }
    expect(await stores.db.collection("campaigns").countDocuments()).to.equal(before + 1);
  });

  it("in a campaign by request, the request id is the key, and without one each call is a new claim", async () => {
    const total = 6;
    const campaignId = await createOpenCampaign(clients, { total, onePerUser: false });
    const { coupons } = clients;
    const userId = user(1);
    const requestId = `${KEY_PREFIX}request`;
    const first = await coupons.issueCoupon({ campaignId, requestId, userId });
    for (const claim of [{ requestId, userId }, { requestId }, { requestId, userId: user(2) }]) {
      const again = await coupons.issueCoupon({ campaignId, ...claim });
      expect([again.replayed, held(again.coupon)]).to.deep.equal([true, held(first.coupon)]);
    }
    const found = await coupons.findCoupon({ campaignId, requestId });
    expect(held(found.coupon)).to.deep.equal(held(first.coupon));

    const other = await coupons.issueCoupon({ campaignId, requestId: `${requestId} 2`, userId });
    const fresh = [first, other];
    for (const claim of [{}, {}, { userId }, { userId }]) {
      const answer = await coupons.issueCoupon({ campaignId, ...claim });
      expect(answer.replayed).to.equal(false);
      fresh.push(answer);
    }
    expect(new Set(fresh.map(({ coupon }) => coupon?.code)).size).to.equal(total);
    const sold = await refusal(coupons.issueCoupon({ campaignId }));
    expect(sold.reason).to.equal("SOLD_OUT");

    const exported = [];
    for await (const { coupons: batch } of clients.campaigns.exportCoupons({ campaignId }))
      exported.push(...batch);
    expect(exported.map((one) => one.userId)).to.deep.equal([userId, userId, "", "", userId, userId]);
    expect(exported.slice(0, 2).map((one) => one.requestId)).to.deep.equal([requestId, `${requestId} 2`]);
    expect(new Set(exported.map((one) => one.requestId)).size, "keys, made up where none was given").to.equal(
      total,
    );
  });
});
