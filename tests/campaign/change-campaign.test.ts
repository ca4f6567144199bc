import { expect } from "chai";
import { type ChangeAnswer, type ChangeAsk, createChangeCampaign } from "../../campaign/change-campaign.ts";
import type { Change } from "../../campaign/judge-change.ts";
import { createRestore } from "../../campaign/restore.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { bareCampaign, madeCampaign, type Records, recordsOf } from "../support/made-campaign.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const HOUR_MS = 3_600_000;
const LEASE_MS = 10_000;

describe("changing a campaign", () => {
  const stores = withStores("each");
  let records: Records;

  beforeEach(async () => {
    records = recordsOf(stores.db);
  });

  /** The change procedure of one server; `over`: methods that replace those of its record. */
  function server(
    over: (campaigns: Campaigns) => Partial<Campaigns> = () => ({}),
    clock: Clock = systemClock,
  ) {
    const own = recordsOf(stores.db);
    const campaigns = { ...own.campaigns, ...over(own.campaigns) };
    const common = { ...own, campaigns, pool: stores.pool, clock, logger: silentLogger, leaseMs: LEASE_MS };
    const restore = createRestore({ ...common, owner: "test", metrics: createMetrics() });
    const change = createChangeCampaign({ ...common, restore });
    return ({ _id }: CampaignDoc, wish: Change, more: Partial<ChangeAsk> = {}) =>
      change({
        ...{ campaignId: _id, change: wish, actor: "kim", requestId: "one", dryRun: false },
        ...{ signal: new AbortController().signal, ...more },
      });
  }

  /** A server that stops before it takes the lease, until `meanwhile` has ended. */
  const stalled = (meanwhile: () => Promise<unknown>) => {
    let first: Promise<unknown> | undefined;
    return server(({ takeLease }) => ({
      async takeLease(...args) {
        first ??= meanwhile();
        await first;
        return takeLease(...args);
      },
    }));
  };

  async function loaded(given: Partial<CampaignDoc> = {}): Promise<CampaignDoc> {
    const { campaign } = await madeCampaign(records, given);
    const deps = { ...records, pool: stores.pool, clock: systemClock, owner: "test", leaseMs: LEASE_MS };
    await createRestore({ ...deps, metrics: createMetrics(), logger: silentLogger })(campaign._id);
    return campaign;
  }
  const told = (answer: ChangeAnswer) =>
    answer.kind === "refused" ? answer.refusal.reason : (answer.kind as string);
  const entriesOf = ({ _id }: CampaignDoc) => records.history.list(_id, undefined, 100);
  const standing = async ({ _id }: CampaignDoc) => {
    const doc = await records.campaigns.find(_id);
    if (doc === null) throw new Error("it is gone");
    return doc;
  };
  /** The generator's step after it has made all added coupons. */
  async function finishAdding({ _id }: CampaignDoc, count: number): Promise<void> {
    await records.campaigns.takeLease(_id, "generator", LEASE_MS, false);
    expect(await records.campaigns.finishAdding(_id, "generator", count)).not.to.equal(null);
    await records.campaigns.dropLease(_id, "generator");
  }

  describe("a pool that has opened, and no scheduler has written that down", () => {
    const path = async (campaign: CampaignDoc) =>
      (await entriesOf(campaign)).toReversed().map(({ revision, verb, actor, before, after }) => {
        return `${revision} ${verb} by ${actor}: ${before?.state} → ${after.state}`;
      });

    it("a change of state is written down after the opening, in one step: the history tells both", async () => {
      const startsAt = new Date(Date.now() - 1_000);
      for (const [state, verb, to] of [
        ["SCHEDULED", "pause", "PAUSED"],
        ["SCHEDULED", "end", "ENDED"],
        ["SCHEDULED", "cancel", "CANCELLED"],
      ] as const) {
        const campaign = await loaded({ startsAt, state });
        await stores.pool.advance(campaign._id, Date.now());
        const { armedAtMs } = await stores.pool.inspect(campaign._id);
        expect(told(await server()(campaign, { verb }, { requestId: verb }))).to.equal("changed");
        expect(await path(campaign)).to.deep.equal([
          "1 open by server: SCHEDULED → OPEN",
          `2 ${verb} by kim: OPEN → ${to}`,
        ]);
        const [, opening] = await entriesOf(campaign);
        expect(opening?.happenedAt?.getTime()).to.equal(armedAtMs);
        expect(await standing(campaign)).to.deep.include({ revision: 2, openedAt: new Date(armedAtMs) });
        expect(told(await server()(campaign, { verb }, { requestId: verb }))).to.equal("already");
      }
    });

    it("also where the generator died before it wrote down that the pool is loaded", async () => {
      const campaign = await loaded({ startsAt: new Date(Date.now() - 1_000), state: "GENERATING" });
      await stores.pool.advance(campaign._id, Date.now());
      expect(told(await server()(campaign, { verb: "pause" }))).to.equal("changed");
      expect(await path(campaign)).to.deep.equal([
        "1 schedule by server: GENERATING → SCHEDULED",
        "2 open by server: SCHEDULED → OPEN",
        "3 pause by kim: OPEN → PAUSED",
      ]);
    });

    it("what changes no state leaves the opening to the scheduler", async () => {
      const campaign = await loaded({ startsAt: new Date(Date.now() - 1_000), state: "SCHEDULED" });
      await stores.pool.advance(campaign._id, Date.now());
      const rename: Change = { verb: "edit", name: "x", endsAtMs: undefined };
      expect(told(await server()(campaign, rename))).to.equal("changed");
      expect(await path(campaign)).to.deep.equal(["1 edit by kim: SCHEDULED → SCHEDULED"]);
    });
  });

  describe("one request id, carried out once", () => {
    it("a server that stood still before the lease does not add the coupons again that another has added", async () => {
      const campaign = await bareCampaign(records, { total: 100 });
      const add: Change = { verb: "add", count: 10 };
      const elsewhere = server();
      const late = stalled(async () => {
        expect(told(await elsewhere(campaign, add))).to.equal("changed");
        await finishAdding(campaign, 10);
      });
      expect(told(await late(campaign, add))).to.equal("already");
      expect(await standing(campaign))
        .to.include({ total: 110 })
        .and.not.have.property("adding");
      expect((await entriesOf(campaign)).map(({ verb }) => verb)).to.deep.equal(["added", "add"]);
    });

    it("while it stood still the other change was another one: a conflict, and the first stands", async () => {
      const campaign = await bareCampaign(records);
      const elsewhere = server();
      const late = stalled(() => elsewhere(campaign, { verb: "edit", name: "x", endsAtMs: undefined }));
      const answer = await late(campaign, { verb: "edit", name: "y", endsAtMs: undefined });
      expect(told(answer)).to.equal("CONFLICT");
      expect((await standing(campaign)).name).to.equal("x");
      expect(await entriesOf(campaign)).to.have.length(1);
    });

    it("nor is a change made twice that the pool follows; the pool is turned to what stands", async () => {
      const campaign = await loaded({ startsAt: new Date(Date.now() + HOUR_MS) });
      const startsAtMs = campaign.startsAt.getTime();
      const move = (ms: number): Change => ({ verb: "reschedule", startsAtMs: ms, endsAtMs: undefined });
      const elsewhere = server();
      const late = stalled(async () => {
        expect(told(await elsewhere(campaign, move(startsAtMs + HOUR_MS)))).to.equal("changed");
        expect(
          told(await elsewhere(campaign, move(startsAtMs + 2 * HOUR_MS), { requestId: "two" })),
        ).to.equal("changed");
      });
      expect(told(await late(campaign, move(startsAtMs + HOUR_MS)))).to.equal("already");
      const { startsAt, lease } = await standing(campaign);
      expect([startsAt.getTime(), lease]).to.deep.equal([startsAtMs + 2 * HOUR_MS, undefined]);
      expect(await stores.pool.inspect(campaign._id)).to.include({ status: "ok", state: "staged" });
      const pool = await stores.pool.advance(campaign._id, startsAtMs + HOUR_MS + 1);
      expect(pool).to.include({ kind: "ok", state: "staged" });
      expect((await entriesOf(campaign)).map(({ requestId }) => requestId)).to.deep.equal(["two", "one"]);
    });

    it("what stands in the way is this very request: already, and not that coupons are being added", async () => {
      const campaign = await bareCampaign(records, { total: 100 });
      const add: Change = { verb: "add", count: 10 };
      const elsewhere = server();
      let others = 0;
      const late = server(({ find }) => ({
        async find(id) {
          if (others++ === 0) expect(told(await elsewhere(campaign, add))).to.equal("changed");
          return find(id);
        },
      }));
      expect(told(await late(campaign, add))).to.equal("already");
      expect((await standing(campaign)).adding).to.deep.equal({ count: 10 });
    });

    it("many servers at the same moment: one adds, all others hear already", async () => {
      const campaign = await bareCampaign(records, { total: 100 });
      const asks = Array.from({ length: 8 }, () => server()(campaign, { verb: "add", count: 10 }));
      const answers = (await Promise.all(asks)).map(told).sort();
      expect(answers).to.deep.equal([...Array.from({ length: 7 }, () => "already"), "changed"]);
      expect(await entriesOf(campaign)).to.have.length(1);
      expect((await standing(campaign)).adding).to.deep.equal({ count: 10 });
    });

    it("many servers, each with another name: one renames, all others hear of the conflict", async () => {
      const campaign = await bareCampaign(records);
      const asks = Array.from({ length: 8 }, (_, i) =>
        server()(campaign, { verb: "edit", name: `name ${i}`, endsAtMs: undefined }),
      );
      const answers = (await Promise.all(asks)).map(told).sort();
      expect(answers).to.deep.equal([...Array.from({ length: 7 }, () => "CONFLICT"), "changed"]);
      expect(await entriesOf(campaign)).to.have.length(1);
    });
  });

  describe("nobody waits for the answer any more", () => {
    const add: Change = { verb: "add", count: 10 };
    const unchanged = async (campaign: CampaignDoc) => {
      const { lease, changing, adding, revision } = await standing(campaign);
      expect([lease, changing, adding, revision]).to.deep.equal([undefined, undefined, undefined, undefined]);
    };

    it("the call was given up before the lease was there: nothing is begun, the lease is given back", async () => {
      const campaign = await bareCampaign(records);
      const caller = new AbortController();
      const late = stalled(async () => caller.abort());
      expect(told(await late(campaign, add, { signal: caller.signal }))).to.equal("OVERLOADED");
      await unchanged(campaign);
    });

    it("the wait was over before the lease was there: the same", async () => {
      const campaign = await bareCampaign(records);
      let passedMs = 0;
      const clock: Clock = { ...systemClock, elapsed: () => systemClock.elapsed() + passedMs };
      const late = server(
        ({ takeLease }) => ({
          async takeLease(...args) {
            passedMs = 5_000;
            return takeLease(...args);
          },
        }),
        clock,
      );
      expect(told(await late(campaign, add))).to.equal("OVERLOADED");
      await unchanged(campaign);
    });
  });

  describe("coupons for a campaign whose end has passed", () => {
    const PASSED = new Date(Date.now() - 1_000);
    const add: Change = { verb: "add", count: 1 };
    const refusedIn = async (campaign: CampaignDoc) => {
      const answer = await server()(campaign, add);
      expect(await standing(campaign)).not.to.have.property("adding");
      return answer.kind === "refused" ? answer.refusal : answer;
    };

    for (const state of ["OPEN", "PAUSED", "SOLD_OUT"] as const)
      it(`${state} on record, and over: refused as ENDED, with no word of opening again`, async () => {
        const campaign = await loaded({
          state,
          endsAt: PASSED,
          openedAt: new Date(PASSED.getTime() - HOUR_MS),
        });
        expect(await refusedIn(campaign)).to.deep.equal({
          ...{ reason: "NOT_ALLOWED", verb: "add", phase: "ENDED", allowed: ["edit"] },
        });
      });

    it("one that has not opened can be given another end first, and then more", async () => {
      const startsAt = new Date(PASSED.getTime() - HOUR_MS);
      const why = `its end has passed (${PASSED.toISOString()}): move the end first`;
      const generating = await bareCampaign(records, { startsAt, endsAt: PASSED });
      expect(await refusedIn(generating)).to.deep.equal({
        ...{ reason: "NOT_ALLOWED", verb: "add", phase: "GENERATING", why },
        allowed: ["reschedule", "cancel", "edit"],
      });
      const paused = await loaded({ state: "PAUSED", startsAt, endsAt: PASSED });
      expect(await refusedIn(paused)).to.deep.equal({
        ...{ reason: "NOT_ALLOWED", verb: "add", phase: "PAUSED_BEFORE_OPENING", why },
        allowed: ["resume", "reschedule", "cancel", "edit"],
      });
      const endsAtMs = Date.now() + HOUR_MS;
      const moved = { verb: "edit", name: undefined, endsAtMs } as const;
      for (const campaign of [generating, paused]) {
        expect(told(await server()(campaign, moved, { requestId: "end" }))).to.equal("changed");
        expect(told(await server()(campaign, add))).to.equal("changed");
      }
    });
  });

  describe("the same request id again", () => {
    const END_MS = Date.now() + 9 * HOUR_MS;
    const START_MS = Date.now() + HOUR_MS;
    const cases: readonly [words: string, first: Change, other: Change, what: string][] = [
      [
        "another name",
        { verb: "edit", name: "AAA", endsAtMs: undefined },
        { verb: "edit", name: "BBB", endsAtMs: undefined },
        "another name",
      ],
      [
        "a name, then an end",
        { verb: "edit", name: "AAA", endsAtMs: undefined },
        { verb: "edit", name: "AAA", endsAtMs: END_MS },
        "another end",
      ],
      [
        "an end, then none",
        { verb: "edit", name: undefined, endsAtMs: END_MS },
        { verb: "edit", name: undefined, endsAtMs: null },
        "another end",
      ],
      [
        "a start, then another end with it",
        { verb: "reschedule", startsAtMs: START_MS, endsAtMs: END_MS },
        { verb: "reschedule", startsAtMs: START_MS, endsAtMs: END_MS + 1 },
        "another end",
      ],
      [
        "an end, then no_end",
        { verb: "reschedule", startsAtMs: START_MS, endsAtMs: END_MS },
        { verb: "reschedule", startsAtMs: START_MS, endsAtMs: null },
        "another end",
      ],
      [
        "another start",
        { verb: "reschedule", startsAtMs: START_MS, endsAtMs: undefined },
        { verb: "reschedule", startsAtMs: START_MS + 1, endsAtMs: undefined },
        "another start",
      ],
      ["another count", { verb: "add", count: 1 }, { verb: "add", count: 2 }, "an addition of another count"],
      ["another verb", { verb: "add", count: 1 }, { verb: "cancel" }, "another change (add)"],
    ];
    for (const [words, first, other, what] of cases)
      it(`for ${words}: a conflict; for the same: already`, async () => {
        const campaign = await bareCampaign(records);
        const change = server();
        expect(told(await change(campaign, first))).to.equal("changed");
        expect(told(await change(campaign, first))).to.equal("already");
        expect(await change(campaign, other)).to.deep.equal({
          kind: "refused",
          refusal: { reason: "CONFLICT", what },
        });
        expect(await entriesOf(campaign)).to.have.length(1);
      });

    it("an entry of an earlier version, which kept no fields, is judged by what it did", async () => {
      const campaign = await bareCampaign(records);
      const change = server();
      const move = (startsAtMs: number, endsAtMs: number | undefined): Change => ({
        ...{ verb: "reschedule", startsAtMs, endsAtMs },
      });
      await change(campaign, move(START_MS, undefined));
      await stores.db.collection("history").updateMany({}, { $unset: { asked: 1 } });
      expect((await entriesOf(campaign))[0]).not.to.have.property("asked");
      expect(told(await change(campaign, move(START_MS, END_MS)))).to.equal("already");
      expect(told(await change(campaign, move(START_MS + 1, undefined)))).to.equal("CONFLICT");
    });

    it("an addition that filled the format is already done, and not too large", async () => {
      const campaign = await bareCampaign(records, { total: 6, codeFormat: "가가00" });
      const change = server();
      const add: Change = { verb: "add", count: 2 };
      const room = 8;
      const tooMany = await change(campaign, { verb: "add", count: room - 5 }, { requestId: "more" });
      expect(told(tooMany)).to.equal("INVALID");
      expect(told(await change(campaign, add))).to.equal("changed");
      await finishAdding(campaign, 2);
      expect(told(await change(campaign, add))).to.equal("already");
      expect(told(await change(campaign, { verb: "add", count: 1 }, { requestId: "more" }))).to.equal(
        "INVALID",
      );
    });
  });
});
