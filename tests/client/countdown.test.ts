import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { seededRandom } from "../../callers/random.ts";
import { wait } from "../../client/clock.ts";
import { type Countdown, type CountdownView, createCouponClient } from "../../client/coupon-client.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { pass, refusing, settle, stubTransport } from "./stub-transport.ts";

const ID = "0123456789ABCDEFGHJKMNPQRS";
const HOUR_MS = 3_600_000;
const SERVER_BEGINS_MS = 1_900_000_000_000;

/** A server whose clock is its own, and a network with a way there and a way back. */
type World = {
  readonly clock: FakeClock;
  /** Milliseconds on the server's clock for each of the device's. */
  drift: number;
  /** What the server's clock went on while the device's stood still. */
  sleptMs: number;
  wayThereMs: () => number;
  wayBackMs: () => number;
  readonly startsAtMs: number;
  isDown: boolean;
  soldOut: boolean;
  asked: number;
  gets: number;
  serverMs(): number;
  readonly views: CountdownView[];
  readonly countdown: Countdown;
  /** How far the countdown is off, in ms; positive: too early. */
  earlyMs(): number;
};

function worldOf(given: { deviceClockMs?: number; startsInMs?: number; seed?: number } = {}): World {
  const { deviceClockMs = SERVER_BEGINS_MS, startsInMs = HOUR_MS, seed = 1 } = given;
  const clock = fakeClock({ startMs: deviceClockMs });
  const views: CountdownView[] = [];
  const transport = stubTransport(async ({ isGet }) => {
    world.asked += 1;
    if (isGet) world.gets += 1;
    await wait(clock, world.wayThereMs());
    if (world.isDown) throw new ConnectError("down", Code.Unavailable);
    const serverMs = Math.floor(world.serverMs());
    const hasStarted = serverMs >= world.startsAtMs;
    await wait(clock, world.wayBackMs());
    return {
      state: hasStarted ? CampaignState.OPEN : CampaignState.SCHEDULED,
      startsAt: timestampFromMs(world.startsAtMs),
      serverTime: timestampFromMs(serverMs),
      millisToStart: BigInt(Math.max(0, world.startsAtMs - serverMs)),
      soldOut: world.soldOut,
    };
  });
  const client = createCouponClient({ baseUrl: "", transport, clock, random: seededRandom(seed) });
  const world: World = {
    ...{ clock, drift: 1, sleptMs: 0, startsAtMs: SERVER_BEGINS_MS + startsInMs, views },
    ...{ wayThereMs: () => 20, wayBackMs: () => 20, isDown: false, soldOut: false, asked: 0, gets: 0 },
    serverMs: () => SERVER_BEGINS_MS + world.sleptMs + clock.elapsed() * world.drift,
    countdown: client.countdown(ID),
    earlyMs: () => world.startsAtMs - world.serverMs() - (world.countdown.millisToStart() ?? Number.NaN),
  };
  world.countdown.subscribe((view) => views.push(view));
  return world;
}

async function passToNextAnswer(world: World): Promise<void> {
  const { asked } = world;
  while (world.asked === asked) await pass(world.clock, 100);
  await pass(world.clock, 100);
}

const campaignViews = (views: readonly CountdownView[]) => views.filter((view) => view.kind === "campaign");

describe("A countdown", () => {
  const worlds: World[] = [];
  const make: typeof worldOf = (given) => {
    const world = worldOf(given);
    worlds.push(world);
    return world;
  };
  afterEach(() => {
    for (const { countdown } of worlds.splice(0)) countdown.close();
  });

  it("is the server's, where the device's clock is three hours off", async () => {
    for (const offMs of [-3 * HOUR_MS, 3 * HOUR_MS]) {
      const world = make({ deviceClockMs: SERVER_BEGINS_MS + offMs });
      await pass(world.clock, 100);
      expect(Math.abs(world.earlyMs())).to.be.at.most(1);
      await pass(world.clock, HOUR_MS / 2);
      expect(Math.abs(world.earlyMs())).to.be.at.most(1);
    }
  });

  it("does not follow the device's clock when that is set in the middle, and reads the server's anew", async () => {
    const world = make();
    await pass(world.clock, 60_000);
    await passToNextAnswer(world);
    const before = world.asked;
    world.isDown = true;
    world.clock.step(3 * HOUR_MS);
    await pass(world.clock, 1_200);
    expect(world.asked).to.be.greaterThan(before);
    expect(Math.abs(world.earlyMs())).to.be.at.most(1);
    expect(world.views.at(-1)).to.include({ kind: "campaign", isCurrent: false });
    world.isDown = false;
    await pass(world.clock, 10_000);
    expect(world.views.at(-1)).to.include({ kind: "campaign", isCurrent: true });
    expect(Math.abs(world.earlyMs())).to.be.at.most(1);
  });

  it("is right again right after the device slept, while a question was under way, too", async () => {
    const world = make();
    await pass(world.clock, 60_000);
    for (const inFlight of [false, true]) {
      await passToNextAnswer(world);
      if (inFlight) {
        // A question is due, and the device sleeps between the server's clock and its answer.
        world.clock.step(3 * HOUR_MS);
        world.wayBackMs = () => 3_000;
        const asked = world.asked;
        while (world.asked === asked) await pass(world.clock, 100);
        await pass(world.clock, 100);
      }
      world.sleptMs += 20 * 60_000;
      world.clock.step(20 * 60_000);
      await pass(world.clock, inFlight ? 3_000 : 1_200);
      // From here on slower than what the sleep has cut short.
      if (inFlight) world.wayThereMs = world.wayBackMs = () => 2_000;
      await pass(world.clock, 6_000);
      expect(Math.abs(world.earlyMs()), `${inFlight}`).to.be.at.most(1);
    }
  });

  it("is wrong by no more than it says, with ways of different lengths, and keeps the shortest", async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = seededRandom(seed);
      const world = make({ seed });
      world.wayThereMs = () => 5 + random() ** 4 * 800;
      world.wayBackMs = () => 5 + random() ** 4 * 800;
      let worstMs = 0;
      for (let i = 0; i < 30; i += 1) {
        await pass(world.clock, 10_000);
        const view = campaignViews(world.views).at(-1);
        if (view === undefined) continue;
        expect(Math.abs(world.earlyMs()), `seed ${seed}`).to.be.at.most(view.uncertaintyMs + 1);
        if (i >= 1) worstMs = Math.max(worstMs, Math.abs(world.earlyMs()));
      }
      expect(worstMs, `seed ${seed}`).to.be.lessThan(300);
    }
  });

  it("is right at the start, where the device's clock runs slow by 100 parts in a million", async () => {
    for (const drift of [1 + 100e-6, 1 - 100e-6]) {
      const world = make({ startsInMs: HOUR_MS });
      world.drift = drift;
      // The last look is slower than the first answers, which are old by then.
      world.wayThereMs = world.wayBackMs = () => (world.clock.elapsed() < HOUR_MS / 2 ? 5 : 40);
      await pass(world.clock, HOUR_MS - 4_000);
      // Without the last look it would be wrong by 360 ms.
      expect(Math.abs(world.earlyMs())).to.be.at.most(3);
    }
  });

  it("has a view at each whole second, and none early at the start", async () => {
    const world = make({ startsInMs: 30_000 });
    await pass(world.clock, 31_500);
    const counted = campaignViews(world.views).map(({ millisToStart }) => millisToStart);
    for (const second of [25, 20, 10, 5, 3, 2, 1, 0])
      expect(
        counted.some((ms) => Math.abs(ms - second * 1_000) <= 2),
        `${second} s`,
      ).to.equal(true);
    expect(world.views.at(-1)).to.include({ kind: "campaign", state: "OPEN", millisToStart: 0 });
  });

  it("asks seldom while the start is far, and a cache may answer then", async () => {
    const world = make({ startsInMs: 24 * HOUR_MS });
    await pass(world.clock, 10_000);
    // The server's clock is read from answers that no cache has kept.
    expect([world.asked, world.gets]).to.deep.equal([3, 0]);
    await pass(world.clock, HOUR_MS);
    expect(world.asked).to.be.within(60, 240);
    expect(world.gets).to.equal(world.asked - 3);
  });

  it("tells that it is sold out, and ends for a campaign that does not exist", async () => {
    const world = make({ startsInMs: -1_000 });
    await pass(world.clock, 1_000);
    expect(world.views.at(-1)).to.include({ kind: "campaign", soldOut: false, millisToStart: 0 });
    world.soldOut = true;
    await pass(world.clock, 10_000);
    expect(world.views.at(-1)).to.include({ kind: "campaign", soldOut: true });

    const clock = fakeClock();
    const transport = stubTransport(() => {
      throw refusing("UNKNOWN_CAMPAIGN");
    });
    const views: CountdownView[] = [];
    for await (const view of createCouponClient({ baseUrl: "", transport, clock }).countdown(ID))
      views.push(view);
    expect(views.map(({ kind }) => kind)).to.deep.equal(["unknownCampaign"]);
    expect(clock.waiting()).to.deep.equal([]);
  });

  it("says that it connects, goes on asking, and ends with its signal or its last reader", async () => {
    const clock = fakeClock();
    let asked = 0;
    const transport = stubTransport(() => {
      asked += 1;
      throw new ConnectError("down", Code.Unavailable);
    });
    const client = createCouponClient({ baseUrl: "", transport, clock });
    const own = new AbortController();
    const views: CountdownView[] = [];
    const countdown = client.countdown(ID, { signal: own.signal });
    const leave = countdown.subscribe((view) => views.push(view));
    await pass(clock, 20_000);
    expect(views.at(-1)).to.deep.equal({ kind: "connecting", message: "down" });
    expect(asked).to.be.greaterThan(3);
    own.abort();
    leave();
    const read = client.countdown(ID);
    for await (const view of read) {
      expect(view.kind).to.equal("connecting");
      break;
    }
    await settle();
    expect(clock.waiting()).to.deep.equal([]);
  });
});
