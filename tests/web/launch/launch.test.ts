import { expect } from "chai";
import type { ClaimOptions } from "../../../client/claim.ts";
import type { CountdownView } from "../../../client/countdown.ts";
import type { ClaimOutcome } from "../../../client/outcome.ts";
import { takeToken } from "../../../web/launch/address.ts";
import { createCustomer } from "../../../web/launch/customer.ts";
import { createKeeper } from "../../../web/launch/kept.ts";
import { createLaunch } from "../../../web/launch/launch.ts";
import { type SceneName, sceneOf } from "../../../web/launch/scene.ts";
import { createTokenOfTab, userOf } from "../../../web/launch/token.ts";
import { claimsOf, secretMaker } from "../../support/claim-credentials.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const ID = "01K7ZQ0Z5T6N8W3M4X5Y6Z7A8B";
const START = new Date("2026-12-24T12:00:00Z");
type CampaignView = Extract<CountdownView, { kind: "campaign" }>;
const view = (given: Partial<CampaignView> = {}): CampaignView =>
  ({
    ...{
      kind: "campaign",
      state: "OPEN",
      startsAt: START,
      endsAt: undefined,
      soldOut: false,
      millisToStart: 0,
    },
    ...{ onePerUser: true, claimAuth: "OPEN", uncertaintyMs: 1, isCurrent: true },
    ...given,
  }) as CampaignView;
const early = view({ state: "SCHEDULED", millisToStart: 60_000 });
const issued = (code: string): ClaimOutcome => ({
  ...{ kind: "issued", requestId: "r", replayed: false },
  coupon: { code, campaignId: ID, seq: 1, issuedAt: START },
});

/** A storage of the test: all pages that are opened on it share it, as the tabs of a browser do. */
function stored(): Storage {
  const values = new Map<string, string>();
  return {
    getItem: (name: string) => values.get(name) ?? null,
    setItem: (name: string, value: string) => void values.set(name, value),
    removeItem: (name: string) => void values.delete(name),
  } as unknown as Storage;
}

type Asked = ClaimOptions & { end(outcome: ClaimOutcome): void };

/** A page on a service whose answers the test gives. */
function open({ storage = stored(), forbidden = false } = {}) {
  const clock = fakeClock();
  const asked: Asked[] = [];
  const target = new EventTarget();
  let tell: (view: CountdownView) => void = () => {};
  let countdowns = 0;
  const keeper = createKeeper(
    ID,
    () => {
      if (forbidden) throw new Error("forbidden");
      return storage;
    },
    target,
  );
  const tokenOfTab = createTokenOfTab(ID, stored);
  const launch = createLaunch({
    campaignId: ID,
    client: {
      claim: (_, options = {}) =>
        new Promise((end, reject) => {
          options.signal?.addEventListener("abort", () => reject(options.signal?.reason));
          asked.push({ ...options, end });
        }),
      countdown() {
        countdowns += 1;
        return {
          subscribe(listener: typeof tell) {
            tell = listener;
            return () => {};
          },
          close() {},
        } as never;
      },
    },
    customer: createCustomer({ couponToken: () => undefined, tokenOfTab, clock }),
    ...{ keeper, clock, random: () => 0.5 },
  });
  launch.begin();
  const scene = (): SceneName => sceneOf(launch.state()).name;
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    ...{ launch, clock, asked, scene, storage },
    tell: (given: CountdownView) => tell(given),
    countdowns: () => countdowns,
    otherTabKept(key: string) {
      target.dispatchEvent(Object.assign(new Event("storage"), { key }));
    },
    async signInAs(user: string) {
      tokenOfTab.set(secretMaker("s".repeat(32)).sign(claimsOf(user)));
      launch.signIn();
      await settle();
    },
    async end(outcome: ClaimOutcome) {
      asked.at(-1)?.end(outcome);
      await settle();
    },
  };
}

describe("a customer's way through a launch", () => {
  it("many presses are one claim, which is kept before it is asked", async () => {
    const { launch, tell, asked, end, scene, storage } = open();
    tell(view());
    launch.press();
    expect([asked.length, scene()]).to.deep.equal([0, "open"]);
    launch.setUser("alice");
    for (let i = 0; i < 50; i++) launch.press();
    expect([asked.length, asked[0]?.userId, asked[0]?.waitForStart, scene()]).to.deep.equal([
      ...[1, "alice", true],
      "asking",
    ]);
    const again = open({ storage });
    again.tell(view());
    expect([again.asked.length, again.asked[0]?.userId]).to.deep.equal([1, "alice"]);
    await end(issued("예송탐니빈즈7550"));
    expect([scene(), launch.state().coupon?.code]).to.deep.equal(["issued", "예송탐니빈즈7550"]);
    for (let i = 0; i < 50; i++) launch.press();
    expect(asked).to.have.length(1);
  });

  it("a coupon that was kept is shown at once, also by another tab, and nothing is asked", async () => {
    const { launch, tell, end, storage } = open();
    tell(view());
    launch.setUser("alice");
    const other = open({ storage });
    other.tell(view());
    launch.press();
    other.launch.press();
    expect(other.asked).to.have.length(1);
    await end(issued("예송탐니빈즈7550"));
    other.otherTabKept(`coupon-launch:${ID}:of:alice`);
    expect([other.scene(), other.asked[0]?.signal?.aborted]).to.deep.equal(["issuedInOtherTab", true]);
    expect(sceneOf(launch.state()).name).to.equal("issued");
    const later = open({ storage });
    expect(later.scene()).to.equal("issued");
    later.tell(view({ state: "ENDED" }));
    expect([later.scene(), later.asked.length]).to.deep.equal(["issued", 0]);
  });

  it("of two tabs, the one that was not pressed asks only where the other has no answer soon", () => {
    const storage = stored();
    const [pressed, other] = [open({ storage }), open({ storage })];
    for (const tab of [pressed, other]) tab.tell(view());
    pressed.launch.setUser("alice");
    other.otherTabKept(`coupon-launch:${ID}`);
    pressed.launch.press();
    other.otherTabKept(`coupon-launch:${ID}:of:alice`);
    expect([pressed.asked.length, other.asked.length, other.scene()]).to.deep.equal([
      ...[1, 0],
      "askingInOtherTab",
    ]);
    other.clock.pass(3_000);
    other.asked[0]?.onProgress?.({ kind: "asking", tries: 1 });
    expect([other.asked[0]?.userId, other.scene()]).to.deep.equal(["alice", "asking"]);
  });

  it("without storage, all goes well until the page is left", async () => {
    const { launch, tell, end, scene } = open({ forbidden: true });
    tell(view());
    launch.setUser("alice");
    launch.press();
    await end(issued("예송탐니빈즈7550"));
    expect(scene()).to.equal("issued");
    launch.setUser("bob");
    expect(scene()).to.equal("open");
    launch.setUser("alice");
    expect(scene()).to.equal("issued");
  });

  it("pressed early, it waits for the start, and asks at once where the start is moved", async () => {
    const { launch, tell, asked, scene, clock } = open();
    tell(view({ ...early, onePerUser: false }));
    expect(scene()).to.equal("early");
    launch.press();
    asked[0]?.onProgress?.({
      ...{ kind: "waiting", why: "start", waitMs: 60_000, tries: 1, message: "", startsAt: START },
    });
    expect(scene()).to.equal("queued");
    tell(view({ ...early, onePerUser: false, millisToStart: 59_000 }));
    expect(asked).to.have.length(1);
    tell(view({ onePerUser: false }));
    expect([scene(), asked.length], "it keeps the service's pace").to.deep.equal(["turn", 1]);
    tell(view({ onePerUser: false, startsAt: new Date(START.getTime() + 1_000) }));
    clock.pass(2_000);
    expect([asked.length, asked[0]?.signal?.aborted]).to.deep.equal([2, true]);
  });

  it("pressed before the campaign is known, it claims once it is, or asks for the user id", () => {
    const anybody = open();
    anybody.launch.press();
    expect([anybody.scene(), sceneOf(anybody.launch.state()).button]).to.deep.equal([
      "connecting",
      "waiting",
    ]);
    anybody.tell(view({ onePerUser: false }));
    expect([anybody.asked.length, anybody.asked[0]?.userId]).to.deep.equal([1, undefined]);
    const user = open();
    user.launch.press();
    user.tell(view());
    expect([user.asked.length, user.scene(), user.launch.state().isWanted]).to.deep.equal([0, "open", false]);
  });

  it("what may still come is never told as an end", () => {
    const { launch, tell, asked, scene } = open();
    tell(view({ onePerUser: false }));
    launch.press();
    const waiting = { kind: "waiting", waitMs: 1, tries: 1, message: "", startsAt: undefined } as const;
    const told: string[] = [];
    for (const why of ["offline", "unreachable", "busy"] as const) {
      asked[0]?.onProgress?.({ ...waiting, why });
      told.push(`${scene()} ${sceneOf(launch.state()).button}`);
      asked[0]?.onProgress?.({ kind: "asking", tries: 2 });
      tell(view({ onePerUser: false, soldOut: true }));
      told.push(scene());
    }
    expect(told).to.deep.equal([
      ...["askingOffline waiting", "askingOffline", "askingUnreachable waiting", "askingUnreachable"],
      ...["busy waiting", "busy"],
    ]);
  });

  it("paused, it goes on by itself when the campaign does, and quietly asks meanwhile", async () => {
    const { launch, tell, asked, end, scene, clock } = open();
    tell(view({ onePerUser: false, state: "PAUSED" }));
    expect(scene()).to.equal("paused");
    launch.press();
    await end({ kind: "paused", requestId: "r", retryAfterMs: 0 });
    for (let i = 0; i < 20; i++) launch.press();
    expect([scene(), asked.length]).to.deep.equal(["pausedWanted", 1]);
    clock.pass(6_000);
    expect(asked).to.have.length(1);
    clock.pass(4_000);
    asked[1]?.onProgress?.({ kind: "asking", tries: 1 });
    expect([scene(), asked.length]).to.deep.equal(["pausedWanted", 2]);
    await end({ kind: "paused", requestId: "r", retryAfterMs: 0 });
    tell(view({ onePerUser: false }));
    clock.pass(2_000);
    expect(asked).to.have.length(3);
  });

  it("sold out, the button comes back when coupons were added, not by an older status", async () => {
    const { launch, tell, end, scene } = open();
    tell(view({ onePerUser: false }));
    launch.press();
    await end({ kind: "soldOut", requestId: "r" });
    tell(view({ onePerUser: false }));
    expect(scene()).to.equal("gone");
    tell(view({ onePerUser: false, soldOut: true, state: "SOLD_OUT" }));
    expect(scene()).to.equal("gone");
    tell(view({ onePerUser: false }));
    expect(scene()).to.equal("open");
  });

  it("pressed again after an answer that was unclear, asks at most every two seconds", async () => {
    const { launch, tell, asked, end, scene, clock } = open();
    tell(view({ onePerUser: false }));
    launch.press();
    await end({ kind: "failed", requestId: "r", code: "not_found", message: "HTTP 404" });
    expect(scene()).to.equal("unclear");
    for (let i = 0; i < 20; i++) launch.press();
    expect(asked).to.have.length(1);
    clock.pass(2_000);
    expect(asked).to.have.length(2);
  });

  it("a token that is no longer valid is asked for, and the claim goes on with the next one", async () => {
    const { launch, tell, asked, end, scene, clock, signInAs } = open();
    tell(view({ claimAuth: "TOKEN" }));
    expect(scene()).to.equal("signIn");
    await signInAs("alice");
    launch.press();
    expect(asked[0]?.userId).to.equal(undefined);
    await end({ kind: "unauthenticated", requestId: "r", message: "expired" });
    expect([scene(), launch.state().isWanted]).to.deep.equal(["signInAgain", true]);
    await signInAs("alice");
    clock.pass(2_000);
    expect([asked.length, scene()]).to.deep.equal([2, "asking"]);
    await signInAs("bob");
    expect([asked[1]?.signal?.aborted, scene()], "another user's wish is not this one's").to.deep.equal([
      true,
      "open",
    ]);
  });

  it("of a countdown that ended, begins another, and keeps what it knew", () => {
    const { tell, countdowns, clock, scene } = open();
    tell(view({ onePerUser: false }));
    tell({ kind: "failed", code: "not_found", message: "HTTP 404" });
    expect(scene()).to.equal("open");
    clock.pass(15_000);
    expect(countdowns()).to.equal(2);
  });
});

describe("the token in the address of a launch page", () => {
  it("is taken out of it at once, and names its user", () => {
    const token = secretMaker("s".repeat(32)).sign(claimsOf("앨리스"));
    const replaced: unknown[] = [];
    const history = { state: null, replaceState: (...given: unknown[]) => void replaced.push(given) };
    const at = { pathname: `/launch/${ID}`, search: "?a=1" };
    expect(takeToken({ ...at, hash: `#token=${token}` }, history)).to.equal(token);
    expect(replaced).to.deep.equal([[null, "", `/launch/${ID}?a=1`]]);
    expect(takeToken({ ...at, hash: "#else" }, history)).to.equal(undefined);
    expect(userOf(token)).to.equal("앨리스");
    for (const odd of ["", "a.b.c", "a", `a.${btoa("[]")}.c`, `a.${btoa('{"sub":1}')}.c`])
      expect(userOf(odd)).to.equal("");
  });
});
