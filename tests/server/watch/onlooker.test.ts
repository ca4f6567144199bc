import { expect } from "chai";
import type { CampaignDoc } from "../../../record/campaigns.ts";
import type { HistoryDoc } from "../../../record/history.ts";
import type { SeenProcess } from "../../../record/processes.ts";
import { DeadlineExceeded } from "../../../runtime/deadline.ts";
import type { Look } from "../../../server/live-view.ts";
import { createOnlooker, type OnlookerDeps } from "../../../server/watch/onlooker.ts";
import { seenProcess } from "../../preflight/facts.ts";
import { fakeClock } from "../../runtime/fake-clock.ts";

const campaign = {
  ...{ _id: "c", name: "c", total: 1_000, state: "OPEN", generation: 1, generated: 1_000, codeFormat: "가0" },
  ...{ startsAt: new Date(0), createdAt: new Date(0), onePerUser: true },
} as CampaignDoc;
const away = (): never => {
  throw new DeadlineExceeded("looking");
};

describe("onlooker", () => {
  function looking() {
    const clock = fakeClock();
    const now: {
      look: () => Look | null;
      processes: SeenProcess[] | undefined;
      counts: number;
      entries: HistoryDoc[];
    } = {
      look: () => shown(0),
      processes: [seenProcess(1)],
      counts: 0,
      entries: [],
    };
    const deps: OnlookerDeps = {
      liveView: { look: async () => now.look() },
      processLook: async () => now.processes,
      preflightLook: async () => [],
      async issuedLook() {
        now.counts++;
        return 77;
      },
      history: { list: async (_id, _before, limit) => now.entries.slice(0, limit) },
      clock,
    };
    const look = createOnlooker("c", deps);
    /** So many, the first of them the creation; the newest first. */
    const entries = (count: number): void => {
      now.entries = Array.from({ length: count }, (_, i) => {
        const revision = count - 1 - i;
        const verb = revision === 0 ? "create" : "resume";
        return { revision, verb, actor: "mina", at: new Date(revision), after: {} } as HistoryDoc;
      });
    };
    return { clock, now, look, entries, message: async () => (await look())?.message };
  }
  const pool = (claims: number) =>
    ({
      ...{ status: "ok", state: "open", generation: 1, armedAtMs: 1, claims, ledger: 2 },
      ...{ stagedCodes: 0, openCodes: 1_000 - claims, awayCodes: 0 },
    }) as unknown as Look["pool"];
  const shown = (claims: number): Look => ({ campaign, pool: pool(claims) });
  const texts = (message: { readonly events: readonly { readonly text: string }[] } | undefined) =>
    message?.events.map(({ text }) => text);

  it("counts what is durable, and makes the rate of the time that really went by", async () => {
    const { clock, now, message } = looking();
    now.look = () => shown(102);
    expect(await message()).to.deep.include({ issuedPerSecond: 0, ledgerDepth: 2, remaining: 898 });
    clock.pass(2_000);
    now.look = () => shown(502);
    const second = await message();
    expect(second).to.include({ issuedPerSecond: 200 });
    expect(second?.campaign?.issued).to.equal(500);
  });

  it("lives through a MongoDB that goes away: says so, shows what was before, and makes no rate of the gap", async () => {
    const { clock, now, message } = looking();
    now.look = () => shown(102);
    await message();
    now.look = away;
    now.processes = undefined;
    clock.pass(4_000);
    const lost = await message();
    expect(texts(lost)).to.deep.equal([
      "MongoDB does not answer: what is shown is of before, and nothing is issued",
    ]);
    expect(lost?.campaign?.issued).to.equal(100);
    expect([lost?.traffic, lost?.processes]).to.deep.equal([undefined, []]);
    now.look = () => shown(602);
    now.processes = [seenProcess(1)];
    clock.pass(1_000);
    const back = await message();
    expect(texts(back)).to.deep.equal(["MongoDB answers again"]);
    expect(back?.issuedPerSecond).to.equal(100);
    expect(back?.processes).to.have.length(1);
  });

  it("tells the last twenty changes at the first look, and where the ones before are", async () => {
    const { entries, message } = looking();
    entries(20);
    expect(texts(await message()))
      .to.have.length(19)
      .and.to.include("mina resumed it");
    for (const [kept, told] of [
      [21, ["changes before: coupon history c", ...Array(20).fill("mina resumed it")]],
      [60, ["changes before: coupon history c", ...Array(20).fill("mina resumed it")]],
    ] as const) {
      const another = looking();
      another.entries(kept);
      expect(texts(await another.message())).to.deep.equal(told);
      expect(texts(await another.message())).to.deep.equal([]);
    }
  });

  it("a MongoDB that is away at the first look, and a bug at any, is an error", async () => {
    const { now, look } = looking();
    now.look = away;
    expect(await look().catch((error: unknown) => error)).to.be.instanceOf(DeadlineExceeded);
    now.look = () => shown(0);
    await look();
    now.look = () => {
      throw new TypeError("a bug");
    };
    expect(await look().catch((error: unknown) => error)).to.be.instanceOf(TypeError);
    now.look = () => null;
    expect(await look()).to.equal(null);
  });

  it("counts in MongoDB where the pool cannot tell, and knows a sold-out campaign without counting", async () => {
    const { now, message } = looking();
    now.look = () => ({ campaign, pool: undefined });
    const blind = await message();
    expect([blind?.campaign?.issued, blind?.remaining, now.counts]).to.deep.equal([77, 923, 1]);
    expect(texts(blind)).to.deep.equal(["Redis does not answer: nothing is issued"]);
    now.look = () => ({ campaign: { ...campaign, state: "SOLD_OUT" }, pool: undefined });
    const gone = await message();
    expect([gone?.campaign?.issued, now.counts]).to.deep.equal([1_000, 1]);
  });

  it("a process that falls silent while MongoDB took no word was not lost", async () => {
    const { now, message } = looking();
    await message();
    now.processes = [seenProcess(1, { ageMs: 20_000 })];
    expect(texts(await message())).to.deep.equal([]);
    now.processes = [seenProcess(1)];
    expect(texts(await message())).to.deep.equal([]);
  });
});
