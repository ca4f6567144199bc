import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { CampaignState, ClaimAuth } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import type { CouponToken } from "../../../web/launch/customer.ts";
import { createKeeper } from "../../../web/launch/kept.ts";
import { openLaunch } from "../../../web/launch/open-launch.ts";
import { sceneOf } from "../../../web/launch/scene.ts";
import { createTokenOfTab } from "../../../web/launch/token.ts";
import { type Asked, pass, settle, stubTransport } from "../../client/stub-transport.ts";
import { claimsOf, secretMaker } from "../../support/claim-credentials.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const ID = "01K7ZQ0Z5T6N8W3M4X5Y6Z7A8B";
const CODE = "예송탐니빈즈7550";
const maker = secretMaker("s".repeat(32));
const tokenOf = (user: string): string => maker.sign(claimsOf(user));

function stored(): Storage {
  const values = new Map<string, string>();
  return {
    getItem: (name: string) => values.get(name) ?? null,
    setItem: (name: string, value: string) => void values.set(name, value),
    removeItem: (name: string) => void values.delete(name),
  } as unknown as Storage;
}

/** The page in a shop's own page, on the client library, with a service that the test answers for. */
function open(couponToken: CouponToken, storage = stored()) {
  const clock = fakeClock();
  const claims: Asked[] = [];
  const shop = { couponToken, asked: 0 };
  const service: { answer: () => unknown } = { answer: issued };
  const keeper = createKeeper(ID, () => storage, new EventTarget());
  const transport = stubTransport((asked) => {
    if (asked.method === "GetCampaignStatus")
      return {
        ...{ state: CampaignState.OPEN, claimAuth: ClaimAuth.TOKEN, onePerUser: true },
        startsAt: timestampFromMs(clock.now() - 1_000),
        serverTime: timestampFromMs(clock.now()),
      };
    claims.push(asked);
    return service.answer();
  });
  const launch = openLaunch(ID, {
    ...{ baseUrl: "", transport, clock, keeper, storage: "memory", random: () => 0.5 },
    tokenOfTab: createTokenOfTab(ID, stored),
    couponToken: () => () => {
      shop.asked += 1;
      return shop.couponToken();
    },
  });
  launch.begin();
  const shown = () => {
    const { name, button } = sceneOf(launch.state());
    return `${name} ${button}`;
  };
  return { ...{ launch, clock, claims, shop, service, keeper, storage, shown } };
}

function issued(): unknown {
  return { coupon: { code: CODE, campaignId: ID, seq: 1n, issuedAt: timestampFromMs(0) } };
}
function lost(): never {
  throw new ConnectError("the connection is gone", Code.Unavailable);
}
const never = (): Promise<string> => new Promise(() => {});
const refusing = (): Promise<string> => Promise.reject(new Error("the shop is down"));
const credentialOf = ({ header }: Asked) => header.get("authorization");

describe("the shop's couponToken()", () => {
  it("that never settles is waited for a while, and the customer is told", async () => {
    const { clock, shown, claims, shop, launch } = open(never);
    await pass(clock, 4_000);
    expect(shown(), "the campaign is shown meanwhile").to.equal("open claim");
    launch.press();
    expect(shown()).to.equal("asking waiting");
    await pass(clock, 2_000);
    expect([shown(), claims.length]).to.deep.equal(["shopSilent again", 0]);
    shop.couponToken = () => tokenOf("alice");
    launch.press();
    await pass(clock, 2_000);
    expect([shown(), launch.state().user]).to.deep.equal(["issued copy", "alice"]);
    expect(claims.map(credentialOf)).to.deep.equal([`Bearer ${tokenOf("alice")}`]);
  });

  it("that rejects once is asked again by itself, and what was pressed is claimed", async () => {
    const { clock, shown, claims, shop, launch } = open(refusing);
    launch.press();
    await settle();
    expect(shown()).to.equal("shopSilent again");
    shop.couponToken = async () => tokenOf("alice");
    await pass(clock, 10_000);
    expect([shown(), claims.length, shop.asked]).to.deep.equal(["issued copy", 1, 3]);
  });

  it("is asked no more often by many presses", async () => {
    const { clock, shown, shop, launch } = open(refusing);
    for (let i = 0; i < 100; i++) {
      launch.press();
      await pass(clock, 100);
    }
    expect([shown(), shop.asked <= 6]).to.deep.equal(["shopSilent again", true]);
  });

  it("that rejects while a claim asks again: a press asks at once, with the same key", async () => {
    const { clock, shown, claims, shop, service, launch } = open(() => tokenOf("alice"));
    await settle();
    service.answer = lost;
    launch.press();
    await settle();
    expect([shown(), claims.length]).to.deep.equal(["askingUnreachable waiting", 1]);
    shop.couponToken = refusing;
    await pass(clock, 1_000);
    expect([shown(), claims.length]).to.deep.equal(["shopSilent again", 1]);
    for (let i = 0; i < 20; i++) {
      launch.press();
      await settle();
    }
    const askedInVain = shop.asked;
    await pass(clock, 1_999);
    expect(shop.asked).to.equal(askedInVain);
    shop.couponToken = () => tokenOf("alice");
    service.answer = issued;
    await pass(clock, 10_000);
    expect([shown(), launch.state().coupon?.code]).to.deep.equal(["issued copy", CODE]);
    expect(new Set(claims.map(({ input }) => input["requestId"])).size).to.equal(1);
  });

  it("that has no token says that nobody has signed in", async () => {
    const { clock, shown } = open(() => "");
    await pass(clock, 1_000);
    expect(shown()).to.equal("signIn none");
  });
});

describe("a customer who signs in at the shop while another one's claim asks", () => {
  it("is not given the claim or the coupon of the one before, who goes on later", async () => {
    const { clock, shown, claims, shop, service, launch, keeper, storage } = open(() => tokenOf("alice"));
    await settle();
    service.answer = lost;
    launch.press();
    await settle();
    expect(claims.map(credentialOf)).to.deep.equal([`Bearer ${tokenOf("alice")}`]);
    shop.couponToken = () => tokenOf("bob");
    service.answer = issued;
    await pass(clock, 60_000);
    expect([shown(), launch.state().user, claims.length]).to.deep.equal(["open claim", "bob", 1]);
    expect(keeper.of("alice")).to.deep.equal({ isWanted: true, coupon: undefined });
    launch.press();
    await settle();
    expect(claims.map(credentialOf).slice(1)).to.deep.equal([`Bearer ${tokenOf("bob")}`]);
    expect([keeper.of("alice").coupon, keeper.of("bob").coupon?.code]).to.deep.equal([undefined, CODE]);
    const later = open(() => tokenOf("alice"), storage);
    await settle();
    expect(later.claims.map(credentialOf)).to.deep.equal([`Bearer ${tokenOf("alice")}`]);
  });
});
