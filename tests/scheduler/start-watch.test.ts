import { expect } from "chai";
import type { Line } from "../../campaign/preflight/line.ts";
import type { Report } from "../../campaign/preflight/preflight.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { createPreflights, type Preflights } from "../../record/preflights.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics, type Metrics } from "../../runtime/metrics.ts";
import {
  createStartWatch,
  dueMoment,
  isJustBeingMade,
  type StartWatch,
} from "../../scheduler/start-watch.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { bareCampaign, type Records, recordsOf } from "../support/made-campaign.ts";
import { withStores } from "../support/with-stores.ts";

const START_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const greenLine: Line = { check: "pool", colour: "green", finding: "10 codes", advice: "" };
const redLine: Line = { check: "redis-durability", colour: "red", finding: "no file", advice: "mend it" };

describe("start watch", () => {
  const stores = withStores("each");
  let records: Records;
  let preflights: Preflights;
  let metrics: Metrics;
  let lines: Record<string, unknown>[];
  let made: number[];

  beforeEach(async () => {
    records = recordsOf(stores.db);
    preflights = createPreflights(stores.db);
    metrics = createMetrics(fakeClock({ startMs: START_MS }));
    lines = [];
    made = [];
  });

  function watch(clock: Clock, found: readonly Line[] = [greenLine]): StartWatch {
    const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
    const red = found.some(({ colour }) => colour === "red");
    return createStartWatch({
      campaigns: records.campaigns,
      preflights,
      async preflight(campaignId): Promise<Report | null> {
        made.push(clock.now());
        const campaign = await records.campaigns.find(campaignId);
        if (campaign === null) return null;
        return { campaign, issued: 0, colour: red ? "red" : "green", lines: found };
      },
      ...{ clock, metrics },
      logger: createLogger({ level: "info", format: "json", destination }),
    });
  }
  const starting = (given: Partial<CampaignDoc> = {}) =>
    bareCampaign(records, { state: "SCHEDULED", startsAt: new Date(START_MS), ...given });
  const leftAt = () => made.map((atMs) => START_MS - atMs);

  it("the moment that is due is the last one that has come", () => {
    const due = (leftMs: number) => dueMoment(START_MS - leftMs, START_MS);
    expect([600_001, 600_000, 60_001, 60_000, 10_001, 10_000, 1, 0, -1].map(due)).to.deep.equal([
      undefined,
      600_000,
      600_000,
      60_000,
      60_000,
      10_000,
      10_000,
      undefined,
      undefined,
    ]);
  });

  it("what was found within the last seconds is not told once more, by no scheduler; what is new is", async () => {
    const { _id: id } = await starting();
    const clock = fakeClock({ startMs: START_MS - 11_000 });
    const red = { ...greenLine, colour: "red" } as const;
    const verdicts = () => lines.filter(({ msg }) => /: RED$/.test(String(msg))).length;
    const step = () =>
      stores.db.collection<CampaignDoc>("campaigns").updateOne({ _id: id }, { $inc: { revision: 1 } });
    await watch(clock, [red]).look();
    clock.pass(1_000);
    await watch(clock, [red]).look();
    await step();
    await watch(clock, [red]).look();
    expect([leftAt(), verdicts()]).to.deep.equal([[11_000, 10_000, 10_000], 1]);
    await step();
    await watch(clock, [red, { ...red, check: "another" }]).look();
    expect(verdicts(), "another finding").to.equal(2);
    clock.pass(6_000);
    await step();
    await watch(clock, [red, { ...red, check: "another" }]).look();
    expect(verdicts(), "later").to.equal(3);
  });

  it("looks ten minutes, one minute and ten seconds before the start, once each, and never after it", async () => {
    await starting();
    const clock = fakeClock({ startMs: START_MS - 11 * MINUTE_MS });
    const one = watch(clock);
    for (let second = 0; second < 12 * 60; second++) {
      await one.look();
      clock.pass(1_000);
    }
    expect(leftAt()).to.deep.equal([600_000, 60_000, 10_000]);
  });

  it("while codes of a new campaign are being made it waits, but neither for long nor to the end", async () => {
    const given = { state: "GENERATING", startsAt: new Date(START_MS), total: 100_000 } as const;
    const of = (leftMs: number, agoMs: number, state: CampaignDoc["state"] = "GENERATING") =>
      isJustBeingMade({ ...given, state, createdAt: new Date(START_MS - leftMs - agoMs) }, START_MS - leftMs);
    expect([of(45_000, 1_000), of(45_000, 21_000), of(5_001, 1_000)]).to.deep.equal([true, true, true]);
    expect([of(45_000, 21_001), of(5_000, 1_000), of(45_000, 0, "SCHEDULED")]).to.deep.equal([
      false,
      false,
      false,
    ]);

    const clock = fakeClock({ startMs: START_MS - 45_000 });
    await starting({ state: "GENERATING", createdAt: new Date(START_MS - 45_200) });
    const one = watch(clock);
    await one.look();
    expect(made).to.deep.equal([]);
    clock.pass(1_000);
    await stores.db.collection("campaigns").updateOne({}, { $set: { state: "SCHEDULED" } });
    await one.look();
    expect(leftAt()).to.deep.equal([44_000]);
  });

  it("of several schedulers one looks, and what it found is written down", async () => {
    const { _id: id } = await starting();
    const clock = fakeClock({ startMs: START_MS - MINUTE_MS });
    const all = Array.from({ length: 4 }, () => watch(clock, [greenLine, redLine]));
    await Promise.all(all.map((one) => one.look()));
    for (const one of all) await one.look();
    expect(leftAt()).to.deep.equal([MINUTE_MS]);
    const [written, ...others] = await preflights.latest(id, 10);
    expect(others).to.deep.equal([]);
    expect(written).to.deep.include({ campaignId: id, beforeMs: MINUTE_MS, colour: "red", lines: [redLine] });
  });

  it("says loudly what is not green, and quietly that all is", async () => {
    const { _id: campaign } = await starting({ name: "크리스마스" });
    await watch(fakeClock({ startMs: START_MS - 5_000 }), [greenLine, redLine]).look();
    expect(lines.map(({ level, msg }) => [level, msg])).to.deep.equal([
      ["error", "preflight 5.0 s before the start: RED"],
      ["error", "preflight RED redis-durability: no file. mend it"],
    ]);
    expect(lines[0]).to.deep.include({ campaign, name: "크리스마스", red: 1, amber: 0 });
    lines = [];
    await starting({ startsAt: new Date(START_MS + 1) });
    await watch(fakeClock({ startMs: START_MS - 5_000 })).look();
    expect(lines.map(({ level }) => level)).to.deep.equal(["info"]);
  });

  it("a start that is moved is looked at anew, one that is nearer than a moment only at that one", async () => {
    const { _id: id } = await starting();
    const clock = fakeClock({ startMs: START_MS - 50_000 });
    const one = watch(clock);
    await one.look();
    await stores.db
      .collection<CampaignDoc>("campaigns")
      .updateOne({ _id: id }, { $set: { startsAt: new Date(START_MS + 5 * MINUTE_MS) } });
    await one.look();
    await one.look();
    expect((await preflights.latest(id, 10)).map(({ beforeMs }) => beforeMs)).to.have.members([
      60_000, 600_000,
    ]);
  });

  it("a start that is moved away and back, or a campaign that was changed otherwise, is looked at anew", async () => {
    const { _id: id } = await starting();
    const clock = fakeClock({ startMs: START_MS - 50_000 });
    const [one, other] = [watch(clock), watch(clock)];
    const change = (revision: number, startsAt: Date) =>
      stores.db.collection<CampaignDoc>("campaigns").updateOne({ _id: id }, { $set: { startsAt, revision } });
    for (const look of [one.look, other.look]) await look();
    await change(1, new Date(START_MS + 24 * 60 * MINUTE_MS));
    for (const look of [one.look, other.look]) await look();
    await change(2, new Date(START_MS));
    for (const look of [one.look, other.look, one.look]) await look();
    expect(made).to.have.length(2);
    const written = await preflights.latest(id, 10);
    expect(written.map(({ beforeMs, revision }) => `${beforeMs}/${revision}`)).to.have.members([
      "60000/0",
      "60000/2",
    ]);
  });

  it("one that could not be made is tried again", async () => {
    const { _id: id } = await starting();
    const failures = [new Error("away"), new Error("away")];
    const one = createStartWatch({
      campaigns: records.campaigns,
      preflights,
      async preflight(campaignId) {
        const failure = failures.pop();
        if (failure !== undefined) throw failure;
        const campaign = await records.campaigns.find(campaignId);
        return campaign === null ? null : { campaign, issued: 0, colour: "green", lines: [greenLine] };
      },
      ...{ clock: fakeClock({ startMs: START_MS - MINUTE_MS }), metrics },
      logger: createLogger({ level: "silent", format: "json" }),
    });
    const outcomes = [];
    for (let i = 0; i < 4; i++) outcomes.push(await one.look().then(() => "looked", String));
    expect(outcomes).to.deep.equal(["Error: away", "Error: away", "looked", "looked"]);
    expect((await preflights.latest(id, 10)).map(({ colour }) => colour)).to.deep.equal(["green"]);
  });

  it("also looks at what is still being made or paused, and not at what is over", async () => {
    const inAMinute = { startsAt: new Date(START_MS) };
    for (const state of ["GENERATING", "SCHEDULED", "PAUSED"] as const)
      await starting({ ...inAMinute, state });
    for (const state of ["OPEN", "SOLD_OUT", "ENDED", "CANCELLED"] as const)
      await starting({ ...inAMinute, state });
    await watch(fakeClock({ startMs: START_MS - MINUTE_MS })).look();
    expect(made).to.have.length(3);
  });

  it("campaigns that start soon, or should have, and have no codes yet, are in the metrics as not ready", async () => {
    const unmade = { state: "GENERATING" } as const;
    const soon = await starting(unmade);
    const late = await starting({ ...unmade, startsAt: new Date(START_MS - HOUR_MS) });
    await starting();
    await starting({ ...unmade, startsAt: new Date(START_MS + HOUR_MS) });
    await watch(fakeClock({ startMs: START_MS - MINUTE_MS })).look();
    const page = await metrics.registry.getSingleMetricAsString("coupon_campaign_pool_ready");
    const told = page.split("\n").filter((line) => line.startsWith("coupon_campaign_pool_ready{"));
    expect(told).to.have.members(
      [soon, late].map(({ _id }) => `coupon_campaign_pool_ready{campaign="${_id}"} 0`),
    );
  });

  it("says loudly that nobody could look", async () => {
    const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
    const blind = createStartWatch({
      campaigns: { ...records.campaigns, startingBetween: () => Promise.reject(new Error("away")) },
      preflights,
      preflight: () => Promise.resolve(null),
      ...{ clock: fakeClock({ startMs: START_MS }), metrics },
      logger: createLogger({ level: "info", format: "json", destination }),
    });
    blind.start();
    await blind.stop();
    expect(lines.map(({ level, msg }) => [level, msg])).to.deep.equal([
      ["error", "a preflight could not be made: it is unknown whether the campaign will open"],
    ]);
  });
});
