import { timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import type { Db } from "mongodb";
import { until } from "../../local/poll.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { RefusalReason, RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { CheckVerdict } from "../../proto/gen/coupon/v1/verify_pb.ts";
import { readBooksAtRest } from "../support/books.ts";
import { createCampaign, createOpenCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { HANG_MS } from "../support/patience.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const HOUR_MS = 3_600_000;

const nameOf = (names: Readonly<Record<string, number>>, value: number | undefined): string =>
  Object.entries(names).find(([, number]) => number === value)?.[0] ?? `${value}`;

describe("the life of a campaign, over two servers", () => {
  const stores = withStores();
  let services: Services;
  let raw: RawRedis;
  let db: Db;
  /** Clients of two servers: a change through one must show in the answers of the other. */
  let one: Clients;
  let two: Clients;

  before(async () => {
    db = stores.db;
    raw = await openRawRedis(stores.env.REDIS_URL);
    services = createServices(stores.env);
    const [first, second] = await Promise.all([services.start(), services.start({ roles: "server" })]);
    one = connectClients(first.url);
    two = connectClients(second.url, { json: true });
  });

  after(async () => {
    await services.end();
    raw.destroy();
  });

  /** The reason of the refusal, or "issued". */
  async function outcome(clients: Clients, campaignId: string, userId: string): Promise<string> {
    try {
      await clients.coupons.issueCoupon({ campaignId, userId });
      return "issued";
    } catch (error) {
      return reasonOf(error);
    }
  }
  const refusalOf = (error: unknown) => ConnectError.from(error).findDetails(RefusalSchema)[0];
  const reasonOf = (error: unknown) => {
    return nameOf(RefusalReason, refusalOf(error)?.reason);
  };
  async function refused(call: Promise<unknown>) {
    try {
      await call;
    } catch (error) {
      const { state = 0, allowed = [] } = refusalOf(error) ?? {};
      return { reason: reasonOf(error), state: nameOf(CampaignState, state), allowed };
    }
    throw new Error("it was not refused");
  }
  const stateOf = (answer: { campaign?: { state: CampaignState } | undefined; already: boolean }) => [
    nameOf(CampaignState, answer.campaign?.state),
    answer.already,
  ];

  it("pause and resume: nothing new meanwhile, winners get theirs, the sale goes on where it was", async () => {
    const campaignId = await createOpenCampaign(one, { total: 5 });
    const held = (await one.coupons.issueCoupon({ campaignId, userId: "a" })).coupon;
    expect(stateOf(await one.campaigns.pauseCampaign({ campaignId, actor: "kim" }))).to.deep.equal([
      "PAUSED",
      false,
    ]);
    expect(stateOf(await two.campaigns.pauseCampaign({ campaignId }))).to.deep.equal(["PAUSED", true]);
    expect(await Promise.all([one, two].map((at) => outcome(at, campaignId, "b")))).to.deep.equal([
      "PAUSED",
      "PAUSED",
    ]);
    const again = await two.coupons.issueCoupon({ campaignId, userId: "a" });
    expect([again.coupon, again.replayed]).to.deep.equal([held, true]);
    expect((await two.coupons.getCampaignStatus({ campaignId })).state).to.equal(CampaignState.PAUSED);
    expect(stateOf(await two.campaigns.resumeCampaign({ campaignId }))).to.deep.equal(["OPEN", false]);
    expect(stateOf(await one.campaigns.resumeCampaign({ campaignId }))).to.deep.equal(["OPEN", true]);
    expect(await outcome(one, campaignId, "b")).to.equal("issued");
    const books = await readBooksAtRest(raw, db, campaignId, 2);
    expect([books.open.length, books.staged.length]).to.deep.equal([3, 0]);
  });

  it("reschedule: later, then earlier, then into the past, each told to callers; refused once opened", async () => {
    const first = Date.now() + HOUR_MS;
    const { id: campaignId } = await createCampaign(one, { total: 3, startsAtMs: first });
    await untilState(one, campaignId, "SCHEDULED");
    expect(await outcome(two, campaignId, "a")).to.equal("NOT_STARTED");
    const later = first + HOUR_MS;
    const moved = await one.campaigns.rescheduleCampaign({ campaignId, startsAt: timestampFromMs(later) });
    expect(moved.campaign?.startsAt && timestampDate(moved.campaign.startsAt).getTime()).to.equal(later);
    const again = await one.campaigns.rescheduleCampaign({ campaignId, startsAt: timestampFromMs(later) });
    expect(again.already).to.equal(true);
    // A server repeats "not started" from memory for 100 ms, with the start that Redis reported.
    const told = async () => {
      const { error } = await two.coupons.issueCoupon({ campaignId, userId: "a" }).then(
        () => ({ error: undefined }),
        (error: unknown) => ({ error }),
      );
      const startsAt = refusalOf(error)?.startsAt;
      return startsAt === undefined ? undefined : timestampDate(startsAt).getTime();
    };
    expect(await until(async () => (await told()) === later, HANG_MS, 20)).to.equal(true);
    const past = await two.campaigns.rescheduleCampaign({
      campaignId,
      startsAt: timestampFromMs(Date.now() - 1_000),
    });
    expect(past.notices.join()).to.match(/starts_at has passed .*: the campaign opens at once/);
    expect(await until(async () => (await outcome(two, campaignId, "a")) === "issued", HANG_MS, 20)).to.equal(
      true,
    );
    const no = await refused(
      one.campaigns.rescheduleCampaign({ campaignId, startsAt: timestampFromMs(later) }),
    );
    expect(no).to.deep.equal({
      reason: "NOT_ALLOWED",
      state: "OPEN",
      allowed: ["pause", "add", "end", "cancel", "edit"],
    });
    await untilState(one, campaignId, "OPEN");
  });

  it("paused before the start: it does not open, and opens at once when it is resumed after it", async () => {
    const { id: campaignId } = await createCampaign(one, { total: 3, startsAtMs: Date.now() + HOUR_MS });
    await untilState(one, campaignId, "SCHEDULED");
    await one.campaigns.pauseCampaign({ campaignId });
    const startsAtMs = Date.now() + 200;
    await one.campaigns.rescheduleCampaign({ campaignId, startsAt: timestampFromMs(startsAtMs) });
    await until(() => Date.now() > startsAtMs + 50, HANG_MS, 20);
    expect(await outcome(two, campaignId, "a")).to.equal("PAUSED");
    const resumed = await one.campaigns.resumeCampaign({ campaignId });
    expect(resumed.notices.join()).to.contain("opens at once");
    expect(await outcome(two, campaignId, "a")).to.equal("issued");
    let openedAtMs = 0;
    await until(async () => {
      const { campaign } = await one.campaigns.getCampaign({ campaignId });
      openedAtMs = campaign?.openedAt === undefined ? 0 : timestampDate(campaign.openedAt).getTime();
      return openedAtMs > 0;
    }, 5_000);
    expect(openedAtMs).to.be.at.least(startsAtMs + 50);
  });

  it("end: nothing new from that moment, and that moment is its end", async () => {
    const campaignId = await createOpenCampaign(one, { total: 3 });
    await one.coupons.issueCoupon({ campaignId, userId: "a" });
    const { campaign, already } = await two.campaigns.endCampaign({ campaignId });
    expect([nameOf(CampaignState, campaign?.state), already]).to.deep.equal(["ENDED", false]);
    expect(campaign?.endsAt && timestampDate(campaign.endsAt).getTime()).to.be.closeTo(Date.now(), 5_000);
    expect(stateOf(await one.campaigns.endCampaign({ campaignId }))).to.deep.equal(["ENDED", true]);
    expect(await outcome(one, campaignId, "b")).to.equal("ENDED");
    expect(await outcome(one, campaignId, "a")).to.equal("issued");
    expect((await refused(one.campaigns.cancelCampaign({ campaignId }))).allowed).to.deep.equal(["edit"]);
    const settled = async () =>
      (await db.collection("campaigns").findOne({ _id: campaignId as never }))?.["settling"];
    expect(await until(async () => (await settled()) === undefined, HANG_MS, 50)).to.equal(true);
  });

  it("cancel: codes are retired, holders keep theirs; also before the codes are made", async () => {
    const campaignId = await createOpenCampaign(one, { total: 3 });
    await one.coupons.issueCoupon({ campaignId, userId: "a" });
    expect(stateOf(await one.campaigns.cancelCampaign({ campaignId }))).to.deep.equal(["CANCELLED", false]);
    expect(stateOf(await two.campaigns.cancelCampaign({ campaignId }))).to.deep.equal(["CANCELLED", true]);
    expect(await outcome(two, campaignId, "b")).to.equal("CANCELLED");
    expect(await outcome(two, campaignId, "a")).to.equal("issued");
    expect((await two.coupons.findCoupon({ campaignId, userId: "a" })).coupon?.campaignId).to.equal(
      campaignId,
    );

    const { id: huge } = await createCampaign(one, { total: 400_000 });
    expect(stateOf(await two.campaigns.cancelCampaign({ campaignId: huge }))).to.deep.equal([
      "CANCELLED",
      false,
    ]);
    expect(await outcome(two, huge, "a")).to.equal("CANCELLED");
    expect((await refused(one.campaigns.resumeCampaign({ campaignId: huge }))).reason).to.equal(
      "NOT_ALLOWED",
    );
  });

  it("add: before the start, while open, and after sold out, where it opens again and no winner hears sold out", async () => {
    const startsAtMs = Date.now() + 3_000;
    const { id: campaignId } = await createCampaign(one, { total: 2, startsAtMs });
    await untilState(one, campaignId, "SCHEDULED");
    const totalIs = (total: number) => async () => {
      const meta = await raw.hGetAll(`cp:{${campaignId}}:meta`);
      return meta["total"] === String(total);
    };
    const added = await one.campaigns.addCoupons({ campaignId, count: 1, requestId: "more" });
    expect(added.campaign).to.include({ total: 2, adding: 1 });
    expect((await one.campaigns.addCoupons({ campaignId, count: 1, requestId: "more" })).already).to.equal(
      true,
    );
    expect(
      (await refused(one.campaigns.addCoupons({ campaignId, count: 2, requestId: "more" }))).reason,
    ).to.equal("CONFLICT");
    expect(await until(totalIs(3), HANG_MS, 20)).to.equal(true);
    await untilState(one, campaignId, "OPEN");
    for (const user of ["a", "b", "c"]) expect(await outcome(one, campaignId, user)).to.equal("issued");
    await untilState(one, campaignId, "SOLD_OUT");
    // Both servers now answer "sold out" from memory.
    for (let i = 0; i < 20; i++)
      for (const at of [one, two]) expect(await outcome(at, campaignId, "d")).to.equal("SOLD_OUT");
    await two.campaigns.addCoupons({ campaignId, count: 2 });
    const heard = new Map<string, string>();
    expect(
      await until(
        async () => {
          heard.set("one", await outcome(one, campaignId, "d"));
          return heard.get("one") === "issued";
        },
        HANG_MS,
        5,
      ),
    ).to.equal(true);
    // The other server, at the same moment: a winner gets its own coupon, and a new caller gets the last one.
    expect(await outcome(two, campaignId, "d")).to.equal("issued");
    expect(await outcome(two, campaignId, "e")).to.equal("issued");
    const { issuances, campaign } = await readBooksAtRest(raw, db, campaignId, 5);
    expect([issuances.length, campaign?.total, campaign?.adding]).to.deep.equal([5, 5, undefined]);
    await untilState(one, campaignId, "SOLD_OUT");
  });

  it("add, and the end comes by itself before the codes are made: they are dropped, and the books are right", async () => {
    const campaignId = await createOpenCampaign(one, { total: 2 });
    for (const user of ["a", "b"]) expect(await outcome(one, campaignId, user)).to.equal("issued");
    await untilState(one, campaignId, "SOLD_OUT");
    const endsAtMs = Date.now() + 1_500;
    await one.campaigns.updateCampaign({ campaignId, endsAt: timestampFromMs(endsAtMs) });
    // More codes than a generator makes in that time.
    const added = await two.campaigns.addCoupons({ campaignId, count: 2_000_000, requestId: "more" });
    expect(added.notices.join()).to.contain("opens again");
    await untilState(two, campaignId, "ENDED");
    const { campaign } = await one.campaigns.getCampaign({ campaignId });
    expect(campaign).to.include({ total: 2, adding: 0 });
    const { entries } = await one.campaigns.listHistory({ campaignId, pageSize: 2 });
    expect(entries.map(({ verb, after }) => [verb, after?.adding])).to.deep.equal([
      ["end", 0],
      ["add", 2_000_000],
    ]);
    const late = await refused(two.campaigns.addCoupons({ campaignId, count: 1, requestId: "late" }));
    expect(late).to.deep.equal({ reason: "NOT_ALLOWED", state: "ENDED", allowed: ["edit"] });
    const repeated = await two.campaigns.addCoupons({ campaignId, count: 2_000_000, requestId: "more" });
    expect(repeated.already).to.equal(true);
    const reports: unknown[] = [];
    for await (const { message } of one.campaigns.verifyCampaign({ campaignId })) {
      if (message.case !== "report") continue;
      reports.push(message.value.checks.filter(({ verdict }) => verdict === CheckVerdict.VIOLATED));
    }
    expect(reports).to.deep.equal([[]]);
  });

  it("edit: the name at any time, the end until it has ended; a dry run changes nothing", async () => {
    const campaignId = await createOpenCampaign(one, { total: 3, name: "before" });
    const would = await one.campaigns.updateCampaign({ campaignId, name: "after", dryRun: true });
    expect([would.campaign?.name, would.already]).to.deep.equal(["after", false]);
    expect((await one.campaigns.getCampaign({ campaignId })).campaign).to.include({ name: "before" });
    await one.campaigns.updateCampaign({ campaignId, name: "after" });
    expect((await two.campaigns.updateCampaign({ campaignId, name: "after" })).already).to.equal(true);
    const endsAtMs = Date.now() + 700;
    await two.campaigns.updateCampaign({ campaignId, endsAt: timestampFromMs(endsAtMs) });
    await untilState(one, campaignId, "ENDED");
    expect(await outcome(one, campaignId, "a")).to.equal("ENDED");
    expect((await refused(one.campaigns.updateCampaign({ campaignId, noEnd: true }))).state).to.equal(
      "ENDED",
    );
    await one.campaigns.updateCampaign({ campaignId, name: "in the end" });
    expect((await two.campaigns.getCampaign({ campaignId })).campaign?.name).to.equal("in the end");
  });

  it("history: who, when, what, before and after; newest first, in pages", async () => {
    const campaignId = await createOpenCampaign(one, { total: 1, actor: "lee" });
    await one.campaigns.pauseCampaign({ campaignId, actor: "kim@desk", requestId: "p1" });
    await one.campaigns.updateCampaign({ campaignId, name: "$name" });
    const { entries } = await two.campaigns.listHistory({ campaignId });
    // The first process that notices the opening writes it down.
    expect(entries[2]?.actor).to.be.oneOf(["scheduler", "server"]);
    expect(entries.map(({ verb, actor, revision }) => [revision, verb, actor])).to.deep.equal([
      [4, "edit", "operator"],
      [3, "pause", "operator (kim@desk)"],
      [2, "open", entries[2]?.actor],
      [1, "schedule", "generator"],
      [0, "create", "operator (lee)"],
    ]);
    const [edit, pause, , , created] = entries;
    expect([edit?.before?.name, edit?.after?.name]).to.deep.equal(["a test", "$name"]);
    expect([pause?.before?.state, pause?.after?.state, pause?.requestId]).to.deep.equal([
      CampaignState.OPEN,
      CampaignState.PAUSED,
      "p1",
    ]);
    expect(created?.before).to.equal(undefined);
    expect(pause?.at && timestampDate(pause.at).getTime()).to.be.closeTo(Date.now(), 10_000);
    const page = await one.campaigns.listHistory({ campaignId, pageSize: 2 });
    expect(page.entries.map(({ revision }) => revision)).to.deep.equal([4, 3]);
    const rest = await one.campaigns.listHistory({ campaignId, pageSize: 3, pageToken: page.nextPageToken });
    expect([rest.entries.map(({ revision }) => revision), rest.nextPageToken]).to.deep.equal([[2, 1, 0], ""]);
  });
});
