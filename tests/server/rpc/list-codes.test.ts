import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { issuanceOf } from "../../../campaign/claim-record.ts";
import { createSettledNow } from "../../../campaign/settled-issues.ts";
import { until } from "../../../local/poll.ts";
import type { Claim, Frontier } from "../../../pool/answers.ts";
import type { CampaignDoc } from "../../../record/documents.ts";
import { refusal } from "../../support/answers.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { type ShiftedClock, shiftedClock } from "../../support/fake-clock.ts";
import { claimAll, claimIn, type Loading, loadedPool } from "../../support/loaded-pool.ts";
import { bareCampaign, type Records, recordsOf } from "../../support/made-campaign.ts";
import { type OpenApp, openApp } from "../../support/open-app.ts";
import { HANG_MS } from "../../support/patience.ts";
import { withStores } from "../../support/with-stores.ts";

describe("pages of issued coupons while claims are under way", () => {
  const stores = withStores();
  let records: Records;
  let clock: ShiftedClock;
  let app: OpenApp;
  let operator: Clients;
  let settleMs: number;
  let looks: number;
  let frontierOf: (campaignId: string) => Promise<Frontier>;

  before(async () => {
    records = recordsOf(stores.db);
    clock = shiftedClock();
    app = await openApp(stores, {
      clock,
      deps: {
        async settledNow(campaignId) {
          looks++;
          const find = records.campaigns.find;
          return createSettledNow({ find, frontier: frontierOf, settleMs })(campaignId);
        },
      },
    });
    operator = connectClients(`http://127.0.0.1:${app.port}`);
  });

  beforeEach(() => {
    settleMs = 0;
    looks = 0;
    frontierOf = stores.pool.frontier;
  });

  after(() => app.close());

  /** A campaign of four coupons; each is claimed by a user whose name is its code. */
  async function claimedCampaign(loading: Loading = {}, given: Partial<CampaignDoc> = {}) {
    const codes = ["가1", "나2", "다3", "라4"].map((code) => `${code}-${Math.random()}`);
    const target = await loadedPool(stores.pool, { codes, ...loading });
    const { campaignId, generation, total } = target;
    await bareCampaign(records, {
      ...{ _id: campaignId, total, state: "OPEN", generation, loadedGeneration: generation, ...given },
    });
    const answers = await claimAll(stores.pool, campaignId, Date.now(), ...codes);
    return { campaignId, claims: answers.map(claimIn) };
  }

  /** The claims become durable, and the pool is told so. */
  async function finish(...claims: readonly (Claim | undefined)[]): Promise<void> {
    for (const claim of claims) {
      if (claim === undefined) throw new Error("no such claim");
      await records.issuances.insert([issuanceOf(claim)]);
      await stores.pool.settle(claim.campaignId, claim.generation, [claim.seq]);
    }
  }

  async function page(campaignId: string, pageSize: number, pageToken = "") {
    const answer = await operator.campaigns.getCampaign({ campaignId, pageSize, pageToken });
    return { codes: answer.issuedCodes, token: answer.nextPageToken };
  }

  /** Resolves when the call has looked for claims under way at least so often. */
  const waits = async (times = 3) => expect(await until(() => looks >= times, HANG_MS)).to.equal(true);
  const codeOf = (claim: Claim | undefined) => claim?.code ?? "";

  it("a page with a token waits for a claim that comes before its codes", async () => {
    const { campaignId, claims } = await claimedCampaign();
    const [first, second, third] = claims;
    await finish(second, third);
    const asked = page(campaignId, 1);
    await waits();
    await finish(first);
    const one = await asked;
    expect(one.codes).to.deep.equal([codeOf(first)]);
    const two = await page(campaignId, 1, one.token);
    const three = await page(campaignId, 1, two.token);
    expect([...two.codes, ...three.codes]).to.deep.equal([codeOf(second), codeOf(third)]);
    expect(three.token).to.equal("");
  });

  it("… and is refused where the claim stays under way", async () => {
    const { campaignId, claims } = await claimedCampaign();
    await finish(claims[1], claims[2]);
    const asked = refusal(page(campaignId, 1));
    await waits();
    clock.pass(10_000);
    expect(await asked).to.include({ code: Code.Unavailable, reason: "OVERLOADED" });
  });

  it("a page with a token ends before a claim under way, the next one begins there", async () => {
    const { campaignId, claims } = await claimedCampaign();
    const [first, second, third, fourth] = claims;
    await finish(first, third, fourth);
    const one = await page(campaignId, 2);
    expect(one.codes).to.deep.equal([codeOf(first)]);
    await finish(second);
    const two = await page(campaignId, 2, one.token);
    expect(two.codes).to.deep.equal([codeOf(second), codeOf(third)]);
    expect((await page(campaignId, 2, two.token)).codes).to.deep.equal([codeOf(fourth)]);
  });

  it("the last page has all that is durable at once, without Redis as well", async () => {
    const { campaignId, claims } = await claimedCampaign();
    await finish(claims[1], claims[2]);
    const all = { codes: [codeOf(claims[1]), codeOf(claims[2])], token: "" };
    expect(await page(campaignId, 2)).to.deep.equal(all);
    frontierOf = () => Promise.reject(new Error("no Redis"));
    expect(await page(campaignId, 0)).to.deep.equal(all);
    const asked = refusal(page(campaignId, 1));
    await waits();
    clock.pass(10_000);
    expect(await asked).to.include({ code: Code.Unavailable });
  });

  it("an export waits for the claims that come before what is durable when it begins", async () => {
    const { campaignId, claims } = await claimedCampaign();
    const [first, second, third] = claims;
    await finish(first, third);
    const codes: string[] = [];
    const exported = (async () => {
      for await (const { coupons } of operator.campaigns.exportCoupons({ campaignId }))
        codes.push(...coupons.map(({ coupon }) => coupon?.code ?? ""));
    })();
    await waits();
    await finish(second);
    await exported;
    expect(codes).to.deep.equal([first, second, third].map(codeOf));
  });

  it("… and goes on without those that stay under way", async () => {
    const { campaignId, claims } = await claimedCampaign();
    await finish(claims[0], claims[2]);
    const codes: string[] = [];
    const exported = (async () => {
      for await (const { coupons } of operator.campaigns.exportCoupons({ campaignId }))
        codes.push(...coupons.map(({ coupon }) => coupon?.code ?? ""));
    })();
    await waits();
    clock.pass(60_000);
    await exported;
    expect(codes).to.deep.equal([codeOf(claims[0]), codeOf(claims[2])]);
  });

  it("after a rebuild nothing new has a token until inserts from before it have ended", async () => {
    settleMs = HANG_MS * 2;
    const late = {
      ...{ claimKey: "late", userId: "", code: `라4-${Math.random()}`, generation: 1, seq: 9 },
      issuedAtMs: 5,
    };
    const { campaignId, claims } = await claimedCampaign({ generation: 2 });
    await finish(...claims);
    const asked = page(campaignId, 1);
    await waits();
    await records.issuances.insert([issuanceOf({ ...late, campaignId })]);
    settleMs = 0;
    expect((await asked).codes).to.deep.equal([late.code]);
  });

  it("a campaign at rest needs no pool", async () => {
    frontierOf = () => Promise.reject(new Error("no Redis"));
    for (const state of ["SOLD_OUT", "ENDED", "CANCELLED"] as const) {
      const { campaignId, claims } = await claimedCampaign({}, { state });
      await finish(...claims);
      const { codes, token } = await page(campaignId, 2);
      expect([codes, token === ""]).to.deep.equal([claims.slice(0, 2).map(codeOf), false]);
    }
  });
});
